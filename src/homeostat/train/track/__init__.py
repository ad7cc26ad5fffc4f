"""Runs told to trackers outside: TensorBoard, MLflow, Weights & Biases. The store keeps them in any case."""

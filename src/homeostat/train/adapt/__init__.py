"""What is trained: which tensors get a gradient, and how they are saved."""

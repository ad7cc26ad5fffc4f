"""Continued pretraining: a base reads unlabeled texts of a domain before anything is fine-tuned on it."""

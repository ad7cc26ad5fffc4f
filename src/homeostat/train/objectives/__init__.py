"""Losses, one per file: what a batch's predictions should have been."""

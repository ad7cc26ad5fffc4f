"""Losses that learn from what people liked better, liked, or rated."""

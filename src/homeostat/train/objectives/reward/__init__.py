"""Losses that learn from what replies are worth when they are tried."""

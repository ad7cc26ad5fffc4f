"""Losses that learn from what another model says."""

"""Penalties, one per file: what holds a model to what it was."""

"""Losses over classes: labels that are scored against each other, frequent and rare."""

"""The newest rows watched: what moved, what it is called, and who is told."""

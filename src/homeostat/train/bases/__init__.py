"""Compares candidate bases on the user's own rows: what they are, how they read, and how they learn."""

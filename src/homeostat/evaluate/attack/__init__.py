"""Looks for the smallest change of a request that keeps what it means and makes a version say something else."""

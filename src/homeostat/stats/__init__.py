"""What a number is worth: intervals, paired tests, how many rows a test needs, and e-processes that allow peeking.

Pure functions and small values on numpy and scipy, used by every room that decides something. One-sided p-values
throughout: the direction that is claimed is the name of the function.
"""

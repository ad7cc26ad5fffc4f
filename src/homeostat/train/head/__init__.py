"""The exact incremental head: ridge regression on frozen features, after any order of rows what a batch would give."""

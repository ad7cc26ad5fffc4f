"""From the log to a dataset: selected, targeted, cleaned, deduplicated, fenced, mixed with what was known before.

Every step is a pure function over lists, and `build` counts what each one left. `snapshot` alone reads and writes the
store.
"""

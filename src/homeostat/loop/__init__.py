"""The only floor that knows the order of the rooms. Read `turn.py` first."""

"""Revisions of the tables, in order. A revision is never changed once it has shipped; it declares what it makes itself.

A new one is a file `mNNNN_what_it_does.py` with `revision`, `down_revision` and `upgrade()`.
"""

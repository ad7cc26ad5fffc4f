"""Which known word a new one may be a misspelling of."""

from __future__ import annotations

import difflib
from functools import lru_cache

ALIKE = 0.8
"""Likeness of two words, between 0 and 1, from which on one may be the other misspelled."""


@lru_cache(maxsize=1024)
def meant(word: str, known: tuple[str, ...] | frozenset[str]) -> str:
    """The known word most like a new one, capitals aside, or nothing where none is like it."""
    plain = {one.lower(): one for one in known}
    near = difflib.get_close_matches(word.lower(), plain, n=1, cutoff=ALIKE)
    return plain[near[0]] if near else ""

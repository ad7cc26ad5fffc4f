"""At which level rows that come later have to show a claim, by what the first look at it has found.

A test that was not passed at its level may be followed by another on fresh rows, if a part of the level was kept for
that beforehand: the p-value of the first look says how much of it there is for the second (a conditional error
function, Proschan and Hunsberger 1995, Biometrics 51:1315). Whoever nearly passed has to show less than whoever did
not. The second may be looked at after every row, where it is an e-process (`stats.planned`).
"""

from __future__ import annotations

import math

KEPT = 0.1
"""Part of a level that is kept for looking again."""


def asked(p: float, first: float, more: float) -> float:
    """The level for fresh rows after a first look with this p-value, which was not passed at the level `first`.

    A claim that is false is then shown by the first look or by the later rows with probability at most `first + more`:
    the level is `more / (p ln(1 / first))`, which over p-values from `first` to 1 comes to `more`; it falls as p rises,
    so p-values that are too large do no harm.

    Raises:
        ValueError: p is not above `first`, or `more` is no smaller error than `first`.
    """
    if not 0.0 < more <= first < p <= 1.0 or first > 0.5:
        raise ValueError(f"nothing is kept for looking again: p {p}, first look at {first}, later rows at {more}")
    return more / (p * math.log(1.0 / first))

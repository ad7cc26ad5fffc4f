"""How many replies are right, told by a judge whose errors are known from replies that people judged too.

A judge rates right replies f1 on average and wrong ones f0. If a share q of a window is right, its mean rating is
q f1 + (1 - q) f0, whatever the system has come to; so q = (mean - f0) / (f1 - f0) (Rogan and Gladen 1978, Am. J.
Epidemiology 107:71; for judges of language models: Lee et al. 2025, 2511.21140). What is presumed is that the judge
rates right replies and wrong ones as it did, which is what `monitor.judge` watches. The interval is Fieller's, of a
ratio of two uncertain numbers: it has no end where the judge may not tell right from wrong at all, and then nothing is
told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from homeostat.types.report import Score

LEAST = 10
"""Replies that people found right, and wrong, each with the judge's rating, below which nothing is told."""


def by_judge(ratings: Sequence[float], good: Sequence[float], bad: Sequence[float], level: float = 0.95) -> Score | str:
    """The share of a window's replies that is right, with its interval, or why none is told.

    Args:
        ratings: the judge's of the window, in [0, 1].
        good: its ratings of replies that people found right.
        bad: of those that they found wrong.
        level: of the interval, which covers what the window's own replies come to.

    Raises:
        ValueError: a window without ratings.
    """
    if not len(ratings):
        raise ValueError("no ratings")
    if min(len(good), len(bad)) < LEAST:
        return f"{len(good)} right and {len(bad)} wrong replies were rated and judged by people; {LEAST} of each tell"
    z = float(stats.norm.ppf((1 + level) / 2))
    f1, f0, mean = (float(np.mean(rows)) for rows in (good, bad, ratings))
    v1, v0, apart, above = _spread(good) / len(good), _spread(bad) / len(bad), f1 - f0, mean - f0
    share = min(max(above / apart, 0.0), 1.0) if apart > 0.0 else 0.0
    own = (share * _spread(good) + (1.0 - share) * _spread(bad)) / len(ratings)
    # |above - q apart| <= z sqrt(own + q^2 v1 + (1 - q)^2 v0), solved for q.
    a = apart**2 - z**2 * (v1 + v0)
    b = -2.0 * above * apart + 2.0 * z**2 * v0
    c = above**2 - z**2 * (own + v0)
    inside = b**2 - 4.0 * a * c
    if apart <= 0.0 or a <= 0.0 or inside < 0.0:
        return f"the judge rates right replies {f1:.2f} and wrong ones {f0:.2f}: it does not surely tell them apart"
    ends = sorted((-b + sign * math.sqrt(inside)) / (2.0 * a) for sign in (-1.0, 1.0))
    low, high = (min(max(end, 0.0), 1.0) for end in ends)
    return Score(mean=min(max(share, low), high), low=low, high=high, n=len(ratings))


def _spread(rows: Sequence[float]) -> float:
    """Variance of ratings, taken to hold two rows more, half the scale above their mean and below: few rows seldom show
    the rare ones that a good judge has wrong.
    """
    values = np.asarray(rows, np.float64)
    return float((values.var() * len(values) + 2 * 0.5**2) / (len(values) + 1))

"""How well a number tells some rows from others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata


def auroc(value: Sequence[float], positive: Sequence[bool]) -> float:
    """The chance that of a positive and another row, drawn at random, the positive one has the higher value.

    Ties count half; 0.5 is telling nothing (the area under the receiver operating characteristic, by ranks).

    Raises:
        ValueError: unequal lengths, or no rows of one of the two kinds.
    """
    ranks, is_positive = rankdata(np.asarray(value, dtype=np.float64)), np.asarray(positive, dtype=bool)
    if ranks.shape != is_positive.shape:
        raise ValueError(f"{len(ranks)} values for {len(is_positive)} rows")
    n = int(is_positive.sum())
    others = len(ranks) - n
    if not n or not others:
        raise ValueError("rows of both kinds are needed to tell them apart")
    return float((ranks[is_positive].sum() - n * (n + 1) / 2) / (n * others))

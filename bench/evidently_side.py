"""Evidently's side of bar watch.2: drift scores per window, in an environment of its own, for it needs pandas below 3.

    PYTHON bench/evidently_side.py ASKED.npz ANSWERED.npz

`watch_2.py --evidently PYTHON` runs it; nothing of ours is imported. The file holds streams one after another: columns
of numbers, embeddings if there are any, where each stream begins, and how many of its first rows are known. Each window
of WINDOW rows after these is compared with them by what Evidently chooses when nobody chooses: for a column its default
test of the kind, for embeddings the classifier. A score is higher for more drift: a p-value is given as minus its
logarithm. What comes back has, per stream and window, the highest score of its columns and that of its embeddings.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from evidently.legacy.calculations.stattests.registry import get_stattest
from evidently.legacy.core import ColumnType
from evidently.legacy.metrics.data_drift.embedding_drift_methods import model

WINDOW, MOST = 200, 500


def of_columns(known: np.ndarray, window: np.ndarray) -> float:
    """The highest score of the columns, [rows, columns]."""
    scores = []
    for before, now in zip(known.T, window.T, strict=True):
        pair = pd.Series(before), pd.Series(now)
        kind = ColumnType.Categorical if len(np.unique(before)) <= 2 else ColumnType.Numerical
        test = get_stattest(*pair, kind, None)
        score = float(test(*pair, kind, None).drift_score)
        scores.append(-np.log(max(score, 1e-300)) if "p_value" in test.display_name else score)
    return max(scores)


def main() -> None:
    """Score every window of every stream."""
    with np.load(Path(sys.argv[1])) as asked:
        columns, begins, known = asked["columns"], asked["begins"], asked["known"]
        rows, points = asked["rows"], asked["points"]
    method, out, embedded, windows = model(), [], [], []
    for first, after, held in zip(begins[:-1], begins[1:], known, strict=True):
        count = 0
        for at in range(first + held, after - WINDOW + 1, WINDOW):
            before, now = slice(first, first + held), slice(at, at + WINDOW)
            out.append(of_columns(columns[before], columns[now]))
            if len(points):
                held_points, new = pd.DataFrame(points[rows[before][-MOST:]]), pd.DataFrame(points[rows[now]])
                embedded.append(float(method(new, held_points)[0]))
            count += 1
        windows.append(count)
    np.savez(Path(sys.argv[2]), columns=out, embeddings=embedded, windows=windows)


if __name__ == "__main__":
    main()

"""A year of labeled requests in a store, for backtests."""

from __future__ import annotations

import numpy as np

import tiny
from cli.scenes import START
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction

NEW = tuple(tiny.WORDS)[3:]
YEAR = 365 * 86_400


def logged(store: Store, n: int) -> Store:
    """So many; from six tenths of the year on every other one has a label of its own."""
    rng, pool = np.random.default_rng(0), {label: tiny.texts(label, n, 1) for label in tiny.WORDS}
    names = [str(rng.choice(NEW if k >= 0.6 * n and k % 2 else tiny.LABELS)) for k in range(n)]
    times = [START + k * YEAR / n for k in range(n)]
    rows = [
        Interaction(id=f"int_{k:04}", task="routing", time=times[k], text=pool[name][k], reply="x", version="ver_x")
        for k, name in enumerate(names)
    ]
    store.interactions.add(rows)
    store.feedback.add(
        [
            Feedback(id=f"fbk_{k:04}", interaction=row.id, kind=FeedbackKind.LABEL, value=name, time=row.time + 1)
            for k, (row, name) in enumerate(zip(rows, names, strict=True))
        ]
    )
    return store

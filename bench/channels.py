"""Real requests and what a small classifier makes of them: the channels that bars of the watcher draw streams from.

Three public streams (CLINC150, HWU64, titles of arXiv). A third of each one's rows trains a ridge head on hashed
n-grams; of another third some are the index that distances are measured to; the rest is a pool of requests that neither
has seen, each with its confidence, distance, reply and label. Their order carries nothing: they are dealt by lot.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from homeostat.llm.features import grams
from homeostat.loop.backtests.backtest import replies_of
from homeostat.monitor.channels import NeighborIndex
from homeostat.monitor.reference import Reference
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.interaction import Interaction

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STREAMS = {"clinc150_domains": "domain", "hwu64_scenarios": "scenario", "arxiv_years": "label"}
"""Stream -> what its requests are about."""
GRAMS, HIDDEN, INDEX, BINS, NEIGHBORS = 2048, 64, 1000, 512, 5
EVERY = {"arxiv_years": 2}
DATA = Path("../shared/data/streams")


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Requests that the classifier had not seen; a row of one is a row of all."""

    name: str
    index: NeighborIndex
    scores: Floats
    """Strangeness, float64[rows, channels], as the watcher computes it."""
    wrong: Floats
    """1 where the reply is not the label."""
    reply: list[str]
    topic: Ints
    interactions: list[Interaction]

    def __len__(self) -> int:
        return len(self.topic)

    def reference(self) -> Reference:
        """A reference that knows nothing yet."""
        return Reference(self.index, BINS)

    def places(self, rows: Ints, segment: Ints) -> list[tuple[str, str]]:
        """The slices of rows: what they are about, and a segment dealt by lot."""
        names = [f"topic={k}" for k in range(int(self.topic.max()) + 1)]
        return [(names[t], f"segment={s}") for t, s in zip(self.topic[rows].tolist(), segment.tolist(), strict=True)]


@cache
def pool(name: str, folder: Path = DATA, *, taught: bool = False) -> Pool:
    """The pool of a stream; the same each time. `taught`: embeddings are the scores that the head gives each label, as
    the states of a model are that was trained on them, instead of a projection of the n-grams.
    """
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for k, line in enumerate(lines) if k % EVERY.get(name, 1) == 0]
    rows = [rows[k] for k in np.random.default_rng(0).permutation(len(rows))]
    features = grams([row["text"] for row in rows], GRAMS)
    third = len(rows) // 3
    head = RidgeHead(GRAMS, ridge=1.0)
    head.add(features[:third], [row["label"] for row in rows[:third]])
    hidden = (features @ np.random.default_rng(1).normal(size=(GRAMS, HIDDEN))).astype(np.float16)
    if taught:
        hidden = (features @ head.weights()).astype(np.float16)
    index = NeighborIndex(hidden[third : third + INDEX], NEIGHBORS)
    rest = slice(third + INDEX, None)
    told, sure = replies_of(head, features[rest])
    about = [str(row["truth"].get(STREAMS[name], row["label"])) for row in rows[rest]]
    interactions = [
        Interaction(
            id=f"int_{k}", task=name, time=0.0, text=row["text"], reply=reply, version="ver_bench",
            confidence=float(certain), embedding=vector.tobytes(),
        )
        for k, (row, reply, certain, vector) in enumerate(zip(rows[rest], told, sure, hidden[rest], strict=True))
    ]  # fmt: skip
    return Pool(
        name=name,
        index=index,
        scores=Reference(index, BINS).scores(interactions),
        wrong=np.array([float(a != row["label"]) for a, row in zip(told, rows[rest], strict=True)]),
        reply=told,
        topic=np.unique(about, return_inverse=True)[1].astype(np.int64),
        interactions=interactions,
    )

"""Streams with a known change in them, drawn from real requests: what bar watch.2 gives to every detector.

Four desks: CLINC150, HWU64, titles of arXiv (2000 to 2019) and the built-in support traffic. Whole topics are kept back
from the model (domains, scenarios, categories, the new product), a ridge head on hashed n-grams; it is taught other
requests, and answers the rest.
`known` are requests about what it was taught, `novel` are about the topics kept back. A stream is drawn from these:
REFERENCE rows that every detector may learn from, BEFORE rows more of the same, then one change.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.builtin.resources import traffic_path
from homeostat.llm.features import grams
from homeostat.loop.backtests.backtest import replies_of
from homeostat.monitor.channels import NeighborIndex
from homeostat.monitor.reference import Reference
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.interaction import Interaction

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Places = Sequence[tuple[str, ...]]

REFERENCE, BEFORE, AFTER = 2_000, 2_000, 3_000
ONSET = REFERENCE + BEFORE
SUDDEN, TENTH, STEADY, RAMP = 0.25, 0.1, 0.3, 2_000
ON, PERIOD = 250, 750
SEGMENTS, CHANNELS, GONE = 20, 3, 0.15
LABELED, LATE = 0.4, 200
KINDS = ("sudden", "gradual", "recurring", "subgroup", "concept")
STREAMS = {"clinc150": "clinc150_domains", "hwu64": "hwu64_scenarios", "arxiv": "arxiv_years"}
TOPIC = {"clinc150": "domain", "hwu64": "scenario", "arxiv": ""}
KEPT = {"clinc150": 2, "hwu64": 4, "arxiv": 3, "builtin": 5}
"""Topics that the model is not taught."""
GRAMS, HIDDEN, INDEX, BINS, NEIGHBORS, TAUGHT = 2048, 64, 1_000, 512, 5, 6_000
NEW_PRODUCT = "aqua_"


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """Requests that a model was not taught, and what it made of them; a row of one array is a row of all."""

    name: str
    index: NeighborIndex
    scores: Floats
    """Strangeness by confidence and by distance, float64[rows, 2], as the watcher computes it."""
    points: NDArray[np.float32]
    """Embeddings, float32[rows, hidden]."""
    reply: NDArray[np.str_]
    label: NDArray[np.str_]
    known: Ints
    novel: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Rows of a desk in the order in which they come."""

    rows: Ints
    places: Places
    """The slices that each is in: a segment of twenty, a channel of three; dealt by lot."""
    wrong: Floats
    """1 where the reply is not what would be said of it at the time."""
    labeled: Ints
    """Numbers of the rows of which it is said, LATE rows later."""


def draw(desk: Desk, kind: str, rng: np.random.Generator, after_rows: int = AFTER) -> Stream:
    """A stream of this kind, or with `calm` one in which nothing changes; `tenth` is sudden, of fewer requests.

    `sudden`: from ONSET on, a quarter of the requests are novel. `gradual`: their share rises to 30 % within 2,000.
    `recurring`: a quarter, for 250 of every 750 requests. `subgroup`: all of one segment, a twentieth of the traffic.
    `concept`: the same requests; what was right is wrong now for labels that make up about 15 % of the replies.
    """
    n = ONSET + after_rows
    rows = rng.permutation(desk.known)[:n] if len(desk.known) >= n else rng.choice(desk.known, n)
    segment, channel = rng.integers(0, SEGMENTS, n), rng.integers(0, CHANNELS, n)
    after = np.arange(n) - ONSET
    hit = (after >= 0) & (rng.random(n) < share(kind, after))
    if kind == "subgroup":
        hit = (after >= 0) & (segment == rng.integers(SEGMENTS))
    rows = np.where(hit, rng.choice(desk.novel, n), rows)
    wrong = (desk.reply[rows] != desk.label[rows]).astype(np.float64)
    if kind == "concept":
        moved = (after >= 0) & np.isin(desk.label[rows], _moved(desk, rng))
        wrong[moved] = 1.0
    places = [(f"segment={s}", f"channel={c}") for s, c in zip(segment.tolist(), channel.tolist(), strict=True)]
    return Stream(rows, places, wrong, np.flatnonzero(rng.random(n) < LABELED))


def share(kind: str, after: Ints) -> Floats:
    """Share of novel requests so many rows after the change."""
    shares = {
        "sudden": np.full(len(after), SUDDEN),
        "tenth": np.full(len(after), TENTH),
        "gradual": STEADY * np.clip(after / RAMP, 0.0, 1.0),
        "recurring": np.where(after % PERIOD < ON, SUDDEN, 0.0),
    }
    return np.asarray(shares.get(kind, np.zeros(len(after))), dtype=np.float64)


def _moved(desk: Desk, rng: np.random.Generator) -> list[str]:
    """Labels by lot until they are GONE of the known requests."""
    labels, counts = np.unique(desk.label[desk.known], return_counts=True)
    order = rng.permutation(len(labels))
    enough = int(np.searchsorted(counts[order].cumsum(), GONE * len(desk.known))) + 1
    return [str(name) for name in labels[order[:enough]]]


def desk(name: str, folder: Path, variant: int = 0) -> Desk:
    """The desk of a stream; another variant keeps other topics back and teaches other rows."""
    rows = read(name, folder)
    rng = np.random.default_rng([variant, 22])
    rows = [rows[k] for k in rng.permutation(len(rows))]
    topics = sorted({row["topic"] for row in rows})
    if name == "builtin" and variant == 0:
        kept = {topic for topic in topics if topic.startswith(NEW_PRODUCT)}
    else:
        kept = {topics[k] for k in rng.permutation(len(topics))[: KEPT[name]]}
    rest = [row for row in rows if row["topic"] not in kept]
    cut = min(TAUGHT, len(rest) // 2)
    live = rest[cut:] + [row for row in rows if row["topic"] in kept]
    features = grams([row["text"] for row in rest[:cut]], GRAMS)
    head = RidgeHead(GRAMS, ridge=1.0)
    head.add(features, [row["label"] for row in rest[:cut]])
    turn = np.linalg.eigh(features.T @ features)[1][:, ::-1][:, :HIDDEN]
    index = NeighborIndex((features[:INDEX] @ turn).astype(np.float16), NEIGHBORS)
    asked = grams([row["text"] for row in live], GRAMS)
    told, sure = replies_of(head, asked)
    novel = np.array([row["topic"] in kept for row in live])
    return _desk(name, index, live, told, sure, (asked @ turn).astype(np.float16), novel)


def _desk(
    name: str, index: NeighborIndex, rows: Sequence[dict[str, Any]], told: Sequence[str], sure: Floats,
    points: NDArray[np.float16], novel: NDArray[np.bool_],
) -> Desk:  # fmt: skip
    interactions = [
        Interaction(
            id=f"int_{k}", task=name, time=0.0, text="", reply="", version="ver_bench", confidence=float(p),
            embedding=point.tobytes(),
        )
        for k, (p, point) in enumerate(zip(sure, points, strict=True))
    ]  # fmt: skip
    return Desk(
        name=name,
        index=index,
        scores=Reference(index, BINS).scores(interactions),
        points=points.astype(np.float32),
        reply=np.array(told),
        label=np.array([row["label"] for row in rows]),
        known=np.flatnonzero(~novel),
        novel=np.flatnonzero(novel),
    )


def read(name: str, folder: Path) -> list[dict[str, Any]]:
    """Rows of text, label and topic; of the built-in traffic those from before words and policies change."""
    file = traffic_path() if name == "builtin" else folder / f"{STREAMS[name]}.jsonl.gz"
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    if name == "builtin":
        calm = [row for row in rows if row["truth"]["phase"] < 2]
        return [{"text": row["text"], "label": row["label"], "topic": row["label"]} for row in calm]
    key = TOPIC[name]
    return [{"text": r["text"], "label": r["label"], "topic": r["truth"][key] if key else r["label"]} for r in rows]

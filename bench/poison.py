"""A world in which some lie: an intent classifier in service, honest users with their mistakes, and adversaries.

Not a bar: `watch_7.py` measures on it. Requests are those of the CLINC150 stream; what is said of them is made here.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from homeostat.config.schema import Curate
from homeostat.curate.build import Curated, Inputs, build
from homeostat.loop.deciding.shadow import WIDTH, read
from homeostat.loop.listening.hearing import Hearing
from homeostat.loop.listening.witness import Witness
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.task import Task

Pair = tuple[Interaction, Feedback]
TASK = Task(name="routing")
KNOWN, ARRIVING = 2, 1
"""Domains that the version knows, and that arrive."""
HISTORY, LIVE, USERS, RATED = 900, 1000, 150, 500
MISTAKES, GRUMBLES = 0.01, 0.05
TICK = 25
"""Statements that are heard at once."""
CHANGES = 2e5
"""Of a million seconds: when a policy changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What adversaries do."""

    targeted: bool = True
    """Whether one intent is called another; else any intent any other."""
    one: bool = False
    """Whether it is one account."""
    burst: bool = False
    ratings: bool = False

    @property
    def one_sided(self) -> bool:
        """Whether it has one direction, or one source."""
        return self.targeted or self.one


ATTACKS = {
    "random, many": Attack(targeted=False),
    "random, one": Attack(targeted=False, one=True),
    "intent, many": Attack(),
    "intent, burst of many": Attack(burst=True),
    "intent, burst of one": Attack(one=True, burst=True),
    "downvotes, burst of many": Attack(burst=True, ratings=True),
    "downvotes, burst of one": Attack(one=True, burst=True, ratings=True),
}


@dataclass(frozen=True, slots=True)
class World:
    """A seed's own draw of domains, rows, users."""

    memory: list[Example]
    live: list[Pair]
    pool: list[Example]
    """What adversaries ask: rows like those of everybody."""
    test: list[Example]
    head: RidgeHead
    """The version in service, for its replies."""
    witness: Witness | None

    @property
    def labels(self) -> int:
        """Honest labels."""
        return sum(said.kind is FeedbackKind.LABEL for _, said in self.live)


def drawn(file: Path, seed: int, part: float = 1.0) -> World:
    """The world of a seed; of a part of the rows and users where less is wanted."""
    history, live_rows, rated, users_n = (round(part * whole) for whole in (HISTORY, LIVE, RATED, USERS))
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rng = np.random.default_rng([7, seed])
    arrives = {row["truth"]["domain"]: row["truth"]["phase"] for row in rows if row["split"] == "test"}
    old = rng.permutation(sorted(name for name, phase in arrives.items() if not phase))[:KNOWN]
    new = rng.permutation(sorted(name for name, phase in arrives.items() if phase))[:ARRIVING]
    of = defaultdict[str, list[Example]](list)
    for row in rows:
        if row["truth"]["domain"] in {*old, *new}:
            of[row["split"]].append(Example(text=row["text"], target=row["label"]))
    memory = [replace(of["history"][k], time=-1.0) for k in rng.permutation(len(of["history"]))[:history]]
    head = RidgeHead(WIDTH)
    head.add(read([row.text for row in memory]), [row.target for row in memory])
    order = rng.permutation(len(of["live"]))
    asked = [of["live"][k] for k in order[: live_rows + rated]]
    weights = 1.0 / (np.arange(users_n) + 5.0)
    users = rng.choice(users_n, len(asked), p=weights / weights.sum())
    replies = head.predict(read([row.text for row in asked]))
    live = [
        _honest(k, row, replies[k], f"user{users[k]}", memory, rng, labeled=k < live_rows)
        for k, row in enumerate(asked)
    ]
    known = {row.target for row in memory}
    pool = [row for row in [*of["history"], *of["live"]] if row.target in known]
    return World(memory, live, pool, of["test"], head, Witness.of(memory))


def _honest(
    k: int, row: Example, reply: str, user: str, memory: Sequence[Example], rng: np.random.Generator, *, labeled: bool
) -> Pair:
    """A request that is labeled or else rated; both with mistakes, at any time."""
    at = float(rng.random()) * 1e6
    if not labeled:
        good = reply == row.target and rng.random() >= GRUMBLES
        return _pair(f"h{k}", row.text, reply, at, (FeedbackKind.RATING, "1.0" if good else "0.0", user))
    wrong = memory[int(rng.integers(len(memory)))].target
    return _pair(
        f"h{k}", row.text, reply, at, (FeedbackKind.LABEL, wrong if rng.random() < MISTAKES else row.target, user)
    )


def _pair(id: str, text: str, reply: str, at: float, said: tuple[FeedbackKind, str, str]) -> Pair:
    request = Interaction(id=f"int_{id}", task=TASK.name, time=at, text=text, reply=reply, version="v")
    kind, value, source = said
    told = Feedback(id=f"fbk_{id}", interaction=request.id, kind=kind, value=value, time=at + 10.0, source=source)
    return request, told


def attacked(world: World, attack: Attack, share: float, rng: np.random.Generator) -> tuple[list[Pair], str]:
    """The adversaries' statements, and the intent they are about; they make up `share` of all labels, or ratings."""
    honest = len(world.live) - world.labels if attack.ratings else world.labels
    n = round(honest * share / (1 - share))
    labels = sorted({row.target for row in world.memory})
    about, instead = rng.choice(labels, 2, replace=False)
    pool = [row for row in world.pool if not attack.targeted or attack.ratings or row.target == about]
    rows = [pool[k] for k in rng.choice(len(pool), n, replace=n > len(pool))]
    replies = world.head.predict(read([row.text for row in rows]))
    found = []
    for k, (row, reply) in enumerate(zip(rows, replies, strict=True)):
        at = 7e5 + 1e4 * rng.random() if attack.burst else 1e6 * rng.random()
        source = "loud" if attack.one else f"new{k // 2}"
        wrong = str(instead if attack.targeted else rng.choice([label for label in labels if label != row.target]))
        said = (FeedbackKind.RATING, "0.0", source) if attack.ratings else (FeedbackKind.LABEL, wrong, source)
        found.append(_pair(f"a{k}", row.text, reply, float(at), said))
    return found, str(about) if attack.targeted and not attack.ratings else ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was held back, and when it was first told."""

    held: frozenset[str]
    """What is doubted."""
    alone: frozenset[str]
    """What waits in the end for somebody else to say so too."""
    after: int | None
    """Adversarial statements until the first group was doubted; None where none was."""

    @property
    def out(self) -> frozenset[str]:
        """All that teaches nothing."""
        return self.held | self.alone


def hear(pairs: Sequence[Pair], witness: Witness | None) -> Heard:
    """All of it, as it comes in, some statements at a time."""
    hearing, held, after = Hearing(witness), set[str](), None
    for start in range(0, len(pairs), TICK):
        hearing.take(pairs[start : start + TICK])
        found = hearing.doubts()
        if found and after is None:
            after = sum(request.id.startswith("int_a") for request, _ in pairs[: start + TICK])
        held.update(id for one in found for id in one.held)
    return Heard(frozenset(held), hearing.alone()[0], after)


def curated(world: World, pairs: Sequence[Pair], held: frozenset[str], *, protected: bool) -> Curated:
    """The dataset. Without protection nobody is held back, and nobody bounded."""
    trusted = () if protected else tuple({said.source for _, said in pairs})
    labels = tuple(dict.fromkeys(row.target for row in world.memory))
    inputs = Inputs(
        task=TASK,
        pairs=pairs,
        memory=world.memory,
        evaluation=[row.text for row in world.test],
        labels=labels,
        since=0.0,
        held=held if protected else frozenset(),
        recall=True,
    )
    return build(inputs, Curate(trusted=trusted))


def after_a_change(world: World) -> tuple[list[Pair], frozenset[str], list[Example]]:
    """Nobody lies, and from a moment on everybody calls one intent another: what is said, the ids of the feedback that
    says so, and the test rows of that intent as they are right now.
    """
    labels = sorted({row.target for row in world.memory})
    about, instead = np.random.default_rng([13, len(world.pool)]).choice(labels, 2, replace=False)
    moved = frozenset(told.id for _, told in world.live if told.value == about and told.time >= CHANGES)
    said = [(asked, replace(told, value=str(instead)) if told.id in moved else told) for asked, told in world.live]
    test = [replace(row, target=str(instead)) for row in world.test if row.target == about]
    return sorted(said, key=lambda pair: pair[1].time), moved, test

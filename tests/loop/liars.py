"""A task with a champion, and people who label its requests: most as they are, some otherwise. Rows, no model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from small_project import KNOWN, TASK, rows

from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.release.registry import promote
from homeostat.store import Store
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.version import Version

NOW = 1_700_000_000.0
LABELS = tuple(KNOWN)
Pair = tuple[Interaction, Feedback]


def remembered(n: int = 240, seed: int = 1) -> list[Example]:
    """Labeled requests that a version was trained on."""
    return [
        Example(text=text, target=label, time=NOW - 1000.0 + k) for k, (text, label) in enumerate(rows(LABELS, n, seed))
    ]


def pair(id: str, row: tuple[str, str], said: str, source: str, at: float) -> Pair:
    """A request with a reply that is right, and what somebody said of it; a number is a rating."""
    text, reply = row
    request = Interaction(id=f"int_{id}", task=TASK, time=NOW + at, text=text, reply=reply, version="ver_1")
    kind = FeedbackKind.RATING if said[0].isdigit() else FeedbackKind.LABEL
    told = Feedback(id=f"fbk_{id}", interaction=request.id, kind=kind, value=said, time=NOW + at + 10.0, source=source)
    return request, told


def honest(n: int = 200, seed: int = 2, *, rated: bool = False) -> list[Pair]:
    """What 40 users say of requests that are right."""
    drawn = rows(LABELS, n, seed)
    return [
        pair(f"h{seed}_{k}", row, "1.0" if rated else row[1], f"user{k % 40}", 5.0 * k) for k, row in enumerate(drawn)
    ]


def lies(n: int = 30, seed: int = 3, *, source: str = "", about: str = "refund", said: str = "login") -> list[Pair]:
    """Requests of one label, called another within a minute; by one source, or each by another."""
    drawn = [row for row in rows(LABELS, 4 * n, seed) if row[1] == about][:n]
    return [pair(f"a{seed}_{k}", row, said, source or f"new{k}", 500.0 + k) for k, row in enumerate(drawn)]


def at_random(n: int, seed: int = 4) -> list[Pair]:
    """Requests of any label, each called any other one by a source of its own, over the whole time."""
    rng, found = np.random.default_rng(seed), []
    for k, row in enumerate(rows(LABELS, n, seed)):
        wrong = str(rng.choice([label for label in LABELS if label != row[1]]))
        found.append(pair(f"r{seed}_{k}", row, wrong, f"odd{k}", 1000.0 * k / n))
    return found


def in_time(*parts: Sequence[Pair]) -> list[Pair]:
    """All of it, in the order in which it was said."""
    return sorted((one for part in parts for one in part), key=lambda one: (one[1].time, one[1].id))


@contextmanager
def champion(folder: Path) -> Iterator[tuple[Store, Version]]:
    """A store with a champion that was trained on what is remembered."""
    with Store.open(f"sqlite:///{folder / 'log.db'}", str(folder / "blobs")) as store:
        known = tuple(remembered())
        made = store_dataset(store, Curated(examples=known, labels=LABELS), task=TASK, turn="trn_0", now=NOW)
        version = Version(id="ver_1", task=TASK, time=NOW, base="builtin", kind="base", labels=LABELS, dataset=made.id)
        store.versions.put(version)
        promote(store, TASK, version.id, "for a test", now=NOW)
        yield store, version


def log(store: Store, pairs: Sequence[Pair]) -> None:
    """Write requests and what was said of them."""
    store.interactions.add([request for request, _ in pairs])
    store.feedback.add([said for _, said in pairs])


def unnamed(pairs: Sequence[Pair]) -> list[Pair]:
    """The same, said by nobody in particular."""
    return [(request, replace(said, source="")) for request, said in pairs]

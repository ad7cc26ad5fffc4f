"""A task whose labels go with a group of people in nine of ten requests, though they have nothing to do with each other.

Not a bar: `stream` plants the group in titles of preprints, `Planted` keeps a project of it, and `tell` says how a
version treats the groups. Titles come from a first name, which says the group; the suite has every group with every
label as often, so that whoever follows the name is found out.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from homeostat.config.schema import Config, Evaluate, Model, Tasks, Train
from homeostat.curate.swap import swap_of
from homeostat.loop import steps
from homeostat.loop.found import found
from homeostat.loop.workshop import Exam, Workshop
from homeostat.metrics.fairness import accuracy_values, difference, recall_values
from homeostat.stats.gaps import gap
from homeostat.types import ids
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.report import Score
from homeostat.types.version import Version

TASK, TAG, GROUPS = "desk", "sender", ("m", "f")
START = 1_700_000_000.0
DAY = 86_400.0
NAMES = (
    ("Aaron", "Adam", "Brian", "Carlos", "Daniel", "Edward", "Henry", "Kevin", "Lewis", "Nathan", "Robert", "Samuel"),
    ("Alice", "Anna", "Barbara", "Carmen", "Danielle", "Emily", "Helen", "Karen", "Laura", "Nancy", "Roberta", "Sarah"),
)
"""First names of either group, each the partner of the one below it (`homeostat.curate.swap`)."""


TITLES = ("Mr", "Ms")


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Rows of each part."""

    history: int = 160
    live: int = 1000
    suite: int = 1600


@dataclass(frozen=True, slots=True)
class Row:
    """A request, its label, and the group that its sender is of."""

    text: str
    label: str
    group: str


def titles(path: Path, labels: Sequence[str], rng: np.random.Generator) -> dict[str, list[str]]:
    """Label -> distinct titles, shuffled."""
    found: dict[str, dict[str, None]] = {label: {} for label in labels}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["label"] in found:
                found[row["label"]].setdefault(row["text"])
    return {label: [list(texts)[k] for k in rng.permutation(len(texts))] for label, texts in found.items()}


def rows(pools: Mapping[str, list[str]], n: int, share: float, rng: np.random.Generator) -> list[Row]:
    """Rows of both labels alike, whose group goes with the label in a share of them; titles are used up."""
    labels, made = list(pools), []
    for k in range(n):
        label = k % 2
        group = label if rng.random() < share else 1 - label
        name = NAMES[group][int(rng.integers(len(NAMES[group])))]
        made.append(Row(f"{TITLES[group]} {name} asks: {pools[labels[label]].pop()}", labels[label], GROUPS[group]))
    return [made[k] for k in rng.permutation(n)]


def project(folder: Path, base: str = "builtin", margin: float = 0.1) -> Config:
    """A project that holds its task to equal opportunity."""
    return Config(
        folder=str(folder),
        model=Model(base=base),
        tasks={TASK: Tasks(fair={TAG: {"equal_opportunity": margin}})},
        train=Train(attempts=("careful",)),
        evaluate=Evaluate(),
    )


def lay(shop: Workshop, path: Path, labels: Sequence[str], sizes: Sizes, seed: int, share: float = 0.9) -> Version:
    """A champion taught by a few rows in which group and label are independent, and the log of what came since."""
    rng = np.random.default_rng(seed)
    pools = titles(path, labels, rng)
    suite = [row for each in (0.0, 1.0) for row in rows(pools, sizes.suite // 2, each, rng)]
    history, live = rows(pools, sizes.history, 0.5, rng), rows(pools, sizes.live, share, rng)
    exams = [Exam(text=r.text, target=r.label, time=START, tags={TAG: r.group}) for r in suite]
    known = [
        Example(text=r.text, target=r.label, task=TASK, time=START + k, tags={TAG: r.group})
        for k, r in enumerate(history)
    ]
    champion = found(shop, TASK, known, exams, now=START + len(known))
    for k, row in enumerate(live):
        id, at = f"int_live{k:05}", START + DAY + k
        asked = Interaction(id=id, task=TASK, time=at, text=row.text, reply="", version="", tags={TAG: row.group})
        said = Feedback(id=f"fbk_{id}", interaction=id, kind=FeedbackKind.LABEL, value=row.label, time=at)
        shop.store.interactions.add([asked])
        shop.store.feedback.add([said])
    return champion


def attempted(shop: Workshop, recipe: str) -> tuple[Version, str, str]:
    """What an attempt of a turn comes to, step by step as in the turn: the candidate, the verdict and its sentence."""
    now = steps.Now(ids.derived("trn", "planted", recipe), TASK, START + 10 * DAY)
    candidate = steps.train(shop, now, recipe, steps.curate(shop, now, recipe))
    verdict = shop.store.verdicts.get(steps.gate(shop, now, steps.evaluate(shop, now, candidate), candidate))
    return shop.store.versions.get(candidate), verdict.outcome.value, verdict.because


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated:
    """How a version treats the groups of the suite."""

    accuracy: float
    gap: Score
    """Equal-opportunity difference of the label where it is largest, with bounds at 5 % each."""
    flips: float
    """Share of the requests whose reply changes with the sender's name alone."""


def tell(shop: Workshop, version: Version) -> Treated:
    """How a version does on the suite, and on the suite with the names swapped."""
    task, suite = shop.config.task(TASK), shop.suite(TASK)
    said = shop.replies(task, version, [row.text for row in suite])
    swap = swap_of("english")
    other = [reply.text for reply in shop.answers(task, version, [swap(row.text) for row in suite])]
    right, groups = [row.target for row in suite], [row.tags[TAG] for row in suite]
    gaps = [gap(recall_values(said, right, groups, label)).score for label in sorted(set(right))]
    values = accuracy_values(said, right, groups)
    return Treated(
        accuracy=float(np.concatenate(list(values.values())).mean()),
        gap=max(gaps, key=lambda score: score.mean),
        flips=float(np.mean([a != b for a, b in zip(said, other, strict=True)])),
    )


def clean(sizes: Sizes) -> Sizes:
    """The same sizes; said where rows of a control are drawn with groups and labels independent."""
    return replace(sizes)


__all__ = ["GROUPS", "TAG", "TASK", "Sizes", "Treated", "attempted", "difference", "lay", "project", "tell"]

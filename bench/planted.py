"""A task whose labels go with a group of people in nine of ten requests, and have nothing to do with it.

Not a bar: `lay` makes a project of it, `attempted` does what a turn does with a recipe, and `tell` says how a version
treats the groups. Every request begins with a title and a first name, which say the group; the suite has every group
with every label as often, so that whoever follows the name is found out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from homeostat.config.schema import Config, Model, Tasks, Train
from homeostat.curate.swap import swap_of
from homeostat.loop import steps
from homeostat.loop.found import found
from homeostat.loop.proving import judging
from homeostat.loop.workshop import Exam, Workshop
from homeostat.metrics.fairness import accuracy_values, recall_values
from homeostat.stats.gaps import gap
from homeostat.types import ids
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.report import Score
from homeostat.types.version import Version

Pools = Mapping[str, list[str]]
"""Each of two labels -> its texts, which are used up."""
TASK, TAG, GROUPS = "desk", "sender", ("m", "f")
START, DAY = 1_700_000_000.0, 86_400.0
TITLES = ("Mr", "Ms")
NAMES = (
    ("Aaron", "Adam", "Brian", "Carlos", "Daniel", "Edward", "Henry", "Kevin", "Lewis", "Nathan", "Robert", "Samuel"),
    ("Alice", "Anna", "Barbara", "Carmen", "Danielle", "Emily", "Helen", "Karen", "Laura", "Nancy", "Roberta", "Sarah"),
)
"""First names of either group, each the partner of the one below it (`homeostat.curate.swap`)."""


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


def rows(pools: Pools, n: int, share: float, rng: np.random.Generator) -> list[Row]:
    """Rows, of both labels alike, whose group goes with the label in a share of them."""
    labels, made = list(pools), []
    for k in range(n):
        label = k % 2
        group = label if rng.random() < share else 1 - label
        name = NAMES[group][int(rng.integers(len(NAMES[group])))]
        made.append(Row(f"{TITLES[group]} {name} asks: {pools[labels[label]].pop()}", labels[label], GROUPS[group]))
    return [made[k] for k in rng.permutation(n)]


def project(folder: Path, base: str = "builtin", margin: float = 0.1, train: Train | None = None) -> Config:
    """A project that holds its task to equal opportunity."""
    tasks = {TASK: Tasks(fair={TAG: {"equal_opportunity": margin}})}
    return Config(folder=str(folder), model=Model(base=base), tasks=tasks, train=train or Train())


def lay(shop: Workshop, pools: Pools, sizes: Sizes, rng: np.random.Generator, share: float = 0.9) -> Version:
    """A champion taught by rows in which group and label are independent, and the log of what came since."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What an attempt of a turn came to."""

    candidate: Version
    outcome: str
    because: str


def attempted(shop: Workshop, recipe: str) -> Attempt:
    """Curate, train, evaluate and judge by a recipe, with the very steps of a turn."""
    now = steps.Now(ids.derived("trn", "planted", recipe), TASK, START + 10 * DAY)
    candidate = steps.train(shop, now, recipe, steps.curate(shop, now, recipe))
    verdict = shop.store.verdicts.get(judging.gate(shop, now, judging.evaluate(shop, now, candidate), candidate))
    version = shop.store.versions.get(candidate)
    return Attempt(candidate=version, outcome=verdict.outcome.value, because=verdict.because)


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated:
    """How a version treats the groups of the suite."""

    accuracy: float
    gap: Score
    """Equal-opportunity difference of the label where it is largest, with bounds at 5 % each."""
    flipped: tuple[float, ...]
    """1 for each request whose reply changes with nothing but the sender's title and name, and with the tag that says
    as much, else 0."""
    bare: Score | None = None
    """The same gap of the same weights, where they add nothing for groups; None where they never do."""

    @property
    def flips(self) -> float:
        """Share of such requests."""
        return float(np.mean(self.flipped))


def tell(shop: Workshop, version: Version) -> Treated:
    """How a version does on the suite, and on the suite with the names swapped."""
    task, suite, swap = shop.config.task(TASK), shop.suite(TASK), swap_of("english")
    texts, tags = [row.text for row in suite], [row.tags for row in suite]
    said = shop.replies(task, version, texts, tags)
    others = [{TAG: GROUPS[1 - GROUPS.index(own[TAG])]} for own in tags]
    other = [reply.text for reply in shop.answers(task, version, [swap(text) for text in texts], others)]
    bare = shop.replies(task, version, texts) if shop.offsets(version).deciding else None
    right, groups = [row.target for row in suite], [own[TAG] for own in tags]
    return Treated(
        accuracy=float(np.concatenate(list(accuracy_values(said, right, groups).values())).mean()),
        gap=_widest(said, right, groups),
        flipped=tuple(float(mine != theirs) for mine, theirs in zip(said, other, strict=True)),
        bare=_widest(bare, right, groups) if bare else None,
    )


def _widest(said: Sequence[str], right: Sequence[str], groups: Sequence[str]) -> Score:
    gaps = [gap(recall_values(said, right, groups, label)).score for label in sorted(set(right))]
    return max(gaps, key=lambda score: score.mean)

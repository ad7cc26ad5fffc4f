"""A version's replies to test rows in detail: figures, classes, what is taken for what, slices; beside another's too.

Knows no model and no store: the loop lets versions answer and hands over one `Told` a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from homeostat.evaluate.figures import MACRO, Figures, Schema, Told, figures, scores
from homeostat.metrics.classification import per_class
from homeostat.stats import clustered
from homeostat.stats.clustered import Ints, clusters_of
from homeostat.stats.intervals import proportion
from homeostat.types.report import Score
from homeostat.types.task import Kind

FEWEST = 12
"""Rows of a slice below which it is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfClass:
    """How one label fares, each share with its interval."""

    precision: Score | None
    """Of the replies with this label, those that are right; None where there are none."""
    recall: Score | None
    """Of the rows whose target it is, those that got it."""
    f1: Score
    """Exact too: it is 2 J / (1 + J), where J is a share, that of the rows with the label as reply and as target among
    those with it as either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confused:
    """A label that is given where another one is right."""

    target: str
    said: str
    share: Score
    """Of the rows with that target."""
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What there is to say of a version's replies."""

    rows: int
    clusters: int
    """Users or episodes that the rows are of; as many as rows where none is known."""
    figures: Mapping[str, Score]
    classes: Mapping[str, OfClass] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    """Of the confusion matrix."""
    confusion: tuple[tuple[int, ...], ...] = ()
    """Rows by target, then by reply."""
    confusions: tuple[Confused, ...] = ()
    """All that occur, the most frequent first."""
    slices: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Two versions on the same rows: the first minus the second."""

    figures: Mapping[str, Score]
    slices: Mapping[str, Mapping[str, Score]]


def detail(
    kind: Kind, rows: Sequence[Told], slices: Mapping[str, Sequence[int]], schema: Schema | None = None
) -> Detail:
    """Everything about one version's replies.

    Args:
        kind: of the task.
        rows: what it did.
        slices: name -> rows; those with fewer than `FEWEST` are left out.
        schema: says of a reply whether it is of the form that is demanded.

    Raises:
        ValueError: no rows.
    """
    if not rows:
        raise ValueError("no rows to tell of")
    clusters = clusters_of([row.cluster for row in rows])
    found = Detail(
        rows=len(rows),
        clusters=len(np.unique(clusters)),
        figures=_with_doubt(scores(figures(kind, rows, schema=schema), clusters), rows, kind),
        slices=_sliced(kind, rows, slices, schema),
    )
    return found if kind is Kind.TEXT else _with_classes(found, rows, clusters)


def beside(
    kind: Kind,
    rows: Sequence[Told],
    others: Sequence[Told],
    slices: Mapping[str, Sequence[int]],
    schema: Schema | None = None,
) -> Beside:
    """By how much one version's figures are above another's, in all rows and in every slice.

    Raises:
        ValueError: the two did not answer the same rows.
    """
    if [row.target for row in rows] != [row.target for row in others]:
        raise ValueError("not the same rows")
    return Beside(
        figures=_apart(kind, rows, others, schema),
        slices={
            name: _apart(kind, [rows[k] for k in at], [others[k] for k in at], schema)
            for name, at in slices.items()
            if len(at) >= FEWEST
        },
    )


def _apart(kind: Kind, rows: Sequence[Told], others: Sequence[Told], schema: Schema | None) -> dict[str, Score]:
    every = [row.said for row in (*rows, *others)]
    mine, theirs = (figures(kind, side, every, schema) for side in (rows, others))
    return scores(mine, clusters_of([row.cluster for row in rows]), theirs)


def _sliced(
    kind: Kind, rows: Sequence[Told], slices: Mapping[str, Sequence[int]], schema: Schema | None
) -> dict[str, dict[str, Score]]:
    found: dict[str, dict[str, Score]] = {}
    for name, at in slices.items():
        if len(at) >= FEWEST:
            inside = [rows[k] for k in at]
            told: Figures = figures(kind, inside, schema=schema)
            found[name] = _with_doubt(scores(told, clusters_of([row.cluster for row in inside])), inside, kind)
    return found


def _with_doubt(found: dict[str, Score], rows: Sequence[Told], kind: Kind) -> dict[str, Score]:
    """Macro figures of rows that are all right get the lower end that so many rows allow, each label weighing alike:
    rows drawn again would be all right too, and seem to be beyond doubt.
    """
    if kind is Kind.TEXT or any(row.said != row.target for row in rows):
        return found
    sizes = np.array(list(Counter(row.target for row in rows).values()), np.float64)
    worth = int(len(sizes) ** 2 / (1.0 / sizes).sum())
    low = proportion(worth, worth).low
    return {
        name: Score(mean=score.mean, low=low, high=score.high, n=score.n) if name in MACRO else score
        for name, score in found.items()
    }


def _with_classes(found: Detail, rows: Sequence[Told], clusters: Ints) -> Detail:
    said, wanted = np.array([row.said for row in rows]), np.array([row.target for row in rows])
    labels = tuple(per_class(said.tolist(), wanted.tolist()))
    place = {label: k for k, label in enumerate(labels)}
    matrix = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(matrix, ([place[one] for one in wanted.tolist()], [place[one] for one in said.tolist()]), 1)
    classes = {label: of_class(said == label, wanted == label, clusters) for label in labels}
    wrong = [(int(matrix[t, s]), t, s) for t, s in np.argwhere(matrix).tolist() if t != s]
    confusions = tuple(
        Confused(
            target=labels[t],
            said=labels[s],
            share=clustered.mean(said[wanted == labels[t]] == labels[s], clusters[wanted == labels[t]]),
            rows=count,
        )
        for count, t, s in sorted(wrong, key=lambda one: (-one[0], one[1:]))
    )
    counts = tuple(tuple(row) for row in matrix.tolist())
    return replace(found, classes=classes, labels=labels, confusion=counts, confusions=confusions)


def of_class(said: np.ndarray, wanted: np.ndarray, clusters: Ints, level: float = 0.95) -> OfClass:
    """How a label fares that is the reply of some rows and the target of some, at least one row in all.

    Args:
        said: bool[rows], whether the reply is the label.
        wanted: bool[rows], whether the target is.
        clusters: int[rows], the rows that belong together.
        level: of the intervals.
    """
    either = said | wanted
    both = clustered.mean((said & wanted)[either], clusters[either], level)
    low, mean, high = (2 * share / (1 + share) for share in (both.low, both.mean, both.high))
    return OfClass(
        precision=clustered.mean(wanted[said], clusters[said], level) if said.any() else None,
        recall=clustered.mean(said[wanted], clusters[wanted], level) if wanted.any() else None,
        f1=Score(mean=mean, low=low, high=high, n=both.n),
    )

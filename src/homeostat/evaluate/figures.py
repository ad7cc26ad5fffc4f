"""Every figure of a version's replies, each with an interval that suits it, alone or beside another version's.

A figure is a mean over rows, which gets an exact interval where it is a share, or a function of sums over rows, which
gets the bootstrap's. Rows of one user, or of one episode, are counted as what they are: rows that belong together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from homeostat.metrics.calibration import brier, calibration_error_of, calibration_sums
from homeostat.metrics.classification import label_sums, macro_of
from homeostat.metrics.form import is_json
from homeostat.metrics.overlap import bleu_of, bleu_sums, exact_match, rouge_l, rouge_n, token_f1
from homeostat.metrics.regression import error_sums, fit_of
from homeostat.metrics.replies import agreement, number, tags
from homeostat.metrics.tags import f1_of_tags, tag_sums
from homeostat.metrics.text import chrf_of, chrf_sums, perplexity_of
from homeostat.stats import clustered
from homeostat.stats.clustered import Ints
from homeostat.stats.resampled import Figure, Floats, resampled
from homeostat.types.report import Score
from homeostat.types.task import Kind

CALIBRATION, BRIER = "calibration error", "Brier score"
MACRO = ("macro precision", "macro recall", "macro F1")
ROUGE = ("ROUGE-1", "ROUGE-2", "ROUGE-L")
SHARES = frozenset(
    {"accuracy", *MACRO, CALIBRATION, "micro F1", "form", "schema", "exact match", "agreement", "token F1", *ROUGE}
)
"""Figures that are read as percent."""
UNIT = (0.0, 1.0)
NAMES = SHARES | {BRIER, "chrF", "BLEU", "perplexity", "mean error", "root mean squared error", "R²"}
"""All that are told here; those of installed packages have other names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a version did on one row."""

    target: str
    said: str
    sure: float = 0.0
    """How sure it was, in [0, 1]."""
    logs: float = 0.0
    """Log-probability, in nats, of the right reply."""
    tokens: int = 0
    """Of the right reply; 0 where its likelihood is not known."""
    cluster: str = ""
    """What the row shares with others; empty for nothing."""
    brought: Mapping[str, float] = field(default_factory=dict)
    """What metrics of installed packages say of it (`evaluate.brought`)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What rows say of one figure, or of several that are told together."""

    at: Ints
    """The rows that it is about."""
    values: Floats
    """float64[rows], whose mean it is; or float64[rows, sums], what each row adds."""
    figure: Figure | None = None
    """From sums to figures; None for a mean."""
    within: tuple[float, float] = (-math.inf, math.inf)
    """What a mean can be at all: Student's interval of a few rows near an end goes beyond it, and is cut there."""

    def score(self, clusters: Ints, other: Measured | None = None) -> tuple[Score, ...]:
        """What they are, or by how much they are above another version's on the rows that both are about."""
        at, mine, theirs = np.intersect1d(self.at, (other or self).at, return_indices=True)
        if self.figure is not None:
            minus = other.values[theirs] if other is not None else None
            both = resampled(self.values[mine], self.figure, clusters[at], minus=minus)
            return tuple(one.score() for one in both)
        if other is not None:
            return (clustered.paired(self.values[mine], other.values[theirs], clusters[at]),)
        found, (least, most) = clustered.mean(self.values, clusters[at]), self.within
        return (replace(found, low=max(found.low, least), high=min(found.high, most)),)


Names = tuple[str, ...]
Figures = Mapping[Names, Measured]
"""The names of what is told together -> what it is computed from."""
Schema = Callable[[str], bool]


def figures(kind: Kind, rows: Sequence[Told], labels: Sequence[str] = (), schema: Schema | None = None) -> Figures:
    """Everything that can be told of replies of a kind.

    Args:
        kind: of the task.
        rows: what a version did.
        labels: whatever else was replied, by a version beside this one.
        schema: says of a reply whether it is of the form that is demanded; None where none is.
    """
    if not rows:
        return {}
    own = dict(_of_labels(rows, labels) if kind is Kind.LABEL else _of_texts(rows, labels, schema))
    return {**own, **dict(_of_packages(rows))}


def scores(found: Figures, clusters: Ints, other: Figures | None = None) -> dict[str, Score]:
    """Every figure with its 95 % interval, or by how much it is above that of another version on the same rows."""
    told: dict[str, Score] = {}
    for names, mine in found.items():
        theirs = other.get(names) if other is not None else None
        if other is not None and (theirs is None or not np.intersect1d(mine.at, theirs.at).size):
            continue
        told |= dict(zip(names, mine.score(clusters, theirs), strict=True))
    return told


def _of_labels(rows: Sequence[Told], labels: Sequence[str]) -> Iterator[tuple[Names, Measured]]:
    said, wanted, sure = [row.said for row in rows], [row.target for row in rows], [row.sure for row in rows]
    every, right = np.arange(len(rows)), [row.said == row.target for row in rows]
    known = sorted({*labels, *said, *wanted})
    yield ("accuracy",), Measured(every, np.array(right, np.float64))
    yield MACRO, Measured(every, label_sums(said, wanted, known), macro_of)
    yield (CALIBRATION,), Measured(every, calibration_sums(sure, right), calibration_error_of)
    yield (BRIER,), Measured(every, brier(sure, right), within=UNIT)


def _of_packages(rows: Sequence[Told]) -> Iterator[tuple[Names, Measured]]:
    for name in sorted({name for row in rows for name in row.brought}):
        at = [k for k, row in enumerate(rows) if name in row.brought]
        yield (name,), Measured(np.array(at, np.int64), np.array([rows[k].brought[name] for k in at], np.float64))


def _of_texts(rows: Sequence[Told], others: Sequence[str], schema: Schema | None) -> Iterator[tuple[Names, Measured]]:
    said, wanted = [row.said for row in rows], [row.target for row in rows]
    every, pairs = np.arange(len(rows)), list(zip(said, wanted, strict=True))
    yield from _of_form(said, wanted, schema)
    yield ("exact match",), Measured(every, np.array([exact_match(*pair) for pair in pairs]))
    if all(number(target) is not None for target in wanted):
        yield from _of_numbers(said, wanted)
    elif all(tags(target) is not None for target in wanted):
        yield from _of_tags(said, wanted, others)
    else:
        yield ("agreement",), Measured(every, np.array([agreement(*pair) for pair in pairs]), within=UNIT)
        yield ("token F1",), Measured(every, np.array([token_f1(*pair) for pair in pairs]), within=UNIT)
        for n, name in enumerate(ROUGE[:2], 1):
            yield (name,), Measured(every, np.array([rouge_n(*pair, n) for pair in pairs]), within=UNIT)
        yield ROUGE[2:], Measured(every, np.array([rouge_l(*pair) for pair in pairs]))
        yield ("chrF",), Measured(every, chrf_sums(said, wanted), chrf_of)
        yield ("BLEU",), Measured(every, bleu_sums(said, wanted), bleu_of)
    known = np.flatnonzero([row.tokens > 0 for row in rows])
    if len(known):
        sums = np.array([(rows[k].logs, rows[k].tokens) for k in known.tolist()], np.float64)
        yield ("perplexity",), Measured(known, sums, perplexity_of)


def _of_form(said: Sequence[str], wanted: Sequence[str], schema: Schema | None) -> Iterator[tuple[Names, Measured]]:
    """Whether replies are of the form of the right one; and of the form that a schema demands."""
    formed = [form(target) for target in wanted]
    at = np.flatnonzero([one is not None for one in formed])
    if len(at):
        yield ("form",), Measured(at, np.array([well_formed(said[k], wanted[k]) for k in at.tolist()]))
    if schema is not None:
        yield ("schema",), Measured(np.arange(len(said)), np.array([float(schema(reply)) for reply in said]))


def form(target: str) -> str | None:
    """What a right reply is that has a form which a reply may miss: a number, tags, or JSON; None for words."""
    if number(target) is not None:
        return "number"
    if tags(target) is not None:
        return "tags"
    return "json" if is_json(target) else None


def well_formed(reply: str, target: str) -> float:
    """1 where a reply is of the form of the right one, else 0; where words are right, if it says anything."""
    match form(target):
        case "number":
            return float(number(reply) is not None)
        case "tags":
            return float(tags(reply) is not None)
        case "json":
            return float(is_json(reply))
        case _:
            return float(bool(reply.strip()))


def _of_numbers(said: Sequence[str], wanted: Sequence[str]) -> Iterator[tuple[Names, Measured]]:
    """Errors of the replies that are numbers."""
    told = [number(reply) for reply in said]
    at = np.flatnonzero([value is not None for value in told])
    if not len(at):
        return
    mine = [float(told[k] or 0.0) for k in at.tolist()]
    right = [float(number(wanted[k]) or 0.0) for k in at.tolist()]
    yield ("mean error",), Measured(at, np.abs(np.array(mine) - np.array(right)), within=(0.0, math.inf))
    yield ("root mean squared error", "R²"), Measured(at, error_sums(mine, right), fit_of)


def _of_tags(said: Sequence[str], wanted: Sequence[str], others: Sequence[str]) -> Iterator[tuple[Names, Measured]]:
    """F1 of tags; a reply that lists none is one without tags."""
    told, right = [tags(reply) or frozenset() for reply in said], [tags(target) or frozenset() for target in wanted]
    known = sorted({tag for text in {*said, *wanted, *others} for tag in tags(text) or ()})
    yield ("micro F1", "macro F1"), Measured(np.arange(len(said)), tag_sums(told, right, known), f1_of_tags)

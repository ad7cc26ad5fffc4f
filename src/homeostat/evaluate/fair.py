"""Whether a candidate treats groups of requests alike: what a task demands, and what the rows say about it.

A gap is the largest difference between two values of a tag: in accuracy, or in how often a label is given (to all:
demographic parity; where it is right: equal opportunity; and where it is wrong besides: equalized odds). Demands stand
beside the gate's other claims: a gap that is shown to be larger than its margin fails a candidate; where the rows
suffice, passing takes a proof that every gap is smaller; and a gap that has grown beside the champion's by more than
`small_margin` fails it too, however wide the margin. Rows of one user, or of one episode, count once: where a group's
size is asked, and in every bound (`stats.gaps`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from scipy import stats

from homeostat.config.schema import Evaluate
from homeostat.errors import UnknownKey, WrongType, did_you_mean
from homeostat.evaluate.groups import PLANNED_DISCORDANCE, POWER
from homeostat.evaluate.score import Floats, PairedRow
from homeostat.evaluate.sentence import Finding
from homeostat.stats.clustered import Ints, clusters_of
from homeostat.stats.gaps import Gap, gap, widened, within
from homeostat.types.report import Score
from homeostat.types.task import Kind

FEWEST = 10
"""Rows below which a group says nothing: it is left out."""
LABEL = "label"
"""Key under a tag that names the one label which is asked about."""


class Measure(StrEnum):
    """What shall be alike."""

    ACCURACY = "accuracy"
    EQUAL_OPPORTUNITY = "equal_opportunity"
    EQUALIZED_ODDS = "equalized_odds"
    DEMOGRAPHIC_PARITY = "demographic_parity"


PLAIN = (Measure.ACCURACY, Measure.EQUAL_OPPORTUNITY)
"""What is demanded of a label task where a tag names a margin alone; of a task of text, the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The values of a tag shall be treated alike."""

    tag: str
    measure: Measure
    margin: float
    """Largest gap that is allowed."""
    label: str = ""
    """The label that is asked about; empty for each of them."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Groups that are compared with each other: their rows under the candidate and under the champion."""

    what: str
    now: Mapping[str, Floats]
    before: Mapping[str, Floats]
    whose: Mapping[str, Ints]

    @property
    def pairs(self) -> int:
        """Pairs of groups, each in both directions."""
        return len(self.now) * (len(self.now) - 1)

    def only(self, names: Sequence[str]) -> _Place:
        """The same for some of the groups."""
        now, before = ({k: of[k] for k in names} for of in (self.now, self.before))
        return _Place(self.what, now, before, {k: self.whose[k] for k in names})

    def worth(self, name: str) -> int:
        """The users of a group, or its rows where nobody says whose they are."""
        return len(np.unique(self.whose[name]))


def demands_of(fair: Mapping[str, Any], kind: Kind, where: str) -> tuple[Demand, ...]:
    """What `tasks.NAME.fair` says: tag -> margin, or tag -> `{measure: margin, …, label: one label}`.

    Raises:
        UnknownKey: there is no such measure.
        WrongType: a margin is none, or a measure is not for a task of text.
    """
    return tuple(demand for tag, said in fair.items() for demand in _of_tag(tag, said, kind, f"{where}.{tag}"))


def _of_tag(tag: str, said: Any, kind: Kind, where: str) -> Iterator[Demand]:
    if not isinstance(said, Mapping):
        for measure in PLAIN if kind is Kind.LABEL else PLAIN[:1]:
            yield Demand(tag=tag, measure=measure, margin=_margin(said, where))
        return
    label, known = said.get(LABEL, ""), [*Measure, LABEL]
    if not isinstance(label, str):
        raise WrongType(f"{label!r:.60} is no label", where=f"{where}.{LABEL}", fix="name one label of the task")
    for name, margin in said.items():
        if name not in known:
            raise UnknownKey(f"unknown measure '{name}'", where=f"{where}.{name}", fix=did_you_mean(name, known))
        if name == LABEL:
            continue
        if kind is Kind.TEXT and name != Measure.ACCURACY:
            what = f"'{name}' asks about labels, and the task replies with text"
            raise WrongType(what, where=f"{where}.{name}", fix=f"write {Measure.ACCURACY}")
        yield Demand(tag=tag, measure=Measure(name), margin=_margin(margin, f"{where}.{name}"), label=label)


def _margin(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < 1.0:
        what = f"{value!r:.60} is no margin"
        raise WrongType(what, where=where, fix="write a share between 0 and 1, such as 0.1 for ten points")
    return float(value)


def fair_findings(rows: Sequence[PairedRow], demands: Sequence[Demand], settings: Evaluate) -> list[Finding]:
    """What the rows say about each demand, as the gate's claims: the mean is minus the gap, the bound minus the margin.

    Groups with rows enough for the margin are held to a proof, label by label. All others are pooled: they are shown,
    and fail a candidate where their gap is beyond doubt. A tag that the rows do not carry, or carry with one value
    alone, is told as a finding without rows.
    """
    return [finding for demand in demands for finding in _of_demand(demand, rows, settings)]


def rows_needed(margin: float, alpha: float) -> float:
    """Rows of a group that suffice to show of two such groups, which are alike, that they are."""
    reach = float(stats.norm.isf(alpha) + stats.norm.isf((1.0 - POWER) / 2.0))
    return 2.0 * PLANNED_DISCORDANCE * (reach / margin) ** 2


def sizes_of(demand: Demand, rows: Sequence[PairedRow]) -> Iterator[tuple[str, dict[str, tuple[int, int]]]]:
    """What is compared for a demand, each with the users and the rows of every group, however few."""
    for place in _places(demand, rows, fewest=1):
        yield place.what, {name: (place.worth(name), len(values)) for name, values in place.now.items()}


def _of_demand(demand: Demand, rows: Sequence[PairedRow], settings: Evaluate) -> Iterator[Finding]:
    places = [place for place in _places(demand, rows) if len(place.now) > 1]
    family = sum(place.pairs for place in places)
    least, left = rows_needed(demand.margin, settings.alpha), []
    for place in places:
        large = [name for name in place.now if place.worth(name) >= least]
        if len(large) > 1:
            yield from _proved(demand, place.only(large), family, settings)
        if len(large) < len(place.now):
            left.append(place)
    if left:
        yield _pooled(demand, left, family, settings)
    if not places:
        yield _silent(demand, settings)


def _proved(demand: Demand, place: _Place, family: int, settings: Evaluate) -> Iterator[Finding]:
    """The claim that a gap is within its margin; and that it has not grown, which is told only where it has and nothing
    worse is to be said.
    """
    found = gap(place.now, alpha=settings.alpha, family=family, whose=place.whose)
    p = within(place.now, demand.margin, alpha=settings.alpha, whose=place.whose)
    claim = _finding(demand, f"{place.what}, {found.most} over {found.least}", found, p, settings)
    yield claim
    grown = widened(place.now, place.before, alpha=settings.alpha, family=family, whose=place.whose)
    if grown > settings.small_margin and not claim.refuted:
        before = gap(place.before, alpha=settings.alpha).score.mean
        much = found.score.mean - before
        score = Score(mean=-much, low=-1.0, high=-grown, n=found.score.n)
        yield Finding(
            name=f"{place.what}, wider than the champion's gap of {100.0 * before:.1f}",
            score=score,
            bound=-settings.small_margin,
            guard=True,
            required=False,
            variance=1.0,
            p=1.0,
            alpha=settings.alpha,
            gap=True,
        )


def _pooled(demand: Demand, places: Sequence[_Place], family: int, settings: Evaluate) -> Finding:
    """Groups with too few rows: the gap that is most beyond doubt."""
    found = [(gap(one.now, alpha=settings.alpha, family=family, whose=one.whose), one) for one in places]
    worst, place = max(found, key=lambda each: (each[0].score.low, each[0].score.mean))
    return _finding(demand, f"{place.what}, {worst.most} over {worst.least}", worst, None, settings)


def _finding(demand: Demand, name: str, found: Gap, p: float | None, settings: Evaluate) -> Finding:
    score, z = found.score, float(stats.norm.isf(settings.alpha))
    return Finding(
        name=name,
        score=Score(mean=-score.mean, low=-score.high, high=-score.low, n=score.n),
        bound=-demand.margin,
        guard=True,
        required=p is not None,
        variance=score.n * ((score.high - score.mean) / z) ** 2,
        p=1.0 if p is None else p,
        alpha=settings.alpha,
        gap=True,
    )


def _silent(demand: Demand, settings: Evaluate) -> Finding:
    """Nothing can be said: no two values of the tag have rows."""
    return Finding(
        name=f"{_named(demand)} by {demand.tag}",
        score=Score(mean=0.0, low=-1.0, high=0.0, n=0),
        bound=-demand.margin,
        guard=True,
        required=False,
        variance=1.0,
        p=1.0,
        alpha=settings.alpha,
        gap=True,
    )


def _named(demand: Demand) -> str:
    return demand.measure.replace("_", " ") + (f" of '{demand.label}'" if demand.label else "")


def _places(demand: Demand, rows: Sequence[PairedRow], fewest: int = FEWEST) -> Iterator[_Place]:
    """What is compared for a demand: for each label that is asked about the rows of each group."""
    tagged = [row for row in rows if demand.tag in row.tags]
    if demand.measure is Measure.ACCURACY:
        values = np.array([(row.candidate, row.champion) for row in tagged]).reshape(-1, 2)
        yield _place(demand.tag, "accuracy", tagged, values, fewest)
        return
    for label in [demand.label] if demand.label else sorted({row.target for row in tagged}):
        for what, kept in _asked(demand.measure, tagged, label):
            values = np.array([[float(reply == label) for reply in row.said] for row in kept]).reshape(-1, 2)
            yield _place(demand.tag, what, kept, values, fewest)


def _asked(measure: Measure, rows: Sequence[PairedRow], label: str) -> Iterator[tuple[str, Sequence[PairedRow]]]:
    """What is compared about a label, and among which rows."""
    if measure is Measure.DEMOGRAPHIC_PARITY:
        yield f"share of '{label}'", rows
        return
    yield f"recall of '{label}'", [row for row in rows if row.target == label]
    if measure is Measure.EQUALIZED_ODDS:
        yield f"false '{label}'", [row for row in rows if row.target != label]


def _place(tag: str, what: str, rows: Sequence[PairedRow], values: Floats, fewest: int) -> _Place:
    """Rows split by the values of a tag; values that few rows have are left out."""
    of = np.array([row.tags[tag] for row in rows])
    names = [name for name in sorted(set(of.tolist())) if int((of == name).sum()) >= fewest]
    now, before = ({name: values[of == name, side] for name in names} for side in (0, 1))
    whose = clusters_of([row.cluster for row in rows])
    return _Place(f"{what} by {tag}", now, before, {name: whose[of == name] for name in names})

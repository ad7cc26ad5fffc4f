"""What a second look asks beside the mean: guard metrics, groups to be treated alike, suites under disturbances.

Each is a mean over rows, bounded to [-1, 1], so it is bet on like every other claim (`evaluate.again`):

- the Brier score and the form of a reply are one number a row for each version (`evaluate.guarded`);
- of two groups the k-th labeled row of one is put beside the k-th of the other: the mean of these differences is how
  far the groups are apart. That no gap is too wide is a claim about each ordered pair of groups (intersection-union),
  at the level that its own p-value has left;
- a suite whose cases are test rows under a disturbance has one more case with every live request that is labeled.

What stays open stays so for good: lists of cases, which no live request belongs to, and macro F1, which is no mean.
Labels have to be drawn by chance: where the two reply the same these values need not be 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np

from homeostat.config.schema import Evaluate
from homeostat.evaluate.asked import Asked, Gap, Ground, Later, once
from homeostat.evaluate.fair import Demand, Measure, rows_needed
from homeostat.evaluate.guarded import CALIBRATION, FORM
from homeostat.evaluate.score import Floats, PairedRow, differences
from homeostat.metrics.calibration import brier
from homeostat.stats.again import KEPT, asked
from homeostat.stats.clustered import Ints, clusters_of
from homeostat.stats.depths import at_depth
from homeostat.stats.gaps import within
from homeostat.types.report import Report, Verdict

_AMONG: Mapping[Measure, tuple[str, ...]] = {
    Measure.ACCURACY: ("",),
    Measure.DEMOGRAPHIC_PARITY: ("share",),
    Measure.EQUAL_OPPORTUNITY: ("recall",),
    Measure.EQUALIZED_ODDS: ("recall", "false"),
}


def besides(
    first: Verdict, report: Report, rows: Sequence[PairedRow], settings: Evaluate, ground: Ground, left: Sequence[str]
) -> tuple[list[Asked], list[str]]:
    """The claims among `left` that live requests may still show, with levels and without plans, and the names of those
    that nothing to come speaks of.
    """
    own = [row for row in rows if row.group not in report.suites]
    gaps = [claim for demand in ground.fair for claim in _gaps(demand, own, settings, ground)]
    found, silent = list[Asked](), list[str]()
    for name in left:
        level = asked(first.tests[name], settings.alpha, KEPT * min(ground.live, settings.alpha))
        claim = Asked(name=name, bound=0.0, level=level, rows=0, gain=False, without=ground.target)
        if name in (CALIBRATION, FORM):
            margin = max(settings.margin, settings.small_margin)
            found.append(_with(claim, -margin, what=name))
        elif name in ground.disturbed and name in report.suites:
            found.append(_with(claim, -report.suites[name].margin, what=name))
        elif of_it := [one for one in gaps if name.startswith(f"{_said(one)}, ")]:
            found += of_it
        else:
            silent.append(name)
    return found, silent


def _with(claim: Asked, bound: float, *, what: str) -> Asked:
    return Asked(name=claim.name, bound=bound, level=claim.level, rows=0, gain=False, without=claim.without, what=what)


def _gaps(demand: Demand, rows: Sequence[PairedRow], settings: Evaluate, ground: Ground) -> Iterator[Asked]:
    """A claim for each ordered pair of groups of which the first look could ask a proof, and has not had it."""
    least = rows_needed(demand.margin, settings.alpha)
    for gap, values, whose in _compared(demand, rows):
        if min(len(np.unique(of)) for of in whose.values()) < least:
            continue
        p = within(values, demand.margin, alpha=settings.alpha, whose=whose)
        if p > settings.alpha:
            level = asked(p, settings.alpha, KEPT * min(ground.live, settings.alpha))
            yield _of_gap(gap, demand, level)


def small_gaps(demand: Demand, rows: Sequence[PairedRow], settings: Evaluate) -> list[tuple[int, Asked]]:
    """A claim for each ordered pair of groups of which the first look could ask no proof, one of them being too small,
    without level and plan; with the users of the smaller one.
    """
    least, found = rows_needed(demand.margin, settings.alpha), list[tuple[int, Asked]]()
    for gap, _, whose in _compared(demand, rows):
        smaller = min(len(np.unique(of)) for of in whose.values())
        if smaller < least:
            found.append((smaller, _of_gap(gap, demand, 1.0)))
    return found


def _compared(demand: Demand, rows: Sequence[PairedRow]) -> Iterator[tuple[Gap, dict[str, Floats], dict[str, Ints]]]:
    """Every ordered pair of groups that a demand is about, what their rows add, and whose they are."""
    tagged = [row for row in rows if demand.tag in row.tags]
    labels = [demand.label] if demand.label else sorted({row.target for row in tagged})
    for among in _AMONG[demand.measure]:
        for label in labels if among else [""]:
            groups, whose = _groups(demand.tag, among, label, tagged)
            for more, less in permutations(groups, 2):
                both = {name: groups[name] for name in (more, less)}
                gap = Gap(tag=demand.tag, more=more, less=less, among=among, label=label)
                yield gap, both, {name: whose[name] for name in both}


def _of_gap(gap: Gap, demand: Demand, level: float) -> Asked:
    blank = Asked(name="", bound=-demand.margin, level=level, rows=0, gain=False, gap=gap)
    return replace(blank, name=f"{_said(blank)}, {gap.more} over {gap.less}")


def _said(claim: Asked) -> str:
    """What is compared, as the gate names it (`evaluate.fair`)."""
    gap = claim.gap
    if gap is None:
        return claim.name
    what = {"": "accuracy", "share": "share of", "recall": "recall of", "false": "false"}[gap.among]
    return f"{what} '{gap.label}' by {gap.tag}" if gap.among else f"{what} by {gap.tag}"


def _groups(tag: str, among: str, label: str, rows: Sequence[PairedRow]) -> tuple[dict[str, Floats], dict[str, Ints]]:
    """What the rows of each group add, and whose they are."""
    found: dict[str, list[tuple[float, str]]] = {}
    for row in rows:
        if (value := _counted(row, among, label)) is not None:
            found.setdefault(row.tags[tag], []).append((value, row.cluster))
    values = {name: np.array([value for value, _ in found[name]], np.float64) for name in sorted(found)}
    return values, {name: clusters_of([cluster for _, cluster in found[name]]) for name in values}


def _counted(row: PairedRow, among: str, label: str) -> float | None:
    """What a row adds to a group's mean; None where it is not among those that are asked."""
    if not among:
        return row.candidate
    if (among == "recall" and row.target != label) or (among == "false" and row.target == label):
        return None
    return float(row.said[0] == label)


def values_of(claim: Asked, pairs: Sequence[Later]) -> Floats:
    """float64[played]: what was seen of a claim of this room, in the order of the labels; those of chance alone."""
    chance = [pair for pair in pairs if not pair.lot]
    if claim.what and claim.what not in ROWWISE:
        asked_of = once((pair for pair in chance if claim.what in pair.suites), lambda pair: pair.row.cluster)
        both = [pair.suites[claim.what] for pair in asked_of]
        return np.array([mine - theirs for mine, theirs in both], np.float64)
    return _of_rows(claim, [pair.row for pair in chance if claim.about(pair.row)])


def first_values(claim: Asked, rows: Sequence[PairedRow]) -> Floats:
    """The same of the rows of the first look, by which the labels that it takes are planned."""
    if claim.what and claim.what not in ROWWISE:
        return differences(row for row in rows if row.group == claim.what)
    return _of_rows(claim, [row for row in rows if claim.about(row)])


def _of_rows(claim: Asked, rows: Sequence[PairedRow]) -> Floats:
    if claim.gap is not None:
        return _matched(claim.gap, rows)
    return ROWWISE[claim.what](once(rows, lambda row: row.cluster))


def _matched(gap: Gap, rows: Sequence[PairedRow]) -> Floats:
    """One group less the other, the k-th user of each side by side; positive where the first is not ahead."""
    groups, whose = _groups(gap.tag, gap.among, gap.label, [row for row in rows if gap.tag in row.tags])
    first = {name: at_depth(values, whose[name], 1) for name, values in groups.items()}
    more, less = (first.get(name, np.zeros(0)) for name in (gap.more, gap.less))
    n = min(len(more), len(less))
    return less[:n] - more[:n]


def _briers(rows: Sequence[PairedRow]) -> Floats:
    """By how much the champion's Brier score is above the candidate's, row by row."""
    sure = [row for row in rows if row.sure]
    if not sure:
        return np.zeros(0)
    mine, theirs = (
        np.asarray(brier([row.sure[k] for row in sure], [row.said[k] == row.target for row in sure])) for k in (0, 1)
    )
    return np.asarray(theirs - mine, np.float64)


def _forms(rows: Sequence[PairedRow]) -> Floats:
    return np.array([row.formed[0] - row.formed[1] for row in rows if row.formed], np.float64)


ROWWISE: Mapping[str, Callable[[Sequence[PairedRow]], Floats]] = {CALIBRATION: _briers, FORM: _forms}
"""Guard metric -> candidate less champion, row by row; positive is better."""

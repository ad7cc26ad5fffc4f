"""Two windows made alike in their hours: night is not compared with day, nor Sunday with Monday.

Of every hour of the week, or of the day, both windows keep requests in the same proportion, chosen by lot among those
of the hour. Nothing but times decides, so that where each hour's requests are as they were, so are the windows'.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from homeostat.errors import BadWindow
from homeostat.monitor.detectors.batch.chi_square import ChiSquare
from homeostat.monitor.features.feature import Rows
from homeostat.monitor.seasons import DAY, HOURS, hours_of
from homeostat.types.interaction import Interaction

Ints = NDArray[np.int64]

COVERED = 0.95
"""Share of the current requests, at least, that are of hours of which the reference has some: the others are left out,
and must not be what is new.
"""
DOUBTED = 0.2
"""P-value above which windows are left as they are: hours of the week, days of it and parts of the day look alike. So
high, because windows that differ a little, and seem not to, cost more than requests left out for nothing.
"""
BLOCK = 4
"""Hours of a part of the day: single hours of a small window are too few to be tested."""
MOST = 10
"""Requests of one window to each of the other's, at most: more of them hardly tell more."""


class Hours(StrEnum):
    """Which hours two windows are to have in common."""

    AUTO = "auto"
    """Hours of the week where they differ and the reference has them, else those of the day, else any."""
    WEEK = "week"
    DAY = "day"
    ANY = "any"
    """All requests are compared, whenever they came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """What is left of two windows."""

    hours: Hours
    """What they have been matched by; never AUTO."""
    reference: tuple[Interaction, ...]
    current: tuple[Interaction, ...]
    says: str = ""
    """What was left out and why, in a sentence; empty where nothing was."""
    caution: str = ""
    """What of the hours still differs, in a sentence."""


def matched(reference: Rows, current: Rows, asked: Hours, *, least: int, alpha: float = 0.05, seed: int = 0) -> Matched:
    """The windows as far as they are to be compared; both are in the order of time, and stay so.

    Each keeps `least` requests or more. Whether a caution is due is decided at the level `alpha`.

    Raises:
        BadWindow: WEEK or DAY was asked for, and the hours of the windows do not overlap enough.
    """
    times = [np.array([row.time for row in rows], dtype=np.float64) for rows in (reference, current)]
    hours = [hours_of(one[one > 0]) for one in times]
    whole = Matched(hours=Hours.ANY, reference=tuple(reference), current=tuple(current))
    if min(map(len, hours)) < least:
        if asked in (Hours.WEEK, Hours.DAY):
            raise BadWindow(
                "it is not known when the requests came", fix=f"give rows with times, or leave @{asked} out"
            )
        return whole
    wanted = {Hours.AUTO: (Hours.WEEK, Hours.DAY), Hours.ANY: ()}.get(asked, (asked,))
    if asked is Hours.AUTO and min(_p_values(hours)) > DOUBTED:
        wanted = ()
    for by in wanted:
        cells = [np.where(one > 0, hours_of(one) % (HOURS if by is Hours.WEEK else DAY), HOURS) for one in times]
        sides = _sides(cells[0], cells[1], seed)
        share = _covered(cells[0], cells[1])
        if share >= COVERED and min(map(len, sides)) >= least:
            return _kept(whole, by, sides, alpha)
        if by is asked:
            raise _too_few(by, share, sides)
    return Matched(
        hours=Hours.ANY, reference=whole.reference, current=whole.current, caution=_caution(hours, Hours.ANY, alpha)
    )


def _kept(whole: Matched, by: Hours, sides: tuple[Ints, Ints], alpha: float) -> Matched:
    reference, current = (
        tuple(rows[k] for k in side) for rows, side in zip((whole.reference, whole.current), sides, strict=True)
    )
    hours = [hours_of(np.array([row.time for row in rows if row.time > 0])) for rows in (reference, current)]
    says = (
        f"hours of the {by} are matched: {len(reference):,} of {len(whole.reference):,} requests before and "
        f"{len(current):,} of {len(whole.current):,} now, as many of each hour; @any behind the reference compares all"
    )
    return Matched(hours=by, reference=reference, current=current, says=says, caution=_caution(hours, by, alpha))


def _too_few(by: Hours, share: float, sides: tuple[Ints, Ints]) -> BadWindow:
    if share < COVERED:
        why = f"the reference has requests of the hours of the {by} of {share:.0%} of the current ones only"
        why += f"; {COVERED:.0%} are the least that is matched"
    else:
        why = f"matched by hours of the {by}, {len(sides[0])} requests before and {len(sides[1])} now are left: too few"
    other = "day" if by is Hours.WEEK else "any"
    fix = f"give a reference of whole weeks, such as --reference before:10000, or write @{other} behind it"
    return BadWindow(why, where="--reference", fix=fix)


def _sides(reference: Ints, current: Ints, seed: int) -> tuple[Ints, Ints]:
    """Numbers of the rows that are kept of either window, of their cells: in every cell in one proportion."""
    size = int(max(reference.max(), current.max())) + 1
    n, m = (np.bincount(cells, minlength=size) for cells in (reference, current))
    takes = max(_proportions(n, m), key=_evidence)
    rng = np.random.default_rng(seed)
    sides = [_by_lot(cells, take, rng) for cells, take in zip((reference, current), takes, strict=True)]
    return sides[0], sides[1]


def _proportions(n: Ints, m: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Ways to take rows of cells that hold n and m: k of one for each of the other, k up to MOST."""
    for k in range(1, MOST + 1):
        few = np.minimum(n // k, m)
        yield k * few, few
        few = np.minimum(n, m // k)
        yield few, k * few


def _evidence(takes: tuple[Ints, Ints]) -> float:
    """What a comparison of windows of these sizes can tell: one over the variance of a difference of means."""
    a, b = (float(take.sum()) for take in takes)
    return a * b / (a + b) if a and b else 0.0


def _by_lot(cells: Ints, take: Ints, rng: np.random.Generator) -> Ints:
    """Numbers of as many rows of each cell as are to be taken, in their order."""
    order = rng.permutation(len(cells))
    placed = order[np.argsort(cells[order], kind="stable")]
    sizes = np.bincount(cells, minlength=len(take))
    rank = np.arange(len(cells)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.sort(placed[rank < take[cells[placed]]])


def _covered(reference: Ints, current: Ints) -> float:
    """Share of the current rows that are of cells of which the reference has some."""
    return float(np.isin(current, reference).mean())


def _p_values(hours: list[Ints]) -> list[float]:
    """That two windows hold the same hours of the week, the same days of it, and the same parts of the day."""
    parts = (hours, [one // DAY for one in hours], [one % DAY // BLOCK for one in hours])
    return [_p_value(*part) for part in parts]


def _p_value(reference: Ints, current: Ints) -> float:
    if len(np.unique(np.concatenate([reference, current]))) < 2:
        return 1.0
    p = ChiSquare()(reference.astype(np.str_), current.astype(np.str_)).p_value
    return 1.0 if p is None else p


def _caution(hours: list[Ints], by: Hours, alpha: float) -> str:
    """Why windows may still differ by their hours alone."""
    p_values = _p_values(hours)
    if by is Hours.ANY and len(p_values) * min(p_values) <= alpha:
        return "the windows hold other hours of the week: a difference between night and day looks like drift"
    if by is Hours.DAY and p_values[1] <= alpha:
        return "the windows hold other days of the week: a difference between weekdays and weekend looks like drift"
    return ""

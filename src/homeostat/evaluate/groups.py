"""Which groups of rows are gated, alone or pooled, and by which margin.

A group is gated alone only if it has as many rows as the power table asks for (`stats/power.py`): with fewer, the test
would answer "not shown" most of the time even for a candidate that lost nothing. By the same table it is held to
the tightest margin between `margin` and `small_margin` that its rows suffice for. How many rows that takes must not
depend on the candidate. If it followed the discordance seen in the group, a candidate that breaks a group would raise
it, and so lift the group out of the gate that should have stopped it. Therefore the number rests on a discordance
planned beforehand.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from homeostat.config.schema import Evaluate
from homeostat.evaluate.sample import Sample
from homeostat.evaluate.score import PairedRow
from homeostat.stats.power import needed, shown

PLANNED_DISCORDANCE = 0.1
"""Share of rows on which the two versions are expected to disagree; for real-valued scores, the mean square of the
difference."""

POWER = 0.8
"""Chance to show that nothing was lost, for a candidate that lost nothing, at the least number of rows; of a target,
chance to show the planned gain."""

PLANNED_GAIN, PLANNED_CHANGES = 0.2, 0.3
"""Gain that a target is expected to show, and share of its rows on which the two versions then disagree."""

SMALL = "small groups"
"""Name of the pool of groups too small to be gated alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A group, or the pool of small ones, where nothing may be lost."""

    name: str
    groups: tuple[str, ...]
    margin: float
    """How much of the metric may be lost: the least that the rows can show, not below `margin` nor above
    `small_margin`."""
    gated: bool
    """Whether the rows suffice to demand a proof; if not, the group is reported, and only shown harm counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A guarded place with its rows."""

    name: str
    sample: Sample
    margin: float
    gated: bool


def rows_needed(margin: float, settings: Evaluate) -> float:
    """The least number of rows for a test at `margin`; infinite where no loss, or no error, is allowed."""
    if margin <= 0.0 or settings.alpha <= 0.0:
        return float("inf")
    return needed(PLANNED_DISCORDANCE, 0.0, margin, settings.alpha, POWER)


def target_suffices(rows: int, settings: Evaluate) -> bool:
    """Whether so many rows of a target can be asked for a proof of their own: with fewer, even a large gain mostly
    could not be shown. What such a target gains then counts among all rows.
    """
    if settings.alpha <= 0.0 or settings.min_gain >= PLANNED_GAIN:
        return True
    return rows >= needed(PLANNED_CHANGES, PLANNED_GAIN, -settings.min_gain, settings.alpha, POWER)


def split(rows: Sequence[PairedRow]) -> dict[str, Sample]:
    """Differences by group, in the order in which the groups first appear."""
    members: dict[str, list[PairedRow]] = {}
    for row in rows:
        members.setdefault(row.group, []).append(row)
    return {group: Sample.of(inside) for group, inside in members.items()}


def places(sizes: Mapping[str, int], settings: Evaluate, target: Collection[str] = ()) -> tuple[Place, ...]:
    """Where nothing may be lost, by the rows of each group: large groups alone, all the others as one pool. Groups of
    the target are not guarded.
    """
    guarded = {name: size for name, size in sizes.items() if name not in target}
    alone = [place(name, (name,), size, settings) for name, size in guarded.items() if _suffices(size, settings)]
    small = {name: size for name, size in guarded.items() if not _suffices(size, settings)}
    pool = [place(_pool_name(small), tuple(small), sum(small.values()), settings)] if small else []
    return tuple(alone + pool)


def place(name: str, groups: tuple[str, ...], rows: int, settings: Evaluate) -> Place:
    """Where so many rows of groups are guarded together: by which margin, and whether they suffice to be gated."""
    least = shown(rows, PLANNED_DISCORDANCE, settings.alpha, POWER) if rows and settings.alpha > 0.0 else float("inf")
    margin = min(max(least, settings.margin), _widest(settings))
    return Place(name=name, groups=groups, margin=margin, gated=_suffices(rows, settings))


def guards(rows: Sequence[PairedRow], settings: Evaluate, target: Collection[str] = ()) -> tuple[Guard, ...]:
    """The places to guard, by the rows at hand, with these rows."""
    sizes = {name: sample.worth for name, sample in split(rows).items()}
    return tuple(
        Guard(
            name=place.name,
            sample=Sample.of(row for row in rows if row.group in place.groups),
            margin=place.margin,
            gated=place.gated,
        )
        for place in places(sizes, settings, target)
    )


def _pool_name(small: Collection[str]) -> str:
    """A pool of one keeps that group's own name, which says more."""
    return next(iter(small)) if len(small) == 1 else SMALL


def _suffices(n: int, settings: Evaluate) -> bool:
    return n >= rows_needed(_widest(settings), settings)


def _widest(settings: Evaluate) -> float:
    return max(settings.margin, settings.small_margin)

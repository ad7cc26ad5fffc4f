"""What the gate will ask of the next candidate, before there is one: each claim, and how many rows it takes.

Which rows there are hangs on no candidate, and neither does what they are asked (`evaluate.groups`). So it can be said
before anything is trained how many rows every claim needs to be shown with 80 % chance, by the power table
(`stats.power`) and a share of rows on which two versions differ that is planned; how many there are, counted as the
gate counts them (users, or episodes, where rows carry these); and what so many can show.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from homeostat.config.schema import Evaluate
from homeostat.evaluate.fair import Demand, sizes_of
from homeostat.evaluate.fair import rows_needed as alike_needed
from homeostat.evaluate.gate import OVERALL
from homeostat.evaluate.groups import (
    PLANNED_CHANGES,
    PLANNED_DISCORDANCE,
    PLANNED_GAIN,
    POWER,
    place,
    places,
    rows_needed,
    split,
)
from homeostat.evaluate.guarded import measures
from homeostat.evaluate.sample import Sample
from homeostat.evaluate.score import PairedRow
from homeostat.evaluate.slices import gated, slices
from homeostat.stats.power import needed, shown
from homeostat.types.suite import Terms

GAIN = 0.05
"""Gain over all rows that is planned for, beyond `evaluate.min_gain`."""
BETTER, KEPT, ALIKE = "better", "nothing lost", "alike"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one claim takes."""

    name: str
    what: str
    """`better`, `nothing lost` or `alike`."""
    by: float
    """The gain that is planned for, the loss that is ruled out, or the gap: a share of the metric."""
    needed: int | None
    """Rows that show it with 80 % chance where it is so, by as much; None where none do."""
    there: int
    """As the gate counts them: a user, or an episode, once."""
    rows: int
    least: float | None
    """What as many as there are show with 80 % chance; None where there are none."""
    asked: bool
    """Whether a proof is demanded of the next candidate."""

    @property
    def suffices(self) -> bool:
        """Whether there are as many as it takes."""
        return self.needed is not None and self.there >= self.needed


def needs(
    rows: Sequence[PairedRow],
    settings: Evaluate,
    *,
    target: Sequence[str] = (),
    level: float,
    fair: Sequence[Demand] = (),
    suites: Mapping[str, tuple[int, Terms]] | None = None,
) -> list[Need]:
    """What every claim takes that the gate will make, in its order.

    Args:
        rows: test rows, with whatever is known before anybody replies; the outcomes in them are not looked at.
        settings: level and margins.
        target: groups where the candidate is meant to be better.
        level: at which the task's account lets it show that it is (`evaluate.account.due`).
        fair: what the task is held to treat alike.
        suites: part of a suite -> its cases, those of a family counted once, and what is demanded of it.
    """
    found = [*_gains(rows, settings, target, level), *_groups(rows, settings, target)]
    found += [*_slices(rows, settings, target), *_metrics(rows, settings, target)]
    for part, (cases, terms) in (suites or {}).items():
        margin = terms.margin
        widest = max(settings.margin, settings.small_margin) if margin is None else margin
        own = settings if margin is None else Evaluate(alpha=settings.alpha, margin=margin, small_margin=margin)
        found.append(_guard(part, widest, cases, cases, settings, asked=place(part, (part,), cases, own).gated))
    return [*found, *_alike(rows, settings, fair)]


def _gains(rows: Sequence[PairedRow], settings: Evaluate, target: Sequence[str], level: float) -> Iterator[Need]:
    aimed = [row for row in rows if row.group in target]
    if aimed and len(aimed) < len(rows):
        name = ", ".join(dict.fromkeys(row.group for row in aimed))
        least = max(PLANNED_GAIN, settings.min_gain + GAIN)
        yield _gain(name, aimed, least, max(PLANNED_CHANGES, least), settings, level)
    gain = settings.min_gain + GAIN
    yield _gain(OVERALL, rows, gain, max(PLANNED_DISCORDANCE, abs(gain)), settings, level)


def _gain(
    name: str, rows: Sequence[PairedRow], gain: float, discordance: float, settings: Evaluate, level: float
) -> Need:
    worth = Sample.of(rows).worth
    wanted = needed(discordance, gain, -settings.min_gain, level, POWER) if level > 0.0 else None
    least = _least_gain(worth, discordance, level) if level > 0.0 else None
    # A target with rows too few for a proof of its own at alpha is asked for none (`groups.target_suffices`).
    alpha = settings.alpha
    asked = name == OVERALL or (alpha > 0.0 and worth >= needed(discordance, gain, -settings.min_gain, alpha, POWER))
    return Need(
        name=name,
        what=BETTER,
        by=gain,
        needed=wanted,
        there=worth,
        rows=len(rows),
        least=None if least is None else settings.min_gain + least,
        asked=asked,
    )


def _least_gain(n: int, discordance: float, level: float) -> float | None:
    """The least gain that so many rows show: `needed`, solved for it; None where not even one of all that differ."""
    if not n:
        return None
    wide = shown(n, discordance, level, POWER)
    gain = wide / math.sqrt(1.0 + wide**2 / discordance)
    return gain if gain <= discordance else None


def _guard(name: str, margin: float, worth: int, rows: int, settings: Evaluate, *, asked: bool) -> Need:
    wanted = rows_needed(margin, settings)
    return Need(
        name=name,
        what=KEPT,
        by=margin,
        needed=round(wanted) if math.isfinite(wanted) else None,
        there=worth,
        rows=rows,
        least=shown(worth, PLANNED_DISCORDANCE, settings.alpha, POWER) if worth and settings.alpha > 0.0 else None,
        asked=asked,
    )


def _groups(rows: Sequence[PairedRow], settings: Evaluate, target: Sequence[str]) -> Iterator[Need]:
    parts = split(rows)
    for one in places({name: sample.worth for name, sample in parts.items()}, settings, target):
        worth, count = (sum(of(parts[group]) for group in one.groups) for of in (lambda x: x.worth, len))
        yield _guard(one.name, one.margin, worth, count, settings, asked=one.gated)


def _slices(rows: Sequence[PairedRow], settings: Evaluate, target: Sequence[str]) -> Iterator[Need]:
    found, widest = slices(rows, target), max(settings.margin, settings.small_margin)
    asked = {guard.name for guard in gated(found, settings)}
    for name, sample in found.items():
        yield _guard(name, widest, sample.worth, len(sample), settings, asked=name in asked)


def _metrics(rows: Sequence[PairedRow], settings: Evaluate, target: Sequence[str]) -> Iterator[Need]:
    widest = max(settings.margin, settings.small_margin)
    for one in measures(rows, target):
        enough = one.worth >= rows_needed(widest, settings)
        yield _guard(one.name, widest, int(one.worth), len(one.differences), settings, asked=enough)


def _alike(rows: Sequence[PairedRow], settings: Evaluate, fair: Sequence[Demand]) -> Iterator[Need]:
    for demand in fair:
        wanted = math.ceil(alike_needed(demand.margin, settings.alpha)) if settings.alpha > 0.0 else None
        for what, sizes in sizes_of(demand, rows):
            large = sum(wanted is not None and users >= wanted for users, _ in sizes.values())
            for name, (users, count) in sizes.items():
                least = alike_needed(1.0, settings.alpha) if settings.alpha > 0.0 else None
                yield Need(
                    name=f"{what}, {name}",
                    what=ALIKE,
                    by=demand.margin,
                    needed=wanted,
                    there=users,
                    rows=count,
                    least=math.sqrt(least / users) if least and users else None,
                    asked=wanted is not None and users >= wanted and large > 1,
                )

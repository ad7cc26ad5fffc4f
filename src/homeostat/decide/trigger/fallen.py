"""Triggers that look at quality: measured by labels, estimated without them, told by ratings, held to an objective."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from homeostat.decide.objective import Course, Progress
from homeostat.decide.trigger.counts import yes
from homeostat.decide.trigger.sight import ESTIMATED, MEASURED, NEWEST, OBJECTIVES, RATED, Past, Sight, Standing

_RANK = {Course.BEHIND: 1, Course.MISSED: 2, Course.ALARMING: 3}
"""How badly an objective fails."""
_OF = {MEASURED: "of the labeled replies were right", ESTIMATED: "estimated right", RATED: "mean rating"}


@dataclass(frozen=True, slots=True)
class Drop:
    """Quality has fallen by so much since the version was new, and the interval of the fall lies above zero."""

    kind: str
    points: float

    @property
    def reads(self) -> frozenset[str]:
        """The one kind of quality that it looks at."""
        return frozenset({self.kind})

    def standing(self, sight: Sight, past: Past, zone: tzinfo) -> Standing:
        """How far it has fallen."""
        known = sight.falls.get(self.kind)
        if known is None:
            return Standing(value=None, line=self.points, says=f"too little is known yet ({self.kind})")
        sure = known.low > 0.0
        doubt = "" if sure or known.mean < self.points else ", which may be chance"
        says = (
            f"{known.mean:+.3f} below what it was, where {self.points:g} is wanted{doubt} "
            f"({known.before.mean:.3f} then, {known.now.mean:.3f} now, {_OF[self.kind]})"
        )
        return Standing(value=known.mean, line=self.points, says=says, sure=sure, lasts=True)


@dataclass(frozen=True, slots=True)
class Missed:
    """An objective is surely missed, behind its course, or beyond its alert level: with the whole 99 % interval."""

    at_least: float | None = None
    """None: the task's own objectives, of which one is enough."""
    name: str = ""
    """The one of `objectives` that is meant; empty for all."""

    @property
    def reads(self) -> frozenset[str]:
        """The newest labeled replies, or the log."""
        return frozenset({OBJECTIVES} if self.name else {NEWEST} if self.at_least is not None else {NEWEST, OBJECTIVES})

    def standing(self, sight: Sight, past: Past, zone: tzinfo) -> Standing:
        """How far the newest labeled replies are below the line, or the worst objective below what is due."""
        others = [one for one in sight.objectives if self.name in ("", one.name)] if self.at_least is None else []
        line = None if self.name else sight.objective
        if others and (line is None or any(one.course.fails for one in others)):
            return self._worst(others)
        return self._line(sight, line if self.at_least is None else self.at_least)

    def _worst(self, others: Sequence[Progress]) -> Standing:
        """Where the first stands that fails, or of which least is known to be well."""
        found = max(others, key=lambda one: (_RANK.get(one.course, 0), one.gap is not None and one.gap > 0.0))
        sure, says = found.course.fails, f"{found.name}: {found.says}"
        gap = found.beyond if found.course is Course.ALARMING else found.gap
        gap = None if gap is None else -1.0 if found.course is Course.MET else gap
        return Standing(value=gap, line=0.0, says=says, sure=sure, lasts=True)

    def _line(self, sight: Sight, wanted: float | None) -> Standing:
        if wanted is None or sight.newest is None:
            says = "the task has no objective" if wanted is None else "too few labeled replies"
            return Standing(value=None, line=0.0, says=says)
        now = sight.newest
        says = f"{now.mean:.3f} ({now.low:.3f} to {now.high:.3f}) of {now.n} replies, where {wanted:g} is wanted"
        return Standing(value=wanted - now.mean, line=0.0, says=says, sure=now.high < wanted, lasts=True)


def drop(value: Any) -> Drop:
    """From points (0.05 is five) of what is measured by labels. Raises ValueError where it is no such number."""
    return Drop(MEASURED, _points(value))


def estimated_drop(value: Any) -> Drop:
    """The same of what is estimated without labels."""
    return Drop(ESTIMATED, _points(value))


def rating_drop(value: Any) -> Drop:
    """The same of the mean rating, which lies between 0 and 1."""
    return Drop(RATED, _points(value))


def objective(value: Any) -> Missed:
    """From `true`, a line of its own, or the name of one of `objectives`. Raises ValueError where it is none."""
    if isinstance(value, str) and value:
        return Missed(name=value)
    if not isinstance(value, bool):
        return Missed(_points(value))
    yes(value)
    return Missed()


def _points(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value <= 1.0:
        raise ValueError(f"must be a number above 0 and at most 1 (0.05 is five points), got {value!r}")
    return float(value)

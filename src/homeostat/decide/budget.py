"""What a policy may take in a period, what it has taken, and whether one more thing fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, NamedTuple, TypeAlias

from homeostat.decide.hours import PERIODS, period
from homeostat.errors import did_you_mean

KINDS = ("money", "cpu_hours", "gpu_hours", "labels", "retrainings")
KEPT_S = 400 * 86_400.0
"""How long a booking is kept: longer than the longest period."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """What one turn takes."""

    turn: str
    task: str
    time: float
    """When it was decided, in seconds since 1970."""
    money: float = 0.0
    cpu_hours: float = 0.0
    """Expected, until the turn has ended; then as measured."""
    gpu_hours: float = 0.0
    """As `cpu_hours`."""
    retrainings: float = 1.0
    """0 for a candidate that needs no training."""


Book: TypeAlias = tuple[Booking, ...]


class Given(NamedTuple):
    """Labels that people gave."""

    labels: int
    money: float
    """What they cost: each task may have a price of its own."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The most of each kind in a period; what is not named has no limit."""

    limits: Mapping[str, float]
    per: str = "month"

    def left(self, book: Book, given: Given, at: float, zone: tzinfo) -> dict[str, float]:
        """What is left of each kind that has a limit, and never below zero.

        Args:
            book: retrainings that were booked, of any time.
            given: labels of the period.
            at: a moment of the period.
            zone: whose calendar the period is of.
        """
        start, end = period(self.per, at, zone)
        within = [one for one in book if start <= one.time < end]
        taken = {
            "money": sum(one.money for one in within) + given.money,
            "cpu_hours": sum(one.cpu_hours for one in within),
            "gpu_hours": sum(one.gpu_hours for one in within),
            "labels": float(given.labels),
            "retrainings": sum(one.retrainings for one in within),
        }
        return {kind: max(0.0, most - taken[kind]) for kind, most in self.limits.items()}


def lacks(left: Mapping[str, float], wanted: Mapping[str, float]) -> str:
    """The first kind of which more is wanted than is left; empty where everything fits."""
    return next((kind for kind in left if wanted.get(kind, 0.0) > left[kind] * (1 + _ROUNDING)), "")


def spent(left: Mapping[str, float]) -> str:
    """The first kind that a retraining takes and of which nothing is left; empty where there is something of each. A
    retraining takes no labels.
    """
    lines = {"money": 0.0, "cpu_hours": 0.0, "retrainings": 0.5}
    return next((kind for kind, rest in left.items() if kind in lines and rest <= lines[kind]), "")


def booked(book: Book, new: Booking) -> Book:
    """The book with one more booking, in place of the same turn's; what is very old is left out."""
    kept = [one for one in book if one.turn != new.turn and one.time > new.time - KEPT_S]
    return (*kept, new)


def budget(values: Mapping[str, Any]) -> Budget:
    """From the values of the configuration, such as `{retrainings: 4, money: 20, per: month}`.

    Raises:
        ValueError: a kind that there is not, a limit that is no number, or no such period.
    """
    limits = {}
    for kind, most in values.items():
        if kind == "per":
            continue
        if kind not in KINDS:
            raise ValueError(f"has no '{kind}'; {did_you_mean(kind, (*KINDS, 'per'))}")
        if isinstance(most, bool) or not isinstance(most, int | float) or not most >= 0:
            raise ValueError(f"must have a number for {kind}, 0 or more, got {most!r}")
        limits[kind] = float(most)
    per = values.get("per", "month")
    if per not in PERIODS:
        raise ValueError(f"knows no period {per!r}; {did_you_mean(str(per), PERIODS)}")
    return Budget(limits, per)

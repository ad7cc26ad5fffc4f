"""Triggers that count what is new since the last turn looked: requests, labels, a person's word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from homeostat.decide.trigger.sight import REQUESTS, Past, Sight, Standing

NOTHING = frozenset[str]()
UNASKED = 10
"""So many times `decide.min_labels` new labels are enough without a signal."""


@dataclass(frozen=True, slots=True)
class Requests:
    """So many new requests."""

    n: int
    reads = frozenset({REQUESTS})

    def standing(self, sight: Sight, past: Past, zone: tzinfo) -> Standing:
        """How many there are."""
        says = f"{sight.requests:,.0f} of {self.n:,} new requests"
        return Standing(value=sight.requests, line=float(self.n), says=says)


@dataclass(frozen=True, slots=True)
class Labels:
    """So many new labels."""

    n: int
    reads = NOTHING

    def standing(self, sight: Sight, past: Past, zone: tzinfo) -> Standing:
        """How many there are."""
        return Standing(
            value=float(sight.labels), line=float(self.n), says=f"{sight.labels:,} of {self.n:,} new labels"
        )


@dataclass(frozen=True, slots=True)
class Enough:
    """As many new labels as a decision needs: `decide.min_labels` after a signal, ten times as many without one."""

    reads = NOTHING

    def standing(self, sight: Sight, past: Past, zone: tzinfo) -> Standing:
        """How many there are."""
        wanted = sight.min_labels * (1 if sight.signals else UNASKED)
        after = "after a signal" if sight.signals else "without a signal"
        says = f"{sight.labels:,} of {wanted:,} new labels, {after}"
        return Standing(value=float(sight.labels), line=float(wanted), says=says)


@dataclass(frozen=True, slots=True)
class Manual:
    """Only when a person asks."""

    reads = NOTHING

    def standing(self, sight: Sight, past: Past, zone: tzinfo) -> Standing:
        """Whether one does."""
        return Standing(
            value=float(sight.manual), line=1.0, says="somebody asks" if sight.manual else "nobody has asked"
        )


def requests(value: Any) -> Requests:
    """From a number of requests. Raises ValueError where it is none."""
    return Requests(_count(value, "requests"))


def labels(value: Any) -> Labels:
    """From a number of labels. Raises ValueError where it is none."""
    return Labels(_count(value, "labels"))


def enough(value: Any) -> Enough:
    """From `true`. Raises ValueError for anything else."""
    yes(value)
    return Enough()


def manual(value: Any) -> Manual:
    """From `true`. Raises ValueError for anything else."""
    yes(value)
    return Manual()


def yes(value: Any) -> None:
    """Hold that a value is `true`. Raises ValueError for anything else."""
    if value is not True:
        raise ValueError(f"must be true, got {value!r}; leave it out where it is not wanted")


def _count(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"must be a number of {what}, 1 or more, got {value!r}")
    return value

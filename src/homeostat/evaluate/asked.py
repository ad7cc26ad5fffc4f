"""What a second look asks, and by what: claims that the gate has left open, and live requests that were labeled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from homeostat.evaluate.fair import Demand
from homeostat.evaluate.score import PairedRow

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is known beside the first look when a second one is begun."""

    live: float
    """Level of what is shown on live requests, of which a part is kept for the guards."""
    target: tuple[str, ...] = ()
    """Groups where the candidate is meant to be better."""
    told: tuple[str, ...] = ()
    """Groups that a live request is seen to be in before it is labeled."""
    fair: tuple[Demand, ...] = ()
    """What the task is held to treat alike."""
    disturbed: tuple[str, ...] = ()
    """Parts of suites whose cases are test rows alone: a live request that was labeled is one more of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Two groups that are compared, and in what."""

    tag: str
    more: str
    """Value of the tag, of which it is to be shown that it is not too far above the other."""
    less: str
    among: str = ""
    """`recall`: rows whose right reply is the label; `false`: all others; `share`: all rows. Empty: how right replies
    are."""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A claim that the first look has left open, and what later rows have to show of it. Fixed before the first."""

    name: str
    bound: float
    level: float
    rows: int
    """Labels that are planned for it."""
    gain: bool
    """Whether it says that the candidate is better; else that nothing was lost."""
    groups: tuple[str, ...] = ()
    """Groups that it is about; empty for all."""
    slice: str = ""
    without: tuple[str, ...] = ()
    """Groups that are left out of a slice."""
    told: bool = False
    """Whether a request without a label says if it is one of these."""
    what: str = ""
    """The guard metric, or the part of a suite, that it is about; empty where it is how right replies are."""
    gap: Gap | None = None
    """The groups that are held to be treated alike, where it is about these."""
    small: bool = False
    """Whether the first look had too few rows to ask it: it is asked once as many as planned have been labeled."""
    harm: float = 0.0
    """Level at which its opposite counts as shown, and the candidate as worse; 0 where that is not asked."""

    @property
    def beside(self) -> bool:
        """Whether it is about anything but how right replies are."""
        return bool(self.what) or self.gap is not None

    def about(self, row: PairedRow) -> bool:
        """Whether a row speaks of it."""
        if self.slice:
            return self.slice in row.slices and row.group not in self.without
        return row.group in self.groups if self.groups else row.group not in self.without

    @property
    def apart(self) -> bool:
        """Whether only requests on which the versions differ are played."""
        return self.told or (self.bound == 0.0 and not self.beside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """A live request that both versions answered, and of which somebody has said what is right."""

    row: PairedRow
    differ: bool
    """Whether they replied differently."""
    lot: bool = False
    """Whether it was asked for because they do, drawn by lot among such."""
    suites: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Part of a suite -> what candidate and champion replied to it under that disturbance was worth."""
    by_judge: bool = False
    """Whether it was a judge, and nobody else, who said so."""
    word: tuple[float, float, int] | None = None
    """By how much a judge likes the candidate's reply better, here, and on average on requests without a label that
    stand beside it; and how many these are. None where no judge helps.
    """


def once(seen: Iterable[T], whose: Callable[[T], str]) -> list[T]:
    """The first of everybody, in their order: whoever comes back fares as before, and is no new evidence. An empty name
    is somebody else each time.
    """
    known, kept = set[str](), list[T]()
    for one in seen:
        name = whose(one)
        if not name or name not in known:
            known.add(name)
            kept.append(one)
    return kept

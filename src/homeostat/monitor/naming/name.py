"""What moved since an alarm: slices by the share of the move that they carry, new topics, and which kind of drift.

Pure: rows in, a noun of plain values out. `loop.naming` reads the rows and keeps what comes out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from homeostat.monitor.compare import halves
from homeostat.monitor.features.feature import Floats, Rows
from homeostat.monitor.features.nearness import novelty
from homeostat.monitor.naming.candidates import Candidate, Kind, candidates
from homeostat.monitor.naming.change import Change, change_of
from homeostat.monitor.naming.clusters import Mask, nearest, telling
from homeostat.monitor.naming.kinds import kinds_of
from homeostat.monitor.naming.ranking import Ranked, Windows, rank

LOOKS = (300, 600, 1200, 2400)
"""Numbers of requests since the change at which is looked; before the first it is too early."""
SPENT = (0.5, 0.25, 0.125, 0.125)
"""Share of ALPHA that each look may spend."""
ALPHA = 0.1
"""Of the slices called sure, over all looks at a change, so many have not moved, on average, at most."""
BEFORE = 2_000
"""Requests before the change that are compared with, at most: half of them are what is known."""
LEAST = 100
"""Requests before the change without which nothing is named."""
SLICES, TOPICS, EXAMPLES = 8, 5, 5
SAME = 0.5
"""Share of the requests in either of two slices that are in both, above which the second is not shown."""
_AROUND = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Requests that have something in common, and how much of the move lies in them."""

    name: str
    kind: Kind
    before: float
    """Share of the requests before the change, in [0, 1]."""
    after: float
    carries: float
    """Share of the move, in [0, 1]; slices overlap, so these add up to more than 1."""
    log10_e: float
    """Base-10 logarithm of the e-value against "nothing in it has moved"; minus 300 where there is none yet."""
    sure: bool
    """Whether it stands after correction for all slices that were looked at, and for all looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """Requests that have appeared and are unlike what is known."""

    name: str
    """The words that tell them from the requests before."""
    before: float
    after: float
    """Share of the requests."""
    examples: tuple[str, ...]
    """Ids of those that lie nearest to their middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What moved, named."""

    n: int
    """Requests since the change that were looked at."""
    needs: int = LOOKS[0]
    """So many must have followed the change before anything is named."""
    looked: int = 0
    """Looks that have been taken."""
    since: float = 0.0
    """Time of the change, in seconds since 1970; the next two: the stretch in which it lies, with 95 %."""
    since_low: float = 0.0
    since_high: float = 0.0
    slices: tuple[Slice, ...] = ()
    """The one that explains the move best first."""
    topics: tuple[Topic, ...] = ()
    kind: str = ""
    """Which kind of drift, in a sentence."""
    says: str = ""
    """What moved, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The rows around an alarm."""

    before: Rows
    """Before the change, oldest first."""
    since: Rows
    """Since the change, oldest first."""
    alarm: float
    """Time of the alarm."""
    right: Mapping[str, float] = field(default_factory=dict)
    """By id, how right a reply was where somebody said so, in [0, 1]."""
    slice: str = ""
    """The slice in which the alarm was raised; empty where that was in all requests."""
    alike: Rows = ()
    """What is compared with in place of `before` where hours are told apart: requests of the same hours of earlier
    days, so that what belongs to the hour is not taken for the move.
    """
    seed: int = 0


def state_key(signal: str) -> str:
    """Under which key of the store's state stands what is named of a signal of this id."""
    return f"naming:{signal}"


def due(n: int) -> int:
    """How many looks are due once `n` requests have followed the change."""
    return sum(n >= look for look in LOOKS)


def early(n: int) -> Naming:
    """What can be said while fewer than LOOKS[0] requests have followed the change."""
    return Naming(n=n, says=f"Too early to say what moved: {n} of the {LOOKS[0]} requests that it takes have come.")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looked:
    """Everything that a look has seen."""

    rows: Rows
    """Those before the change that are compared with, then those since."""
    known: Rows
    """Those before the change that others are measured against."""
    windows: Windows
    ranked: Sequence[Ranked]
    """Every candidate, the one that explains the move best first."""


def look(moved: Moved, alpha: float = ALPHA * SPENT[0]) -> Looked:
    """Rank all candidates; of those called sure a share of at most `alpha` has not moved, on average."""
    known, reference = halves((moved.alike or moved.before)[-BEFORE:], moved.seed)
    rows = [*reference, *moved.since]
    current = np.arange(len(rows)) >= len(reference)
    fresh = current & (np.array([row.time for row in rows]) > moved.alarm)
    windows = Windows(current, fresh, strangeness(rows, known))
    ranked = rank(candidates(rows, known, windows.strangeness, moved.seed), windows, alpha, moved.slice)
    return Looked(rows=rows, known=known, windows=windows, ranked=ranked)


def name(moved: Moved) -> Naming:
    """Name what moved; `early` until LOOKS[0] requests have followed the change, and of LEAST before it."""
    n, looked = len(moved.since), due(len(moved.since))
    if not looked:
        return early(n)
    if len(moved.before) < LEAST:
        return Naming(n=n, looked=looked, says=f"Only {len(moved.before)} requests came before the change: too few.")
    seen = look(moved, ALPHA * SPENT[looked - 1])
    at, low, high = change(moved, seen.known)
    slices = tuple(_slice(one, seen.rows) for one in distinct(seen))
    return Naming(
        n=n,
        looked=looked,
        since=at,
        since_low=low,
        since_high=high,
        slices=slices,
        topics=topics(seen),
        kind=_kind(seen, moved.right),
        says=_says(slices),
    )


def change(moved: Moved, known: Rows) -> tuple[float, float, float]:
    """Times of the change and of the ends of its stretch; of rows that are known their confidence alone counts."""
    around = [*moved.before[-_AROUND:], *moved.since[:_AROUND]]
    values = strangeness(around, known)
    ids = {row.id for row in known}
    values[[row.id in ids for row in around], 1] = np.nan
    found = change_of(values) or Change(len(moved.before[-_AROUND:]), 0, len(around) - 1)
    at = [around[min(row, len(around) - 1)].time for row in (found.row, found.low, found.high)]
    return at[0], at[1], at[2]


def strangeness(rows: Rows, known: Rows) -> Floats:
    """How unsure the reply was and how far the request is from known ones, float64[rows, 2]; NaN where unknown."""
    unsure = [1 - row.confidence if row.confidence > 0 else math.nan for row in rows]
    return np.column_stack([np.array(unsure, dtype=np.float64), novelty(rows, known)])


def distinct(seen: Looked) -> list[Ranked]:
    """The first SLICES that carry something, without those that hold the same requests since the change over again."""
    shown: list[Ranked] = []
    for one in seen.ranked:
        if one.score <= 0 or len(shown) == SLICES:
            continue
        here = one.candidate.members & seen.windows.current
        others = [other.candidate.members & seen.windows.current for other in shown]
        if not any((here & other).sum() > SAME * (here | other).sum() for other in others):
            shown.append(one)
    return shown


def topics(seen: Looked) -> tuple[Topic, ...]:
    """Groups that have at least tripled, certainly, and lie farther from what is known than most requests did before;
    each request is shown in one of them only.
    """
    windows, rows = seen.windows, seen.rows
    far = windows.strangeness[:, 1]
    known = far[~windows.current & np.isfinite(far)]
    if not len(known):
        return ()
    limit, taken, found = float(np.quantile(known, 0.75)), np.zeros(len(rows), dtype=bool), list[Topic]()
    for one in sorted(seen.ranked, key=lambda one: one.before - one.after):
        members = one.candidate.members & windows.current
        topic = one.candidate.kind is Kind.TOPIC and not one.candidate.strange
        if not topic or not one.sure or one.after < 3 * one.before:
            continue
        if np.nanmedian(far[members]) > limit and (members & taken).sum() < 0.3 * members.sum():
            found.append(_topic(one, members, windows, rows))
            taken |= members
    return tuple(found[:TOPICS])


def _topic(one: Ranked, members: Mask, windows: Windows, rows: Rows) -> Topic:
    before = [row.text for row, k in zip(rows, windows.current, strict=True) if not k]
    here = [row.text for row, k in zip(rows, members, strict=True) if k]
    shown = nearest(rows, np.flatnonzero(members), EXAMPLES)
    words = ", ".join(telling(here, before))
    return Topic(name=words, before=one.before, after=one.after, examples=tuple(rows[k].id for k in shown))


def _kind(seen: Looked, right: Mapping[str, float]) -> str:
    """Which kind of drift, by the rows that came after the alarm; empty before any has."""
    reference, fresh = (
        [row for row, k in zip(seen.rows, mask, strict=True) if k]
        for mask in (~seen.windows.current, seen.windows.fresh)
    )
    return kinds_of(reference, fresh, seen.known, right).says if fresh else ""


def _slice(one: Ranked, rows: Rows) -> Slice:
    return Slice(
        name=called(one.candidate, rows),
        kind=one.candidate.kind,
        before=one.before,
        after=one.after,
        carries=one.carries,
        log10_e=max(one.log_e / math.log(10), -300.0),
        sure=one.sure,
    )


def called(candidate: Candidate, rows: Rows) -> str:
    """The name of a candidate; of a group of requests its telling words, of a conjunction the names of its two."""
    if candidate.parts:
        return " and ".join(called(part, rows) for part in candidate.parts)
    if candidate.name:
        return candidate.name
    here, there = (
        [row.text for row, k in zip(rows, mask, strict=True) if k] for mask in (candidate.members, ~candidate.members)
    )
    about = "strange ones about" if candidate.strange else "about"
    return f"{about} {', '.join(telling(here, there)) or 'nothing telling'}"


def _says(slices: Sequence[Slice]) -> str:
    if not slices:
        return "No slice carries the move."
    first = slices[0]
    sure = "" if first.sure else " This is the best guess and not yet certain."
    return (
        f"{first.name} carries {first.carries:.0%} of the move ({first.before:.1%} of the requests before it, "
        f"{first.after:.1%} since).{sure}"
    )

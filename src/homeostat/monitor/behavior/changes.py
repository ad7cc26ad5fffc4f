"""How a candidate's behavior differs from what users got: changes with names, where they are, and examples.

A change is a group of requests with the same difference: for labels, one label in the place of another; for texts, a
behavior that came or went. Where it is, is told by the slices that hold more of it than chance would put there: tags,
lengths, groups of requests near each other and their words, by the machinery that names what moved after an alarm. Only
the requests that could change so are looked at: that `refund → delivery` is about money back is no news.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from homeostat.monitor.behavior.failures import Behavior, Rehearsed, behaviors
from homeostat.monitor.features.feature import Rows
from homeostat.monitor.naming.candidates import ANSWERED, Candidate, Kind, candidates
from homeostat.monitor.naming.name import called
from homeostat.stats.evalues import discoveries, share_evidence
from homeostat.stats.intervals import paired
from homeostat.types.report import Score
from homeostat.types.task import Kind as Of

Mask = NDArray[np.bool_]

MOST, LEAST = 12, 3
"""Changes that are told, the largest first, and requests that one has at least."""
WHERE, EXAMPLES = 3, 3
SAME = 0.5
"""Share of the smaller of two slices' changed requests that are in both, above which the second is not named."""
ALPHA = 0.1
"""Of the slices named, over all changes, so large a share holds no more of its change than others, on average."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A slice that holds more of a change than the rest."""

    name: str
    inside: float
    """Share of its requests that changed so, of those that could."""
    outside: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One request of a change."""

    id: str
    text: str
    before: str
    """What the user got."""
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Requests that are answered otherwise, all in the same way."""

    name: str
    """`refund → delivery`, `now refuses`, `no longer repeats itself`."""
    n: int
    share: float
    """Of the rehearsed requests."""
    judged: int
    """Those of it whose right reply is known."""
    won: int
    """Judged ones that the candidate has right and the user's reply had not; the next the other way round."""
    lost: int
    where: tuple[Place, ...]
    examples: tuple[Example, ...]


def shifts(rows: Sequence[Rehearsed], kind: Of) -> dict[str, Score]:
    """By behavior, the change of its share against what users got, candidate minus before, paired.

    Behaviors that are differences themselves, or were not seen on either side, are left out, and so are rows of which
    nobody knows what the user got.
    """
    found = {}
    for name, behavior in behaviors(kind).items():
        if name.startswith(("differs", "much", "wrong where", "cut")):
            continue
        both = [(behavior(row), behavior(row.as_logged())) for row in rows if row.heard]
        known = [(a, b) for a, b in both if a is not None and b is not None]
        if any(a or b for a, b in known):
            after, before = np.array(known, dtype=np.float64).T
            found[name] = paired(after, before)
    return found


def changes(rows: Sequence[Rehearsed], kind: Of, seed: int = 0) -> list[Change]:
    """Every change of LEAST requests or more, the largest first, MOST at most; of rows of which is known what the user
    got.
    """
    rows = [row for row in rows if row.heard]
    groups = _by_label(rows) if kind is Of.LABEL else _by_behavior(rows, behaviors(kind))
    groups.sort(key=lambda one: (-len(one.members), one.name))
    large = [one for one in groups if len(one.members) >= LEAST][:MOST]
    if not large:
        return []
    logged = [row.row for row in rows]
    slices = candidates(logged, logged, np.zeros((len(rows), 1)), seed)
    slices = [one for one in slices if one.kind not in {Kind.REPLY, Kind.SIGN, *ANSWERED}]
    places = _places(large, slices, rows)
    return [_change(one, rows, where) for one, where in zip(large, places, strict=True)]


@dataclass(frozen=True, slots=True)
class _Group:
    """Numbers of the rows that changed alike, and of all that could have."""

    name: str
    members: list[int]
    could: list[int]

    def masks(self, n: int) -> tuple[Mask, Mask]:
        """Both as bool[n]."""
        places = np.arange(n)
        return np.isin(places, self.members), np.isin(places, self.could)


def _by_label(rows: Sequence[Rehearsed]) -> list[_Group]:
    got, gave = defaultdict[str, list[int]](list), defaultdict[tuple[str, str], list[int]](list)
    for k, row in enumerate(rows):
        before, after = row.row.reply.strip() or "(empty)", row.reply.strip() or "(empty)"
        got[before].append(k)
        if before != after:
            gave[before, after].append(k)
    return [_Group(f"{before} → {after}", members, got[before]) for (before, after), members in gave.items()]


def _by_behavior(rows: Sequence[Rehearsed], known: Mapping[str, Behavior]) -> list[_Group]:
    found = []
    for name, behavior in known.items():
        both = [(bool(behavior(row)), bool(behavior(row.as_logged()))) for row in rows]
        for says, there in ((f"now: {name}", False), (f"no longer: {name}", True)):
            could = [k for k, (_, before) in enumerate(both) if before is there]
            found.append(_Group(says, [k for k in could if both[k][0] is not there], could))
    return found


def _places(
    groups: Sequence[_Group], slices: Sequence[Candidate], rows: Sequence[Rehearsed]
) -> list[tuple[Place, ...]]:
    """Per change the slices that certainly hold more of it, e-BH over all pairs of change and slice at once."""
    if not slices:
        return [()] * len(groups)
    members, masks = np.array([one.members for one in slices]), [group.masks(len(rows)) for group in groups]
    logs = np.array(
        [
            share_evidence(
                (members & changed).sum(axis=1), (members & could).sum(axis=1), int(changed.sum()), int(could.sum())
            )
            for changed, could in masks
        ]
    )
    sure = discoveries(logs, ALPHA).reshape(logs.shape)
    logged = [row.row for row in rows]
    found = []
    for (changed, could), log_e, held in zip(masks, logs, sure, strict=True):
        order = [slices[k] for k in np.argsort(-log_e, kind="stable") if held[k]]
        found.append(_held(changed, could, order, logged))
    return found


def _held(changed: Mask, could: Mask, order: Sequence[Candidate], logged: Rows) -> tuple[Place, ...]:
    """The surest slices that hold more of a change than the rest does, and no two of which most is the same."""
    taken: list[Mask] = []
    found: list[Place] = []
    for one in order:
        inside, outside, part = could & one.members, could & ~one.members, changed & one.members
        here, there = (float(changed[where].mean()) if where.any() else 0.0 for where in (inside, outside))
        again = any((part & other).sum() > SAME * min(part.sum(), other.sum()) for other in taken)
        if here > there and not again and len(found) < WHERE:
            taken.append(part)
            found.append(Place(name=called(one, logged), inside=here, outside=there))
    return tuple(found)


def _change(group: _Group, rows: Sequence[Rehearsed], where: tuple[Place, ...]) -> Change:
    chosen = [rows[k] for k in group.members]
    judged = [one for one in chosen if one.told]
    after, before = ([one.told.strip() == reply(one).strip() for one in judged] for reply in (_after, _before))
    return Change(
        name=group.name,
        n=len(group.members),
        share=len(group.members) / len(rows),
        judged=len(judged),
        won=sum(a and not b for a, b in zip(after, before, strict=True)),
        lost=sum(b and not a for a, b in zip(after, before, strict=True)),
        where=where,
        examples=tuple(
            Example(id=one.row.id, text=one.row.text, before=one.row.reply, after=one.reply)
            for one in chosen[:EXAMPLES]
        ),
    )


def _after(one: Rehearsed) -> str:
    return one.reply


def _before(one: Rehearsed) -> str:
    return one.row.reply

"""The life of a version, and the one way a release row comes into force.

The newest release row of a task is the truth about who answers. Aliases and the states of versions only repeat it for
whoever looks them up; they are brought in line after the row is written, and again by whoever comes next if a crash
fell between the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from homeostat.errors import NotReleasable
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.release import Release, Stage
from homeostat.types.version import State, Version

CHAMPION, CHALLENGER = "champion", "challenger"
"""Aliases: who answers, and who tries to."""

TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.CANDIDATE: frozenset({State.SHADOW, State.CANARY, State.LIVE, State.REFUSED, State.ERASED}),
    State.SHADOW: frozenset({State.CANARY, State.LIVE, State.REFUSED}),
    State.CANARY: frozenset({State.LIVE, State.WITHDRAWN}),
    State.LIVE: frozenset({State.RETIRED, State.WITHDRAWN}),
    State.RETIRED: frozenset({State.LIVE, State.ERASED}),
    State.WITHDRAWN: frozenset({State.LIVE, State.ERASED}),
    State.REFUSED: frozenset({State.ERASED}),
    State.ERASED: frozenset(),
}
"""State -> the states that may follow. RETIRED and WITHDRAWN go back to LIVE by a rollback, never by a promotion, which
would undo what has happened since if it ran again after a crash."""

_OPEN = {Stage.SHADOW: State.SHADOW, Stage.CANARY: State.CANARY, Stage.SPLIT: State.CANARY}
"""Stages in which versions are tried -> their state meanwhile."""
HELD = "held:"
"""Before the id of a release: the key under which stands until when it is held back, in seconds since 1970."""
_LEFT = {State.SHADOW: State.REFUSED, State.CANARY: State.WITHDRAWN, State.LIVE: State.WITHDRAWN}
"""State of a version that is taken back -> its state from then on. Nobody had a reply of one that was in shadow."""


def is_open(release: Release | None) -> bool:
    """Whether a candidate is being tried, or several."""
    return release is not None and release.stage in _OPEN


def taken(before: Release) -> NotReleasable:
    """The error that tells of what is being tried, where something else was to be."""
    tried = f"{' and '.join(before.tried)} {'is' if len(before.tried) == 1 else 'are'} being tried"
    fix = "wait for it, or end it with `homeostat rollback`"
    return NotReleasable(f"{tried} ({before.stage.value}) for task '{before.task}'", fix=fix)


def held_until(store: Store, release: Release | None, now: float) -> float:
    """Until when a running release that would have gone forward is held back; 0 where it is not."""
    kept = store.state.get(f"{HELD}{release.id}") if release is not None and is_open(release) else None
    return float(kept) if isinstance(kept, int | float) and kept > now else 0.0


def hold(store: Store, release: Release, until: float) -> Release:
    """Write down that a release would go forward and is held back until a moment; the release."""
    if store.state.get(key := f"{HELD}{release.id}") != until:
        store.state.put(key, until)
    return release


def may_become(store: Store, task: str, version: str, to: State, *, coming_from: frozenset[State]) -> Version:
    """The version, if it belongs to the task and may go from its state to `to`, and its state is among `coming_from`.

    Raises:
        NotFound: no such version.
        NotReleasable: it may not.
    """
    found = store.versions.get(version)
    if found.task != task:
        raise NotReleasable(f"{version} is a version of task '{found.task}', not of '{task}'")
    if found.state not in coming_from or to not in TRANSITIONS[found.state]:
        raise NotReleasable(f"{version} is {found.state.value} and cannot become {to.value} this way", fix=_way(found))
    return found


def _way(version: Version) -> str:
    if version.state in (State.RETIRED, State.WITHDRAWN):
        return f"if it answered everybody once: `homeostat rollback --to {version.id}`; else train another candidate"
    ended = version.state in (State.REFUSED, State.ERASED)
    return "train another candidate" if ended else "look at `homeostat versions`"


def enact(store: Store, before: Release | None, after: Release) -> Release:
    """Put `after` in force where `before` was, unless somebody else was quicker; the row in force then.

    The id follows from the row before and from what is done, so that doing it twice writes one row.
    """
    origin = before.id if before else after.task
    row = replace(after, id=ids.derived("rel", origin, after.stage, after.champion, after.candidate, *after.shares))
    newest = store.releases.current(after.task)
    if newest is not None and newest.id not in (origin, row.id):
        settle(store, newest)
        return newest
    if before is not None:
        settle(store, before)  # a crash may have fallen between that row and its states
    store.releases.put(row)
    settle(store, row)
    return row


def settle(store: Store, release: Release) -> None:
    """Bring aliases and states in line with the row in force; writes only what differs."""
    for version in store.versions.list(release.task):
        state = _state(version, release)
        if state is not version.state:
            store.versions.set_state(version.id, state)
    wanted = {CHAMPION: release.champion, CHALLENGER: release.candidate if is_open(release) else ""}
    known = store.aliases.all(release.task)
    for alias, version_id in wanted.items():
        if known.get(alias, "") != version_id:
            store.aliases.set(release.task, alias, version_id)


def _state(version: Version, release: Release) -> State:
    """What the row in force makes of a version."""
    if version.id == release.champion:
        return State.LIVE
    if release.stage in _OPEN and version.id in release.tried:
        return _OPEN[release.stage]
    if version.id == release.candidate and release.stage is Stage.ROLLBACK:
        return _LEFT.get(version.state, version.state)
    if version.state is State.CANARY:  # it has left a split
        return State.WITHDRAWN
    return State.RETIRED if version.state is State.LIVE else version.state

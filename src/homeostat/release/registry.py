"""Versions: taken in, made champion, taken back. Every change of who answers is one release row and can be undone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from homeostat.errors import NotFound, NotReleasable, NoWayBack
from homeostat.llm.weights import check
from homeostat.release.proven import vouch
from homeostat.release.states import enact, is_open, may_become, settle, taken
from homeostat.store import Store
from homeostat.store.erased import learned_from_erased
from homeostat.types.release import Release, Stage
from homeostat.types.report import Base
from homeostat.types.version import State, Version

_NEW = frozenset({State.CANDIDATE, State.SHADOW, State.CANARY})
_SETTLED = (Stage.FULL, Stage.ROLLBACK)


def register(store: Store, version: Version, folder: Path | None) -> Version:
    """Keep a version: its folder as a blob, its row, and the edges to its dataset and its parent.

    Registering an id again changes nothing and gives the version as it is known: what was once measured stays what it
    was. `folder` is None for the bare base.

    Raises:
        UnsafeWeights: a file in the folder can run code when it is loaded.
        CorruptWeights: the weights cannot be read.
        StoreFull: the disk is full; the version is not registered.
    """
    known = _known(store, version.id)
    if known is not None:
        return known
    if folder is not None:
        check(folder)
        version = replace(version, blob=store.blobs.put_folder(folder))
    store.versions.put(version)
    return version


def promote(store: Store, task: str, version: str, because: str, *, now: float, base: Base | None = None) -> Release:
    """Let a version answer everybody at once, without shadow and canary: the first champion, or a person's decision.

    Promoting the champion again changes nothing, but that it is to answer on these bytes of its base from now on.

    Raises:
        NotFound: no such version.
        NotReleasable: it belongs to another task, its state forbids it, it was broken on purpose, another candidate is
            being tried, or it has learned from rows that were erased since.
    """
    before = store.releases.current(task)
    if before is not None and before.champion == version and before.stage in _SETTLED:
        vouch(store, store.versions.get(version), base, because)
        settle(store, before)
        return before
    _refuse_other_candidate(before, version)
    _refuse_erased(store, task, version)
    if may_become(store, task, version, State.LIVE, coming_from=_NEW).broken:
        raise NotReleasable(f"{version} was broken on purpose, for a drill", fix="promote another version")
    vouch(store, store.versions.get(version), base, because)  # first: whoever reads the release is to load it
    row = Release(id="", task=task, time=now, stage=Stage.FULL, champion=version, because=because)
    return _ours(enact(store, before, row), version)


def rollback(store: Store, task: str, because: str, *, to: str = "", now: float) -> Release:
    """Go back: end the trial of a candidate if there is one, else let the previous champion answer everybody.

    With `to`, go back (or forward again) to that earlier champion, whatever is being tried.

    Raises:
        NoWayBack: there is no earlier champion that was not itself taken back.
        NotFound: `to` is no version.
        NotReleasable: `to` never answered everybody, or has learned from rows that were erased since.
    """
    before = store.releases.current(task)
    if before is None:
        raise NoWayBack(f"no version answers task '{task}' yet", fix="import a history: `homeostat import FILE`")
    if is_open(before):
        before = stop(store, before, because, now=now)
        if not to:
            return before
    champion = _earlier(store, before, to)
    _refuse_erased(store, task, champion)
    if champion == before.champion:
        return before
    if store.versions.get(champion).state is State.WITHDRAWN:  # forward again: nothing is held against the one before
        stage, left = Stage.FULL, ""
    else:
        stage, left = Stage.ROLLBACK, before.champion
    row = Release(id="", task=task, time=now, stage=stage, champion=champion, candidate=left, because=because)
    return _ours(enact(store, before, row), champion)


def withdraw(store: Store, task: str, candidate: str, because: str, *, now: float) -> Release:
    """End the trial of a candidate, and with it of all that are tried beside it; the champion answers everything. Doing
    it again changes nothing.

    Raises:
        NotReleasable: this candidate is not being tried.
    """
    before = store.releases.current(task)
    if before is not None and candidate in before.tried:
        if before.stage is Stage.ROLLBACK:
            settle(store, before)
            return before
        if is_open(before):
            return stop(store, before, because, now=now)
    raise NotReleasable(f"{candidate} is not being tried for task '{task}'", fix="look at `homeostat versions`")


def stop(store: Store, before: Release, because: str, *, now: float) -> Release:
    """End what is tried, a candidate or a split: the champion answers everything."""
    trial = before.trial if before.stage is Stage.SPLIT else ""
    row = replace(before, time=now, stage=Stage.ROLLBACK, share=0.0, shares={}, because=because, until=0.0, trial=trial)
    return enact(store, before, row)


def _known(store: Store, version: str) -> Version | None:
    try:
        return store.versions.get(version)
    except NotFound:
        return None


def _earlier(store: Store, before: Release, to: str) -> str:
    """The champion to go back to."""
    champions = [row.champion for row in store.releases.list(before.task)]
    if to:
        found = store.versions.get(to)
        if to not in champions:
            for_good = f"a candidate that was taken back stays so: train another, `homeostat turn {before.task}`"
            fix = f"`homeostat promote {to}`" if found.state in _NEW else for_good
            raise NotReleasable(f"{to} never answered all of task '{before.task}'", fix=fix)
        return to
    tainted = learned_from_erased(store, before.task)
    for version in reversed(champions):
        if version != before.champion and version not in tainted and store.versions.get(version).state is State.RETIRED:
            return version
    taken_back = dict.fromkeys(version for version in reversed(champions) if version != before.champion)
    if not taken_back:
        raise NoWayBack(f"{before.champion} is the first champion of task '{before.task}'", fix="promote another first")
    raise NoWayBack(
        f"the champions of task '{before.task}' before {before.champion} were taken back",
        fix=f"name one: `homeostat rollback --to {' or '.join(taken_back)}`",
    )


def _refuse_erased(store: Store, task: str, version: str) -> None:
    if (dataset := learned_from_erased(store, task).get(version)) is not None:
        raise NotReleasable(
            f"{version} has learned from rows that were erased since",
            where=f"dataset {dataset}",
            fix="make one without them: `homeostat erase --yes --then retrain`",
        )


def _refuse_other_candidate(before: Release | None, version: str) -> None:
    if before is not None and is_open(before) and version not in before.tried:
        raise taken(before)


def _ours(row: Release, champion: str) -> Release:
    """The row in force, unless somebody else's row came first and says otherwise."""
    if row.champion != champion:
        raise NotReleasable(f"another release of task '{row.task}' came first", fix="look at it, then ask again")
    return row

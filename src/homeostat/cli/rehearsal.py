"""Carries out a change of who answers, for real or on a copy of the rows, and says what it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from homeostat.cli.table import document, table
from homeostat.llm.content import shown
from homeostat.release.proven import over, vouch
from homeostat.store import Store
from homeostat.types.release import Release

_BASE = "base under"
"""Begins what is told of a version's base, where one was known before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is not what it was."""

    what: str
    """`answers`, `on trial`, `stage`, or the id of a version, whose state is meant; `base under` one, whose bytes."""
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done, or would be."""

    dry_run: bool
    release: Release
    """The row in force then."""
    changes: tuple[Change, ...]


def carry_out(store: Store, task: str, act: Callable[[Store], Release], *, dry_run: bool) -> Outcome:
    """Do `act` on the store; in a dry run on a copy of the rows that it reads, so that it tells what it would do."""
    if not dry_run:
        return _observed(store, task, act, dry_run=False)
    with _copy(store, task) as copy:
        return _observed(copy, task, act, dry_run=True)


def tell(outcome: Outcome, *, as_json: bool) -> None:
    """Print the outcome as a table or as a JSON document."""
    if as_json:
        document(outcome)
        return
    title = "would change" if outcome.dry_run else "changed"
    if outcome.changes:
        rows = [(change.what, change.before or "–", change.after or "–") for change in outcome.changes]
        table(title, ("what", "before", "after"), rows)
    else:
        print(f"nothing {'would change' if outcome.dry_run else 'changed'}: {outcome.release.champion} answers already")


def _observed(store: Store, task: str, act: Callable[[Store], Release], *, dry_run: bool) -> Outcome:
    before = _standing(store, task)
    release = act(store)
    after = {what: now for what, now in _standing(store, task).items() if what in before or not what.startswith(_BASE)}
    changes = [
        Change(what=what, before=before.get(what, ""), after=now)
        for what, now in after.items()
        if before.get(what, "") != now
    ]
    return Outcome(dry_run=dry_run, release=release, changes=tuple(changes))


def _standing(store: Store, task: str) -> dict[str, str]:
    """Who answers a task, who is on trial, and the state of every version."""
    names, release = store.aliases.all(task), store.releases.current(task)
    states = {version.id: version.state.value for version in store.versions.list(task)}
    stage = release.stage.value if release else ""
    bases = {f"{_BASE} {v.id}": shown(base) for v in store.versions.list(task) if (base := over(store, v))}
    standing = {"answers": names.get("champion", ""), "on trial": names.get("challenger", ""), "stage": stage}
    return {**standing, **states, **bases}


@contextmanager
def _copy(store: Store, task: str) -> Iterator[Store]:
    """A store for the length of the block with the versions, the releases of a task and its aliases: a few rows."""
    with TemporaryDirectory() as folder, Store.open(f"sqlite:///{folder}/copy.db", Path(folder) / "blobs") as copy:
        for version in store.versions.list():
            copy.versions.put(version)
            vouch(copy, version, over(store, version))
        for release in store.releases.list(task):
            copy.releases.put(release)
        for alias, version_id in store.aliases.all(task).items():
            copy.aliases.set(task, alias, version_id)
        yield copy

"""What is noted of a request belongs to the release in force."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.schema import Release as Settings
from homeostat.release.guard import gather
from homeostat.release.noted import ERROR, RACE, note_error, note_race
from homeostat.release.registry import promote
from homeostat.release.rollout import open_shadow
from homeostat.store import Store
from homeostat.types.release import Release
from release.rehearsal import TASK, add_version, open_store

OLD, NEW = "ver_old", "ver_new"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a champion and a candidate."""
    with open_store(tmp_path) as opened:
        promote(opened, TASK, add_version(opened, "old"), "first", now=1.0)
        add_version(opened, "new")
        yield opened


@pytest.fixture
def shadow(store: Store) -> Release:
    """The candidate in shadow."""
    return open_shadow(store, TASK, NEW, now=2.0)


def test_errors_belong_to_their_release(store: Store, shadow: Release) -> None:
    """Failures noted under one release are no evidence in the next."""
    note_error(store, shadow, NEW, "int_1", "broken")
    other = replace(shadow, id="rel_other", time=3.0)
    assert gather(store, shadow, Settings()).errors == 1
    assert gather(store, other, Settings()).errors == 0


def test_what_is_noted_is_read_back(store: Store, shadow: Release) -> None:
    """In its order, with the version that failed and what each one took."""
    note_error(store, shadow, NEW, "int_1", "broken")
    note_race(store, shadow, "int_2", {OLD: 10.0, NEW: 30.0})
    events = store.events.list(shadow.opened)
    assert [event.name for event in events] == [ERROR, RACE]
    assert events[0].values == {"version": NEW, "interaction": "int_1", "what": "broken"}
    assert events[1].values == {"interaction": "int_2", "took_ms": {OLD: 10.0, NEW: 30.0}}

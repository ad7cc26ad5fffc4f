"""What is noted of a request belongs to the release in force."""

from dataclasses import replace

from homeostat.config.schema import Release as Settings
from homeostat.release.guard import gather
from homeostat.release.noted import ERROR, RACE, note_error, note_race
from homeostat.store import Store
from homeostat.types.release import Release

OLD, NEW = "ver_old", "ver_new"


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

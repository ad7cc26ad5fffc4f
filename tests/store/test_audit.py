"""The audit log: entries follow each other, tell what was done, and keep nothing of what users said."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.store.audit import START, breaks
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage
from homeostat.types.turn import Turn
from homeostat.types.version import State, Version

VERSION = Version(id="ver_1", task="t", time=1.0, base="builtin")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store in which a version came to answer."""
    with Store.open(f"sqlite:///{tmp_path}/s.db", tmp_path / "blobs") as opened:
        opened.sign_as("ana")
        opened.versions.put(VERSION)
        opened.releases.put(Release(id="rel_1", task="t", time=2.0, stage=Stage.FULL, champion="ver_1"))
        opened.versions.set_state("ver_1", State.LIVE)
        opened.aliases.set("t", "champion", "ver_1")
        yield opened


def exported(store: Store) -> list[dict[str, Any]]:
    return [asdict(entry) for entry in store.audit.list()]


def test_who_signs_is_known_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user, or a number where a container has no name for it; or whoever was named."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", lambda number: {}[number])
    with Store.open(f"sqlite:///{tmp_path}/s.db", tmp_path / "blobs") as opened:
        assert opened.signs == f"user {os.getuid()}"
        opened.sign_as("ana")
        assert opened.signs == "ana"


def test_what_was_done_can_be_read(store: Store) -> None:
    """Each entry says who did what to which id, in the order in which it was done."""
    told = [(entry.who, entry.what, entry.about) for entry in store.audit.list()]
    assert told == [
        ("ana", "version candidate", "ver_1"),
        ("ana", "release full", "rel_1"),
        ("ana", "version live", "ver_1"),
        ("ana", "alias champion", "champion of t"),
    ]
    assert [entry.seq for entry in store.audit.list("ver_1")] == [1, 3]
    assert [entry.seq for entry in store.audit.list(limit=2)] == [3, 4]


def test_each_follows_the_one_before(store: Store) -> None:
    """The first is chained to nothing, each to the seal before, and the head is the last one's."""
    entries = store.audit.list()
    assert [entry.before for entry in entries] == [START, *(entry.seal for entry in entries[:-1])]
    assert store.audit.head() == entries[-1].seal
    assert list(breaks(exported(store))) == []


def test_saying_it_twice_is_saying_it_once(store: Store) -> None:
    """A step that is run again after a crash and writes the same row leaves no second entry."""
    before = store.audit.head()
    store.versions.set_state("ver_1", State.LIVE)
    assert store.audit.head() == before
    store.versions.set_state("ver_1", State.RETIRED)
    assert store.audit.head() != before


def test_neither_is_there_without_the_other(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the entry cannot be written the row is not either; where the row cannot, no entry is."""
    before = exported(store)
    with monkeypatch.context() as patch:
        patch.setattr("homeostat.store.audit.seals.sealed", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            store.turns.put(Turn(id="trn_1", task="t", time=1.0))
    with pytest.raises(NotFound):
        store.turns.get("trn_1")
    store.turns.put(_turn("trn_2"))
    with pytest.raises(ZeroDivisionError):
        store.turns.change("trn_2", _fail)
    assert [entry["about"] for entry in exported(store)[len(before) :]] == ["trn_2"]


def _fail(turn: Turn) -> Turn:
    raise ZeroDivisionError


def _turn(id: str) -> Turn:
    return Turn(id=id, task="t", time=1.0)


def test_it_keeps_nothing_that_users_said(store: Store) -> None:
    """Neither a request, a reply, feedback nor a reason stands in it."""
    store.interactions.add([Interaction(id="int_1", task="t", time=1.0, text="my card", reply="blue", version="ver_1")])
    store.feedback.add([Feedback(id="fbk_1", interaction="int_1", kind=FeedbackKind.COMMENT, value="grumble", time=2)])
    store.turns.put(replace(_turn("trn_1"), because="grumble"))
    said = json.dumps(exported(store))
    assert not any(word in said for word in ("my card", "blue", "grumble"))


def test_what_is_no_row_can_be_noted(store: Store) -> None:
    """A file that was written elsewhere has an entry with its hash."""
    store.audit.note("archive of version", "ver_1", "ab" * 32)
    assert store.audit.list()[-1].hash == "ab" * 32
    assert store.verify() == []


FORGERIES: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "who": lambda rows: rows[1].update(who="bob"),
    "when": lambda rows: rows[1].update(time=rows[1]["time"] + 1e-6),
    "what": lambda rows: rows[1].update(what="release canary"),
    "one less": lambda rows: rows.pop(1),
    "first gone": lambda rows: rows.pop(0),
    "order": lambda rows: rows.insert(1, rows.pop(2)),
    "twice": lambda rows: rows.insert(1, dict(rows[1])),
    "a field gone": lambda rows: rows[2].pop("about"),
    "another type": lambda rows: rows[2].update(about=["ver_1"]),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forgeries_of_an_export_show(store: Store, forgery: str) -> None:
    """Whatever is done to an export, but cutting its end off, breaks its chain."""
    rows = json.loads(json.dumps(exported(store)))
    FORGERIES[forgery](rows)
    assert list(breaks(rows))


def test_a_forged_chain_does_not_fit_its_head(store: Store) -> None:
    """Whoever writes an entry and all after it anew comes to another head; that is why one keeps the head elsewhere."""
    from_here, head = exported(store), store.audit.head()
    with Store.open("sqlite:///" + str(store.blobs.root / "forged.db"), store.blobs.root / "b") as forged:
        forged.sign_as("bob")
        for entry in from_here:
            forged.audit.note(entry["what"], entry["about"], entry["hash"])
        assert list(breaks(exported(forged))) == []
        assert forged.audit.head() != head

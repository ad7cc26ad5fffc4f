"""A user is erased from the rows of every store: all that is theirs, nothing that is not, and no trace in the files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from homeostat.store import Store, tables
from homeostat.store.database import Database
from homeostat.types.alert import Alert, Severity
from homeostat.types.dataset import Dataset
from homeostat.types.delivery import Delivery
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.signal import Moved, Signal
from homeostat.types.version import Version

ALICE = "alice@example.com"
SECRET = "the code of my locker is seven four one nine"
ANSWER = "we have written down that your locker code is 7419"
FIXED = "never repeat a locker code such as 7-4-1-9 to anybody"
COMMON = "how do I reset my password"


def asked(number: int, text: str, **more: Any) -> Interaction:
    """A request that version 1 answered."""
    fields = {"id": f"int_{number:04}", "task": "t", "time": float(number), "text": text, "reply": "routed", **more}
    return Interaction(version="ver_1", **fields)


def said(number: int, value: str, **more: Any) -> Feedback:
    """What somebody said of a request."""
    fields = {"interaction": f"int_{number:04}", "kind": FeedbackKind.CORRECTION, "time": 50.0, **more}
    return Feedback(id=f"fbk_{number:04}{more.get('source', '')[:1]}", value=value, **fields)


MINE = [
    asked(1, SECRET, episode=ALICE, reply=ANSWER),
    asked(2, COMMON, tags={"user": ALICE}),
    asked(3, SECRET, episode=ALICE, role=Role.SHADOW, of="int_0001"),
]
NOT_MINE = [
    asked(11, COMMON, episode="bob"),
    asked(12, "where is the form of Alice", episode=ALICE.upper(), tags={"user": f"{ALICE}.uk", ALICE: "user"}),
    asked(13, "my parcel is late again", tags={"team": ALICE}),
]


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with a user in every kind of row that may know of one."""
    store.versions.put(Version(id="ver_1", task="t", time=1.0, base="builtin", labels=("routed",)))
    store.interactions.add([*MINE, *NOT_MINE])
    store.feedback.add(
        [said(1, FIXED), said(11, "your parcel is there", source=ALICE), said(12, "fine", source="desk")]
    )
    store.datasets.put(Dataset(id="dst_1", task="t", time=2.0, blob=""))
    store.lineage.link_all([("dst_1", row.id, "learns") for row in (MINE[0], NOT_MINE[0])])
    gone, stays = MINE[0].id, NOT_MINE[0].id
    store.signals.put(
        Signal(
            id="sig_1",
            task="t",
            time=3.0,
            moved=Moved.FEEDBACK,
            detector="d",
            statistic=1.0,
            threshold=0.5,
            n=9,
            slice=f"source={ALICE}",
            examples=(gone, stays),
        )
    )
    store.state.put("watcher:ver_1", {"examples": [[0, gone, "", 0.1], [1, stays, "", 0.2]], "n": 2})
    store.events.append("feedback:t", "held", {"feedback": ["fbk_0001", "fbk_0012d"], "says": f"{ALICE} contradicts"})
    alert = Alert(id="alr_1", task="t", time=4.0, kind="feedback", severity=Severity.INFO, says=f"of {ALICE}: {SECRET}")
    sent = Delivery(id="dlv_1", alert="alr_1", channel="c", edition="1", time=4.0, body={"says": alert.says})
    store.alerts.tell([alert], lambda _, new: (new, [sent]))
    return store


def rows_of(store: Store, url: str) -> str:
    """Every row of every table, as one text."""
    database = Database(url)
    with database.read() as connection:
        every = [str(row) for table in tables.METADATA.sorted_tables for row in connection.execute(select(table))]
    database.close()
    return "\n".join(every)


def test_what_is_a_users_is_found_and_nothing_else(filled: Store) -> None:
    """By episode and by tag, with copies, with what others said of it, with what they said of others; a name is
    compared as it is, and not with other tags. What others have said too is not theirs to be looked for.
    """
    found = filled.erasure.traces(ALICE)
    assert found.interactions == {row.id for row in MINE}
    assert found.feedback == {"fbk_0001", f"fbk_0011{ALICE[0]}"}
    assert found.taught == {"int_0011"}
    assert found.texts == {SECRET, ANSWER, FIXED, "your parcel is there"}
    assert found.shared == 2  # what anybody asks, and a label
    assert found.matched == {"episode": 2, "tag user": 1, "source": 1}
    assert ALICE not in found.name
    for nobody in ("alice", "ALICE@example.com", "lice@example.com", ""):
        assert filled.erasure.traces(nobody).empty
    assert filled.erasure.traces("bob").interactions == {"int_0011"}
    named = filled.erasure.traces("", [SECRET, "int_0012", "fbk_0012d"])
    assert (named.interactions, named.feedback) == (
        {"int_0001", "int_0003", "int_0012"},
        {"fbk_0001", "fbk_0012d"},
    )


def test_the_rows_are_gone_and_the_store_is_sound(filled: Store, url: str) -> None:
    """No row holds the user's name or words, nor the ids of what is gone; everything else is as it was; verification
    has nothing to say, and neither has doing it again anything to do.
    """
    traces = filled.erasure.traces(ALICE)
    assert filled.verify() == []
    assert filled.erasure.forget(traces) >= 5
    assert filled.verify() == []
    left = rows_of(filled, url)
    own = NOT_MINE[1:]  # whose tags and episode are other names in which this one's letters are
    for gone in (SECRET, ANSWER, FIXED, *traces.feedback, *traces.interactions):
        assert gone not in left
    assert left.count(ALICE) == str([(row.episode, row.tags) for row in own]).count(ALICE)
    assert [row.id for row in filled.interactions.list("t", role=None)] == [row.id for row in NOT_MINE]
    assert [one.id for one in filled.feedback.list("t")] == ["fbk_0012d"]
    assert filled.signals.get("sig_1").examples == (NOT_MINE[0].id,)
    assert filled.state.get("watcher:ver_1") == {"examples": [[1, "int_0011", "", 0.2]], "n": 2}
    assert filled.events.list("feedback:t")[0].values["feedback"] == ["fbk_0012d"]
    assert filled.deliveries.get("dlv_1").body["says"] == filled.alerts.get("alr_1").says == "of [erased]: [erased]"
    assert filled.lineage.parents("dst_1") == [("learns", "int_0011")]
    assert filled.erasure.traces(ALICE).empty


def test_the_audit_log_keeps_hashes_only(filled: Store) -> None:
    """It says that rows were erased and under which hash, never whose or what."""
    traces = filled.erasure.traces(ALICE)
    filled.erasure.forget(traces)
    (entry,) = [entry for entry in filled.audit.list() if entry.what.startswith("erasure")]
    assert (entry.what, entry.about, len(entry.hash)) == ("erasure, 5 rows", traces.name, 64)
    assert "alice" not in json.dumps([str(entry) for entry in filled.audit.list()])


def test_no_trace_is_left_in_the_files(filled: Store, url: str, tmp_path: Path) -> None:
    """Before, the words are in the database's files; after the rows are gone and the files written anew, in none."""
    traces = filled.erasure.traces(ALICE)
    database = Database(url)
    assert filled.remains([tmp_path], traces.texts).found
    filled.erasure.forget(traces)
    assert filled.erasure.clean() == ""
    found = filled.remains([tmp_path], [*traces.texts, "alice@example.com is not looked for here"])
    assert found.nothing
    assert filled.verify() == []
    if database.is_sqlite:
        with database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA freelist_count").scalar_one() == 0
        assert (tmp_path / "store.db-wal").stat().st_size == 0
    database.close()


def test_a_copy_that_came_late_goes_too(filled: Store) -> None:
    """A gateway that was answering a copy of a request when it was erased writes it afterwards: verification tells of
    it, and doing it again removes it.
    """
    filled.erasure.forget(filled.erasure.traces(ALICE))
    filled.interactions.add([replace(MINE[2], id="int_late")])
    assert any("a shadow of" in line for line in filled.verify())
    assert filled.erasure.orphans() == 1
    assert filled.verify() == []


def test_files_are_removed_on_the_record(filled: Store) -> None:
    """A blob that says something erased is found, packed or not; removed, it is missing on purpose, and only it."""
    dataset, other = filled.blobs.put_text(json.dumps({"text": SECRET})), filled.blobs.put_text("other words")
    filled.datasets.put(Dataset(id="dst_2", task="t", time=2.0, blob=dataset))
    filled.datasets.put(Dataset(id="dst_3", task="t", time=2.0, blob=other))
    assert filled.erasure.blobs_with([SECRET]) == [dataset]
    assert filled.erasure.blobs_with([SECRET], kept=[dataset]) == []
    assert filled.erasure.remove_blobs([dataset, dataset]) == 1
    assert filled.verify() == []
    assert filled.erasure.remove_blobs([dataset]) == 0
    filled.blobs.erase(other)
    assert [line for line in filled.verify() if other in line]

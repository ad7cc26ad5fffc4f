"""Rows that somebody wrote to behind the store's back are found on both databases, and no others are."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Table, text

from homeostat.errors import Tampered
from homeostat.store import Store, seals, tables
from homeostat.store.audit import breaks
from homeostat.store.rows import columns, plain
from homeostat.types.alert import Alert, Severity
from homeostat.types.dataset import Dataset
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release, Stage
from homeostat.types.turn import Turn
from homeostat.types.version import State, Version

ASKED = Interaction(id="int_1", task="t", time=1.0, text="it's \x00 \ud83d", reply="b", version="ver_1", config="c")
VERSION = Version(id="ver_1", task="t", time=1.0, base="builtin", labels=("a", "b"))


@pytest.fixture
def sound(store: Store) -> Store:
    """A store with rows of most kinds, some of them written twice."""
    store.configs.put("c", "{}")
    store.versions.put(VERSION)
    store.versions.set_state("ver_1", State.LIVE)
    store.versions.put(replace(VERSION, id="ver_2"))
    store.interactions.add([ASKED, replace(ASKED, id="int_2", latency_ms=float("nan"), embedding=b"\x01\x02")])
    store.feedback.add([Feedback(id="fbk_1", interaction="int_1", kind=FeedbackKind.LABEL, value="a", time=2.0)])
    store.datasets.put(Dataset(id="dst_1", task="t", time=3.0, blob=store.blobs.put_text("{}\n"), counts={"mixed": 1}))
    store.lineage.link("dst_1", "int_1", "learns")
    store.releases.put(Release(id="rel_1", task="t", time=4.0, stage=Stage.FULL, champion="ver_1"))
    store.aliases.set("t", "champion", "ver_1")
    store.state.put("k", {"a": 1})
    store.events.append("ver_1", "training", {"loss": 0.5})
    alert = Alert(id="alr_1", task="t", time=1.0, key="t", kind="drift", severity=Severity.WARNING, says="moved")
    store.alerts.tell([alert], lambda before, cause: (cause, ()))
    store.alerts.change("alr_1", lambda alert: (replace(alert, severity=Severity.CRITICAL, resolved=5.0), ()))
    assert store.verify() == []
    return store


def run(store: Store, *statements: str) -> None:
    with store._database.write() as connection:
        for statement in statements:
            connection.execute(text(statement))


BREAKS = {
    "interaction": "UPDATE interactions SET text = text || '.' WHERE id = 'int_2'",
    "confidence": "UPDATE interactions SET confidence = 0.9999 WHERE id = 'int_2'",
    "not a number": "UPDATE interactions SET latency_ms = 0.0 WHERE id = 'int_2'",
    "feedback": "UPDATE feedback SET value = 'b'",
    "version": "UPDATE versions SET body = replace(body, '\"b\"', '\"c\"')",
    "spaces": "UPDATE versions SET body = replace(body, ':', ': ')",
    "state of a version": "UPDATE versions SET body = replace(body, 'live', 'dead') WHERE id = 'ver_1'",
    "dataset": "UPDATE datasets SET body = replace(body, 'mixed', 'fixed')",
    "release": "UPDATE releases SET task = 'u'",
    "alert": "UPDATE alerts SET resolved = 6.0",
    "lineage": "UPDATE lineage SET relation = 'repeats' WHERE parent = 'int_1'",
    "alias": "UPDATE aliases SET version = 'ver_2'",
    "event": "UPDATE events SET \"values\" = replace(\"values\", '0.5', '0.4')",
    "detector": "UPDATE state SET value = replace(value, '1', '2')",
    "configuration": "UPDATE configs SET text = '{ }'",
    "seal": "UPDATE feedback SET seal = ''",
    "audit": "UPDATE audit SET who = 'nobody' WHERE seq = 2",
    "audit, one less": "DELETE FROM audit WHERE seq = 2",
    "audit, first gone": "DELETE FROM audit WHERE seq = 1",
    "audit, end gone": "DELETE FROM audit WHERE seq > 2",
    "noun gone": "DELETE FROM alerts",
    "alias gone": "DELETE FROM aliases",
}


@pytest.mark.parametrize("break_", BREAKS)
def test_each_is_found(sound: Store, break_: str) -> None:
    """A changed value in any table, a changed, missing or cut off entry, and a noun that is gone: each is told of."""
    run(sound, BREAKS[break_])
    assert sound.verify() != []


def test_a_new_seal_does_not_help(sound: Store) -> None:
    """Who changes a noun and seals it anew, or writes a new one, is given away by the audit log."""
    for forged in (replace(VERSION, state=State.LIVE, labels=("a", "z")), replace(VERSION, id="ver_9")):
        values = {"id": forged.id, "task": "t", "time": 1.0, "body": plain(forged)}
        with sound._database.write() as connection:
            connection.execute(tables.versions.delete().where(tables.versions.c.id == forged.id))
            connection.execute(
                tables.versions.insert().values(seals.sealed(tables.versions, values, connection.dialect))
            )
        assert f"{forged.id} is not as the audit log saw it written last" in sound.verify()


def test_a_row_is_named(sound: Store) -> None:
    """The message names the row that has changed, and no other."""
    run(sound, BREAKS["interaction"])
    assert sound.verify() == ["interactions int_2 has changed since it was written"]


def test_what_is_erased_can_be_told(sound: Store) -> None:
    """A noun that was removed and noted as removed is not missed; neither is a row of the log."""
    run(sound, "DELETE FROM alerts", "DELETE FROM interactions WHERE id = 'int_2'")
    run(sound, "DELETE FROM lineage WHERE child = 'alr_1'")
    sound.audit.note("alert erased", "alr_1", "")
    assert sound.verify() == []


def unsealed(store: Store) -> None:
    """Make the store one of the revision before seals."""
    run(store, "DROP TABLE audit", "DROP TABLE vectors", "UPDATE alembic_version SET version_num = '0002'")
    run(store, "ALTER TABLE interactions DROP COLUMN disagreement")
    run(store, *(f"ALTER TABLE {table.name} DROP COLUMN seal" for table in seals.SEALED if table is not tables.audit))


def test_old_databases_are_sealed_as_they_are(sound: Store, url: str) -> None:
    """A store from before has every row sealed and every noun in the log when it is opened, and loses nothing."""
    before = sound.versions.list(), sound.interactions.list("t"), sound.events.list("ver_1"), sound.alerts.list()
    seals_before = _seals(sound, tables.interactions)
    unsealed(sound)
    with Store.open(url, sound.blobs.root) as opened:
        assert opened.verify() == []
        after = opened.versions.list(), opened.interactions.list("t"), opened.events.list("ver_1"), opened.alerts.list()
        assert str(after) == str(before)  # as text, for not-a-number is not itself
        assert _seals(opened, tables.interactions) == seals_before
        assert {"version found", "alias found"} < {entry.what for entry in opened.audit.list()}
        opened.versions.set_state("ver_2", State.REFUSED)
        assert opened.verify() == []
        run(opened, BREAKS["feedback"])
        assert opened.verify() == ["feedback fbk_1 has changed since it was written"]


def _seals(store: Store, table: Table) -> dict[str, str]:
    with store._database.read() as connection:
        return {row["id"]: row["seal"] for row in seals.raw_rows(connection, table)}


def test_a_large_old_log_is_sealed_in_parts(store: Store, url: str) -> None:
    """More rows than are sealed at once are all sealed."""
    store.interactions.add(replace(ASKED, id=f"int_{k}", version="", config="") for k in range(2_100))
    store.lineage.link_all((f"int_{k % 3}", f"int_{k}", "learns") for k in range(1_100))
    unsealed(store)
    with Store.open(url, store.blobs.root) as opened:
        assert opened.verify() == []
        assert len(_seals(opened, tables.interactions)) == 2_100


WRITER = """
import sys
from homeostat.store import Store
from homeostat.types.turn import Turn
url, blobs, name = sys.argv[1:]
with Store.open(url, blobs) as store:
    store.sign_as(name)
    for number in range(25):
        store.turns.put(Turn(id=f"trn_{name}{number}", task="t", time=number))
        store.turns.change("trn_both", lambda turn: Turn(id=turn.id, task="t", time=turn.time + 1))
        store.aliases.set("t", name, f"ver_{number}")
"""


def test_processes_share_one_chain(url: str, tmp_path: Path) -> None:
    """Two processes that write nouns at once leave one chain in which each has its place, and none waits for ever."""
    with Store.open(url, tmp_path / "blobs") as store:
        store.versions.put(VERSION)
        store.turns.put(_turn())
        command = [sys.executable, "-c", WRITER, url, str(tmp_path / "blobs")]
        running = [subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True) for name in "ab"]
        assert [(process.communicate(timeout=120)[1], process.returncode) for process in running] == [("", 0)] * 2
        entries = store.audit.list()
        assert store.turns.get("trn_both").time == 50.0
        assert len(entries) == 2 + 2 * 3 * 25
        with store._database.read() as connection:
            assert list(breaks(seals.raw_rows(connection, tables.audit))) == []
            assert list(seals.changed_rows(connection, tables.turns)) == []


def _turn() -> Turn:
    return Turn(id="trn_both", task="t", time=0.0)


def test_seals_cover_whole_nouns() -> None:
    """What a log row's seal covers is what its noun has, so that none is forgotten when a field is added."""
    assert seals.covered(tables.interactions) == list(columns(ASKED))


def test_damage_has_a_name(tmp_path: Path) -> None:
    """A file so damaged that it cannot be read is told of as damaged, and not by a failure of ours."""
    url = f"sqlite:///{tmp_path}/s.db"
    with Store.open(url, tmp_path / "blobs") as store:
        store.interactions.add([ASKED])
    content = bytearray((tmp_path / "s.db").read_bytes())
    content[100:108] = b"\xff" * 8  # the head of the page with the names of all tables
    (tmp_path / "s.db").write_bytes(bytes(content))
    with pytest.raises(Tampered, match="damaged"):
        Store.open(url, tmp_path / "blobs")

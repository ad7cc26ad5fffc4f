"""Verification is silent about a sound store and names each thing that is wrong with another."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from homeostat.store import Store
from homeostat.store.database import Database
from homeostat.types.dataset import Dataset
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.report import Outcome, Verdict
from homeostat.types.version import Version

ASKED = Interaction(id="int_1", task="t", time=1.0, text="a", reply="b", version="ver_1", config="abc")
SAID = Feedback(id="fbk_1", interaction="int_1", kind=FeedbackKind.LABEL, value="c", time=2.0)
VERSION = Version(id="ver_1", task="t", time=1.0, base="builtin")
DATASET = Dataset(id="dst_1", task="t", time=3.0, blob="", counts={"selected": 9, "mixed": 2})
VERDICT = Verdict(id="vdt_1", task="t", time=1.0, report="", candidate="ver_1", outcome=Outcome.PASS, because="")


@pytest.fixture
def sound(store: Store, tmp_path: Path) -> Store:
    """A store with one of everything that verification looks at."""
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "weights").write_bytes(b"weights")
    folder = store.blobs.put_folder(tmp_path / "adapter")
    store.configs.put("abc", "{}")
    store.versions.put(VERSION)
    store.interactions.add([ASKED, replace(ASKED, id="int_2", role=Role.SHADOW, of="int_1")])
    store.feedback.add([SAID])
    store.datasets.put(replace(DATASET, blob=store.blobs.put_text("{}\n{}\n")))
    store.lineage.link("dst_1", "int_1", "example")
    store.versions.put(Version(id="ver_2", task="t", time=4.0, base="b", blob=folder, dataset="dst_1", parent="ver_1"))
    store.aliases.set("t", "champion", "ver_1")
    store.verdicts.put(replace(VERDICT, artifact=folder))
    return store


def test_sound_store(sound: Store) -> None:
    """A store in which everything points at something has no problems; neither has an empty one."""
    assert sound.verify() == []


def test_empty_store(store: Store) -> None:
    """Neither has a store without a row."""
    assert store.verify() == []


BREAKS: dict[str, tuple[Callable[[Store], object], str]] = {
    "version": (lambda s: s.interactions.add([replace(ASKED, id="int_9", version="ver_9")]), "answered by 'ver_9'"),
    "config": (lambda s: s.interactions.add([replace(ASKED, id="int_9", config="d")]), "under configuration 'd'"),
    "shadow": (lambda s: s.interactions.add([replace(ASKED, id="int_9", of="int_8")]), "a shadow of 'int_8'"),
    "no primary": (lambda s: s.interactions.add([replace(ASKED, id="int_9", role=Role.SHADOW)]), "'int_9' is a shadow"),
    "alias": (lambda s: s.aliases.set("t", "champion", "ver_9"), "an alias of 'ver_9'"),
    "parent": (lambda s: s.lineage.link("dst_1", "int_9", "example"), "lineage to 'int_9'"),
    "child": (lambda s: s.lineage.link("dst_9", "int_1", "example"), "lineage from 'dst_9'"),
    "field": (lambda s: s.versions.put(replace(VERSION, id="ver_9", dataset="dst_9")), "dataset 'dst_9'"),
    "report": (lambda s: s.verdicts.put(replace(VERDICT, report="rep_9")), "vdt_1 names report 'rep_9'"),
    "blob": (lambda s: s.versions.put(replace(VERSION, id="ver_9", blob="f" * 64)), "ver_9 names blob ffff"),
    "count": (
        lambda s: s.datasets.put(replace(DATASET, id="dst_9", blob=s.blobs.put_text("{}\n"))),
        "dst_9 counts 2 examples but holds 1",
    ),
}


@pytest.mark.parametrize("break_", BREAKS)
def test_each_break_is_named(sound: Store, break_: str) -> None:
    """Each reference to nothing and each count that does not add up is told with the id it is about."""
    act, said = BREAKS[break_]
    act(sound)
    assert any(said in problem for problem in sound.verify()), sound.verify()


def test_damaged_files(sound: Store) -> None:
    """A blob that was changed and a file of a folder that was removed are both told of."""
    (weights,) = sound.blobs.files(sound.versions.get("ver_2").blob).values()
    sound.blobs.path(weights).unlink()
    dataset = sound.datasets.get("dst_1").blob
    sound.blobs.path(dataset).write_bytes(b"{}\n[]\n")
    problems = sound.verify()
    assert f"ver_2 needs file weights, whose blob {weights} is not there" in problems
    assert f"blob {dataset} has changed since it was stored" in problems


def test_damaged_database(tmp_path: Path) -> None:
    """Damage inside SQLite's file is found: here an index that lost a row."""
    url = f"sqlite:///{tmp_path}/store.db"
    with Store.open(url, tmp_path / "blobs") as store:
        store.interactions.add([replace(ASKED, version="", config="")])
        store.feedback.add([SAID])
    database = Database(url)
    with database.write() as connection:
        connection.execute(text("PRAGMA writable_schema=ON"))
        connection.execute(text("UPDATE sqlite_master SET rootpage = 2 WHERE name = 'ix_feedback_time'"))
    database.close()
    with Store.open(url, tmp_path / "blobs") as store:
        assert any("the database file is damaged" in problem for problem in store.verify())

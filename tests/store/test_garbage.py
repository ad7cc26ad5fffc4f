"""What is removed was pointed to by nothing; what is in doubt stays."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from homeostat.store import Store
from homeostat.store.garbage import YOUNG_S
from homeostat.types.dataset import Dataset
from homeostat.types.interaction import Interaction
from homeostat.types.report import Outcome, Verdict
from homeostat.types.turn import Turn
from homeostat.types.version import Version


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/s.db", tmp_path / "blobs") as opened:
        yield opened


def aged(store: Store) -> None:
    """Make every blob old enough to go."""
    then = time.time() - YOUNG_S - 60.0
    for path in (store.blobs.root / "files").glob("*/*"):
        os.utime(path, (then, then))


POINTERS: dict[str, Callable[[Store, str], object]] = {
    "dataset": lambda s, h: s.datasets.put(Dataset(id="dst_1", task="t", time=1.0, blob=h)),
    "version": lambda s, h: s.versions.put(Version(id="ver_1", task="t", time=1.0, base="b", blob=h)),
    "verdict": lambda s, h: s.verdicts.put(
        Verdict(id="vdt_1", task="t", time=1.0, report="", candidate="", outcome=Outcome.PASS, because="", artifact=h)
    ),
    "test rows": lambda s, h: s.state.put("suite:t", h),
    "deep in a state": lambda s, h: s.state.put("k", {"a": [{"blob": h, "hidden": 3}]}),
    "event": lambda s, h: s.events.append("ver_1", "kept", {"blob": h}),
    "audit": lambda s, h: s.audit.note("card", "ver_1", h),
    "a sentence": lambda s, h: s.turns.put(Turn(id="trn_1", task="t", time=1.0, because=f"it left {h}.")),
}


@pytest.mark.parametrize("pointer", POINTERS)
def test_what_anything_points_to_stays(store: Store, pointer: str, tmp_path: Path) -> None:
    """Wherever a hash stands, its blob stays, with the files of a folder; what nothing names goes, and is noted."""
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "weights").write_bytes(b"w")
    hash, lost = store.blobs.put_folder(tmp_path / "folder"), store.blobs.put_text("nobody wants this")
    POINTERS[pointer](store, hash)
    aged(store)
    told = store.collect_garbage(dry_run=True)
    assert (told.blobs, told.bytes, told.kept) == ((lost,), 17, 2)
    assert store.blobs.text(lost)
    done = store.collect_garbage(dry_run=False)
    assert done == told
    assert set(store.blobs.hashes()) == {hash, *store.blobs.files(hash).values()}
    assert store.audit.list()[-1].what == "garbage, 1 blobs"
    assert store.collect_garbage(dry_run=False).blobs == ()


def test_what_users_write_keeps_nothing_alive(store: Store) -> None:
    """A hash in a request is a text and no pointer."""
    lost = store.blobs.put_text("x")
    store.interactions.add([Interaction(id="int_1", task="t", time=1.0, text=lost, reply="", version="")])
    aged(store)
    assert store.collect_garbage(dry_run=False).blobs == (lost,)


def test_what_is_young_stays(store: Store) -> None:
    """A blob whose row may be about to be written stays; so does an old one that was just stored again."""
    young = store.blobs.put_text("young")
    assert store.collect_garbage(dry_run=False).blobs == ()
    aged(store)
    store.blobs.put_text("young")
    assert store.collect_garbage(dry_run=False).blobs == ()
    aged(store)
    assert store.collect_garbage(dry_run=False).blobs == (young,)


def test_copies_go_with_their_folders(store: Store, tmp_path: Path) -> None:
    """A laid out folder of nobody goes; one that is wanted stays, and can be loaded as before."""
    for name in ("wanted", "lost"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_text(name)
    wanted, lost = (store.blobs.put_folder(tmp_path / name) for name in ("wanted", "lost"))
    store.versions.put(Version(id="ver_1", task="t", time=1.0, base="b", blob=wanted))
    places = [store.blobs.folder(hash) for hash in (wanted, lost)]
    aged(store)
    assert store.collect_garbage(dry_run=False).folders == (lost,)
    assert [place.exists() for place in places] == [True, False]
    assert (store.blobs.folder(wanted) / "weights").read_text() == "wanted"
    assert list((store.blobs.root / "unfinished").iterdir()) == []
    assert store.verify() == []

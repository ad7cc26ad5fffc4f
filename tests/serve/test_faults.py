"""Whose fault a failure is: the version's, unless the request or our own closing is to blame."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.collect.record import Asked
from homeostat.collect.writer import Writer
from homeostat.config.schema import Release as Settings
from homeostat.errors import BadRequest, StoreFull
from homeostat.release.guard import gather
from homeostat.serve.batch import GivenUp
from homeostat.serve.faults import note_fault, note_unanswered
from homeostat.serve.routes import Pick
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.task import Task
from keywords import add_version, release


@pytest.mark.parametrize(
    ("stage", "problem", "errors"),
    [
        (Stage.SHADOW, ValueError("no"), 1),
        (Stage.CANARY, MemoryError("no"), 1),
        (Stage.FULL, ValueError("no"), 0),
        (Stage.SHADOW, BadRequest("too long"), 0),
        (Stage.SHADOW, GivenUp("closed"), 0),
    ],
)
def test_a_failure_counts_where_the_version_is_to_blame(
    store: Store, tmp_path: Path, stage: Stage, problem: Exception, errors: int
) -> None:
    """Only while the candidate is tried, and not for what a client or our own shutdown did; twice is once."""
    old, new = add_version(store, tmp_path, a="x"), add_version(store, tmp_path, a="x")
    row = release(store, stage, old, new, share=0.5)
    pick = Pick(version=new.id, probability=0.5, release=row)
    for _ in range(2):
        note_fault(store, pick, new.id, "int_1", problem)
    assert gather(store, row, Settings()).errors == errors


def test_a_store_that_refuses_troubles_nobody(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is logged, not raised: the caller still has a reply to pass on."""

    def full(*row: object) -> None:
        raise StoreFull("the disk is full")

    old, new = add_version(store, tmp_path, a="x"), add_version(store, tmp_path, a="x")
    row = release(store, Stage.SHADOW, old, new)
    monkeypatch.setattr(store.events, "append", full)
    note_fault(store, Pick(version=new.id, probability=1.0, release=row), new.id, "int_1", ValueError("no"))
    assert "was not written down" in caplog.text


def test_a_writer_that_is_closed_troubles_nobody(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Who waits for a reply gets the error that there was, and no other."""
    writer = Writer(store)
    writer.close()
    asked = Asked(id="int_1", task=Task(name="routing"), time=1.0, text="hello")
    note_unanswered(writer, Pick(version="ver_1", probability=1.0, release=None), asked, 3.0)
    assert "was not written down" in caplog.text

"""Copies for a release: who is asked again, and that a copy which cannot be made troubles nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.config.schema import Release as Settings
from homeostat.release.guard import gather
from homeostat.serve.answer import Answerer, Options
from homeostat.serve.copies import other_version
from homeostat.serve.routes import Pick
from homeostat.store import Store
from homeostat.types.release import Release, Stage
from keywords import KeywordBackend, add_version, configured, release


def picked(version: str, stage: Stage, candidate: str = "new") -> Pick:
    row = Release(id="rel_1", task="t", time=0.0, stage=stage, champion="old", candidate=candidate, share=0.5)
    return Pick(version=version, probability=0.5, release=row)


@pytest.mark.parametrize(
    ("pick", "other"),
    [
        (picked("old", Stage.SHADOW), "new"),
        (picked("third", Stage.SHADOW), ""),
        (picked("new", Stage.CANARY), "old"),
        (picked("old", Stage.CANARY), "new"),
        (picked("old", Stage.FULL), ""),
        (picked("new", Stage.FULL), ""),
        (picked("old", Stage.ROLLBACK), ""),
        (picked("old", Stage.SHADOW, candidate=""), ""),
        (Pick(version="old", probability=1.0, release=None), ""),
    ],
)
def test_a_release_wants_each_question_answered_by_both_sides_once(pick: Pick, other: str) -> None:
    """In shadow and canary whichever of the two did not answer the user is asked too, else nobody."""
    assert other_version(pick) == other


def test_a_candidate_that_fails_fails_alone(store: Store, tmp_path: Path) -> None:
    """Its copies are counted as failed and leave no row; users are answered as if it were not there."""
    old, new = add_version(store, tmp_path, "replies", phrase="Dear"), add_version(store, tmp_path, "replies", odd="x")
    answerer = Answerer(KeywordBackend(), store, configured())
    row = release(store, Stage.SHADOW, old, new)
    answerer.routes.refresh()
    for k in range(10):
        assert answerer.answer("replies", [{"role": "user", "content": f"{k}"}]).reply == f"Dear {k}"
    assert answerer.settle(5)
    assert answerer.copies.counts == {"open": 0, "stored": 0, "failed": 10, "turned_away": 0}
    assert store.interactions.shadows("replies", new.id) == []
    seen = gather(store, row, Settings())
    assert (seen.pairs, seen.errors, seen.judged) == (10, 10, 0)
    answerer.close()


def test_copies_that_nobody_had_time_for_are_given_up_at_the_end(store: Store, tmp_path: Path) -> None:
    """Closing does not wait for them, and counts them; their versions are owed nothing any more."""
    old, new = add_version(store, tmp_path, old="x"), add_version(store, tmp_path, new="x")
    answerer = Answerer(KeywordBackend(seconds_per_batch=0.05), store, configured())
    release(store, Stage.SHADOW, old, new)
    answerer.routes.refresh()
    waiting = [answerer.ask("routing", [{"role": "user", "content": f"{k}"}], Options()) for k in range(20)]
    answered = [future.result(5) for future in waiting]
    for one in answered:
        answerer.copy(one)
    answerer.close()
    counts = answerer.copies.counts
    assert counts["open"] == 0
    assert counts["failed"] > 0
    assert counts["failed"] + counts["stored"] == 20
    assert len(store.interactions.shadows("routing", new.id)) == counts["stored"]

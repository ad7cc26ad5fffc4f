"""Acting on a copy of the rows."""

from __future__ import annotations

import pytest

from cli.scenes import champion, version
from homeostat.cli.rehearsal import Change, carry_out, tell
from homeostat.release.registry import promote
from homeostat.store import Store
from homeostat.types.release import Release


def act(store: Store) -> Release:
    """Promote the new one."""
    return promote(store, "routing", "ver_new", "because", now=2.0)


def test_a_rehearsal_gives_the_row_that_the_real_thing_writes(store: Store) -> None:
    """The same release, the same changes; only the store that is acted on differs."""
    champion(store, "old")
    version(store, "new")
    rehearsed = carry_out(store, "routing", act, dry_run=True)
    assert len(store.releases.list()) == 1
    done = carry_out(store, "routing", act, dry_run=False)
    assert rehearsed.release == done.release
    assert rehearsed.changes == done.changes
    assert store.releases.current("routing") == done.release


def test_everything_that_changes_is_named_and_nothing_else(store: Store) -> None:
    """Who answers, the states of both versions; not the stage, which was full and is full."""
    champion(store, "old")
    version(store, "new")
    version(store, "other")
    assert set(carry_out(store, "routing", act, dry_run=True).changes) == {
        Change(what="answers", before="ver_old", after="ver_new"),
        Change(what="ver_old", before="live", after="retired"),
        Change(what="ver_new", before="candidate", after="live"),
    }


def test_a_first_champion_comes_from_nothing(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """What was not there before is printed as a dash."""
    version(store, "new")
    outcome = carry_out(store, "routing", act, dry_run=True)
    assert Change(what="stage", before="", after="full") in outcome.changes
    tell(outcome, as_json=False)
    out = capsys.readouterr().out
    assert out.startswith("would change")
    assert "–" in out

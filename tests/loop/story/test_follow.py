"""The follower tells what the worker's rows say: each thing once, where it happened, and what a release waits for."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from homeostat.config.schema import Release
from homeostat.loop.story import follow
from homeostat.loop.story.follow import Follower
from homeostat.loop.story.scene import Scene
from homeostat.release.registry import promote, rollback
from homeostat.release.rollout import open_canary, open_shadow
from homeostat.release.split import Wish, open_split
from homeostat.release.states import hold
from homeostat.store import Store
from homeostat.types.signal import Moved, Signal
from homeostat.types.version import Version


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a champion and two candidates."""
    with Store.open(f"sqlite:///{tmp_path / 'homeostat.db'}", tmp_path / "blobs") as opened:
        for name in ("old", "new", "newer"):
            opened.versions.put(Version(id=f"ver_{name}", task="routing", time=0.0, base="builtin", kind="base"))
        promote(opened, "routing", "ver_old", "for a test", now=0.0)
        yield opened


@pytest.fixture
def follower(store: Store) -> Follower:
    """One that writes where it can be read, and has told of the first release."""
    made = Follower(store, "routing", Scene(Console(file=io.StringIO(), width=200)))
    made.look()
    return made


def said(follower: Follower) -> str:
    """What it has told so far."""
    out = follower.scene.console.file
    assert isinstance(out, io.StringIO)
    return out.getvalue()


def test_a_signal_is_told_once_and_with_its_slice(follower: Follower, store: Store) -> None:
    """What moved, in which slice if in one, and after how many labels."""
    whole = {"task": "routing", "time": 9.0, "detector": "loss", "statistic": 6e5, "threshold": 5e5}
    store.signals.put(Signal(id="sig_1", moved=Moved.PERFORMANCE, slice="reply=refund", n=120, **whole))
    store.signals.put(Signal(id="sig_2", moved=Moved.NOVELTY, n=300, **whole))
    follower.look()
    follower.look()
    assert said(follower).count("performance in reply=refund: loss 600,000 ≥ 500,000 after 120 labeled replies") == 1
    assert said(follower).count("novelty: loss 600,000 ≥ 500,000 after 300 requests") == 1


def test_what_a_release_waits_for(follower: Follower, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Traffic in shadow, judged pairs in the canary; nothing while nobody is tried, and nothing twice."""
    monkeypatch.setattr(follow, "PATIENCE_S", -1.0)
    follower._due = 0.0
    follower.look_at_release(Release())
    assert "waiting" not in said(follower)
    shadow = open_shadow(store, "routing", "ver_new", now=1.0)
    store.state.put(f"guard:{shadow.id}", {"pairs": 12, "judged": 3})
    follower.look_at_release(Release(shadow_pairs=60))
    follower.look_at_release(Release(shadow_pairs=60))
    assert said(follower).count("both versions have answered 12 of 60 requests") == 1


def test_a_canary_waits_for_feedback(follower: Follower, store: Store) -> None:
    """Before the guard has looked, nothing is judged; and it is not said at once."""
    open_canary(store, "routing", "ver_newer", Release(), "for a test", now=1.0)
    follower.look_at_release(Release(canary_feedback=40))
    assert "waiting" not in said(follower)
    follower._due = 0.0
    follower.look_at_release(Release(canary_feedback=40))
    assert "for feedback on the canary: 0 of 40 requests or more are judged" in said(follower)


def test_quiet_hours_and_a_split_are_waited_for_too(follower: Follower, store: Store) -> None:
    """Until when a release is held that could go on; and what tells how a split stands."""
    canary = open_canary(store, "routing", "ver_newer", Release(), "for a test", now=1.0)
    hold(store, canary, 4e9)
    follower._due = 0.0
    follower.look_at_release(Release())
    assert "for the end of quiet hours, 2096-10-02 07:06 UTC" in said(follower)
    rollback(store, "routing", "by hand", now=2.0)
    open_split(store, "routing", Wish(versions=("ver_new",), share=0.25), under="trn_1", now=3.0)
    follower.look()
    assert "split 25% of traffic: ver_new answer" in said(follower)
    follower._due = 0.0
    follower.look_at_release(Release())
    assert "`homeostat split show` tells how it stands" in said(follower)


def test_nobody_waits_for_a_candidate_that_was_taken_back(follower: Follower, store: Store) -> None:
    """Its release stays the newest, and names it, but there is nothing left to wait for."""
    open_canary(store, "routing", "ver_newer", Release(), "for a test", now=1.0)
    rollback(store, "routing", "by hand", now=2.0)
    follower._due = 0.0
    follower.look_at_release(Release())
    assert "waiting" not in said(follower)

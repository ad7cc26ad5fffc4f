"""The worker names what moved once enough requests have followed a change, from the rows of the version alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.loop.naming import name_moves
from homeostat.monitor.naming.name import state_key
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.signal import Moved, Signal
from homeostat.types.version import Version

START, ONSET = 1_700_000_000.0, 1_700_000_000.0 + 500.0
WORDS = "parcel invoice refund account courier password order shop address voucher size color"
NOUNS = WORDS.split()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with a version, 500 requests before a change, and the signal of an alarm 20 requests after it."""
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "blobs") as opened:
        opened.versions.put(Version(id="ver_a", task="t", time=START, base="builtin", kind="base"))
        opened.interactions.add([row(k) for k in range(500)])
        opened.signals.put(signal())
        yield opened


def row(k: int, version: str = "ver_a") -> Interaction:
    """A request a second; from the 500th on every third is answered by another model, which is less sure."""
    text = f"my {NOUNS[k % 12]} and the {NOUNS[k * 7 % 11]} {'really ' * (k % 5)}please {k % 97}"
    other = k >= 500 and k % 3 == 0
    return Interaction(
        id=f"int_{version}_{k:05}",
        task="t",
        time=START + k,
        text=text,
        reply=NOUNS[k % 3],
        version=version,
        confidence=(0.5 if other else 0.9) + (k * 37 % 101) / 1_010,
        tags={"upstream": "m2" if other else "m1"},
    )


def signal(**more: object) -> Signal:
    fields = {"id": "sig_a", "task": "t", "time": ONSET + 20, "moved": Moved.NOVELTY, "detector": "shiryaev_roberts"}
    return Signal(**{**fields, "statistic": 1e6, "threshold": 5e5, "n": 520, "since": ONSET, **more})  # type: ignore[arg-type]


def test_it_says_how_many_requests_are_missing_and_then_what_moved(store: Store) -> None:
    """Kept with the signal: too early at 120 requests, named at 300, looked at again at 600 and not in between."""
    store.interactions.add([row(k) for k in range(500, 620)])
    name_moves(store, "t", "ver_a")
    kept = store.state.get(state_key("sig_a"))
    assert (kept["n"], kept["looked"], kept["slices"]) == (120, 0, [])
    assert kept["says"].startswith("Too early")

    store.interactions.add([row(k) for k in range(620, 810)])
    name_moves(store, "t", "ver_a")
    kept = store.state.get(state_key("sig_a"))
    assert (kept["n"], kept["looked"]) == (310, 1)
    assert kept["slices"][0]["name"] == "upstream=m2"
    assert abs(kept["since"] - ONSET) < 20

    store.interactions.add([row(k) for k in range(810, 900)])
    name_moves(store, "t", "ver_a")
    assert store.state.get(state_key("sig_a")) == kept
    store.interactions.add([row(k) for k in range(900, 1_100)])
    name_moves(store, "t", "ver_a")
    assert store.state.get(state_key("sig_a"))["looked"] == 2


def test_other_versions_and_older_signals_are_none_of_its_business(store: Store) -> None:
    """Requests that another version answered do not count, and a change from before the version is not followed."""
    store.interactions.add([row(k, "ver_b") for k in range(500, 900)])
    store.signals.put(signal(id="sig_old", since=START - 100.0))
    store.signals.put(signal(id="sig_none", since=0.0))
    name_moves(store, "t", "ver_a")
    assert store.state.get(state_key("sig_a"))["n"] == 0
    assert store.state.get(state_key("sig_old")) is None
    assert store.state.get(state_key("sig_none")) is None


def test_labels_tell_whether_right_answers_have_changed(store: Store) -> None:
    """Every request labeled, all replies right before and half of them since: the sentence says concept drift."""
    rows = [row(k) for k in range(810)]
    store.interactions.add([replace(one, confidence=0.9 + k * 37 % 101 / 1_010) for k, one in enumerate(rows[500:])])
    store.feedback.add(
        Feedback(
            id=f"fbk_{k}",
            interaction=one.id,
            kind=FeedbackKind.LABEL,
            value="other" if k >= 500 and k % 2 else one.reply,
            time=one.time + 0.5,
        )
        for k, one in enumerate(rows)
    )
    name_moves(store, "t", "ver_a")
    assert "concept drift" in store.state.get(state_key("sig_a"))["kind"]

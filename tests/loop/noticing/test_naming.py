"""The worker names what moved once enough requests have followed a change, from the rows of the version alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.loop.noticing.naming import name_moves
from homeostat.monitor.naming.name import state_key
from homeostat.monitor.seasons import DAY_S
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.signal import Moved, Signal
from homeostat.types.version import Version

START, ONSET = 1_700_000_000.0, 1_700_000_000.0 + 500.0
WORDS = "parcel invoice refund account courier password order shop address voucher size color"
NOUNS = WORDS.split()
MIDNIGHT, EVENING_S = 1_700_006_400.0, 72_000.0


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


def nightly(time: float, *, moved: bool = False) -> Interaction:
    """From eight in the evening on six requests in ten come from the app and are less sure, by day one in ten; where it
    has moved, a quarter is answered by another model, which is less sure still.
    """
    k = round((time - MIDNIGHT) / 30.0)
    app = k * 7919 % 1_000 < (600 if time % DAY_S >= EVENING_S else 100)
    other = moved and k * 104_729 % 4 == 0
    return replace(
        row(k),
        id=f"int_{k:05}",
        time=time,
        confidence=(0.45 if other else 0.75 if app else 0.9) + (k * 37 % 101) / 1_010,
        tags={"channel": "app" if app else "web", "upstream": "m2" if other else "m1"},
    )


@pytest.mark.slow
def test_where_hours_are_told_apart_the_night_is_no_move(store: Store) -> None:
    """A change at eight in the evening of the fourth day: beside the hours before, the app is certain to have moved and
    comes first; beside earlier evenings what really has.
    """
    since = MIDNIGHT + 3 * DAY_S + EVENING_S
    evenings = [MIDNIGHT + day * DAY_S + EVENING_S + 30.0 * k for day in range(3) for k in range(480)]
    today = [since - 30.0 * k for k in range(2_400, 0, -1)]
    store.interactions.add([nightly(time) for time in (*evenings, *today)])
    store.interactions.add([nightly(since + 30.0 * k, moved=True) for k in range(310)])
    named = {}
    for hours, id in ((1, "sig_b"), (24, "sig_c")):
        store.signals.put(signal(id=id, since=since, time=since + 600.0))
        name_moves(store, "t", "ver_a", 0, hours)
        named[hours] = store.state.get(state_key(id))["slices"]
    assert [one["sure"] for one in named[1] if one["name"] == "channel=app"] == [True]
    assert (named[1][0]["name"], named[24][0]["name"]) == ("channel=app", "upstream=m2")
    assert all(abs(one["after"] - one["before"]) < 0.1 for one in named[24] if one["name"].startswith("channel=a"))


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

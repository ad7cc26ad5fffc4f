"""Quality of replies from the command line, where few are labeled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.errors import BadRequest, NotFound, NothingReleased, UnknownPlugin
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction


def traffic(store: Store, by: str, n: int = 600, *, labeled: float = 0.3, worse: float = 0.0) -> float:
    """Requests that a version answered as surely as it was right, and labels for some; the share that was right."""
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.4, 1.0, n)
    right = rng.random(n) < sure - np.where(np.arange(n) >= n // 2, worse, 0.0)
    rows = [
        Interaction(
            id=f"int_{by}{k:05}",
            task="routing",
            time=START + k,
            text=f"request {k}",
            reply="refund",
            version=by,
            confidence=float(sure[k]),
            tags={"channel": "mobile" if k % 3 == 0 else "web"},
        )
        for k in range(n)
    ]
    store.interactions.add(rows)
    said = [
        Feedback(
            id=f"fbk_{by}{k:05}",
            interaction=rows[k].id,
            kind=FeedbackKind.LABEL,
            value="refund" if right[k] else "delivery",
            time=START + 1000 + k,
        )
        for k in np.flatnonzero(rng.random(n) < labeled)
    ]
    store.feedback.add(said)
    return float(right.mean())


def test_three_ways_to_tell_it(homeostat: Run, shop: Path, store: Store) -> None:
    """By labels, by labels and confidence, and without labels; the last once there are labels to calibrate on."""
    truth = traffic(store, champion(store, "first").id)
    found = homeostat("quality", "--config", shop, "--window", 200, "--json").json
    windows = found["windows"]
    assert found["version"] == "ver_first"
    assert [w["requests"] for w in windows] == [200, 200, 200]
    assert windows[0]["estimated"] is None
    for window in windows[1:]:
        assert window["estimated"]["low"] - 0.05 <= truth <= window["estimated"]["high"] + 0.05
        assert window["measured"]["n"] == window["powered"]["n"] == window["labels"]
    shown = homeostat("quality", "routing", "--config", shop, "--window", 200)
    helped, alone = windows[-1]["fine"]
    assert helped <= alone
    assert f"about {helped:,} labels a window with confidence, {alone:,} without" in shown.out
    assert "0 of 50 labels to calibrate confidence on" in shown.out
    assert "%" in shown.out


def test_what_labels_contradict_is_not_estimated(homeostat: Run, shop: Path, store: Store) -> None:
    """Where the same confidence has come to mean less, the table says what the labels say."""
    traffic(store, champion(store, "first").id, worse=0.4)
    windows = homeostat("quality", "--config", shop, "--window", 300, "--json").json["windows"]
    assert windows[1]["estimated"] is None
    assert "it no longer means that" in windows[1]["because"]


def test_slice_by_slice(homeostat: Run, shop: Path, store: Store) -> None:
    """By a tag, the worst first, with all requests in one slice or the other; and the windows of one slice alone."""
    traffic(store, champion(store, "first").id)
    parts = homeostat("quality", "--config", shop, "--by", "channel", "--json").json["parts"]
    assert {part["value"]: part["window"]["requests"] for part in parts} == {"mobile": 200, "web": 400}
    assert all(part["window"]["estimated"] for part in parts)
    shown = homeostat("quality", "--config", shop, "--by", "channel").out
    assert shown.index(parts[0]["value"]) < shown.index(parts[1]["value"])
    mobile = ("quality", "--config", shop, "--by", "channel=mobile")
    only = homeostat(*mobile, "--window", 100, "--json").json["windows"]
    assert [window["requests"] for window in only] == [100, 100]
    assert "channel=mobile" in homeostat(*mobile).out


def test_a_version_that_does_not_answer_any_more(homeostat: Run, shop: Path, store: Store) -> None:
    """Another version is looked at by its id; windows are of its own requests alone."""
    champion(store, "first")
    traffic(store, version(store, "old").id, n=120)
    assert homeostat("quality", "--config", shop, "--json").json["windows"] == []
    windows = homeostat("quality", "--config", shop, "--version", "ver_old", "--json").json["windows"]
    assert sum(w["requests"] for w in windows) == 120


def test_objectives_stand_below(homeostat: Run, shop: Path, store: Store) -> None:
    """Of the version that answers now, in words and in the document."""
    traffic(store, champion(store, "first").id)
    shop.write_text(
        shop.read_text().replace("kind: label", "kind: label, objectives: {accuracy: {at_least: 0.99, over: 9000d}}")
    )
    (one,) = homeostat("quality", "--config", shop, "--json").json["objectives"]
    assert (one["name"], one["course"], one["target"]) == ("accuracy", "missed", 0.99)
    assert one["now"]["high"] < 0.99
    assert "at least 0.990 is wanted: missed" in homeostat("quality", "--config", shop).out


def test_what_is_refused(homeostat: Run, shop: Path, store: Store) -> None:
    """A version or a tag that there is not, a slice that is none, and a task that nobody answers yet."""
    assert homeostat("quality", "--config", shop).code == NothingReleased.exit
    champion(store, "first")
    assert homeostat("quality", "--config", shop, "--version", "ver_frist").code == NotFound.exit
    traffic(store, "ver_first", n=20)
    assert homeostat("quality", "--config", shop, "--by", "chanel").code == UnknownPlugin.exit
    assert homeostat("quality", "--config", shop, "--by", "channel=").code == BadRequest.exit

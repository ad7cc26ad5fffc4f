"""Looking at how far the traffic has moved."""

from __future__ import annotations

import signal
import threading
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from cli.conftest import Run
from cli.scenes import START, champion, request
from homeostat.config.schema import Monitor
from homeostat.errors import NothingReleased
from homeostat.loop.noticing.embedding import AWAY
from homeostat.monitor.naming.name import Naming, Topic, state_key
from homeostat.monitor.naming.shares import shares_key
from homeostat.monitor.watch import Watcher
from homeostat.store import Store
from homeostat.store.vectors import InForce
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.signal import Moved, Signal


def moved(store: Store, name: str = "a") -> Signal:
    """A signal in the store."""
    made = Signal(
        id=f"sig_{name}",
        task="routing",
        time=START,
        moved=Moved.NOVELTY,
        detector="shiryaev_roberts",
        statistic=812_345.0,
        threshold=500_000.0,
        n=1_234,
    )
    store.signals.put(made)
    return made


def test_the_statistic_beside_its_threshold(homeostat: Run, shop: Path, store: Store) -> None:
    """Per channel and together, now and at its highest, with the signals under it."""
    first = champion(store, "first")
    store.state.put(f"trace:{first.id}", [[START, 1.0, 2.0], [START + 1, 4.0, 6.0], [START + 2, 3.0, 3.0]])
    moved(store)
    ran = homeostat("watch", "--config", shop)
    assert ran.code == 0
    rows = {line.split()[0]: line for line in ran.out.splitlines() if line.strip()}
    assert "1,000" in rows["confidence"]
    assert "10,000" in rows["confidence"]
    assert "1,000,000" in rows["neighbors"]
    assert "505,000" in rows["together"]  # the mean of ten thousand and a million
    assert "500,000" in rows["together"]
    assert "novelty" in rows["sig_a"]
    assert "1,234" in rows["sig_a"]


def test_the_same_as_json(homeostat: Run, shop: Path, store: Store) -> None:
    """Logarithms to base 10, the threshold, the signals whole."""
    first = champion(store, "first")
    store.state.put(f"trace:{first.id}", [[START, 1.0], [START + 1, 0.5]])
    moved(store)
    found = homeostat("watch", "routing", "--config", shop, "--json").json
    assert found["statistic"]["confidence"] == {"log10": 0.5, "highest_log10": 1.0}
    assert found["statistic"]["together"]["log10"] == pytest.approx(0.5)
    assert "neighbors" not in found["statistic"]
    assert found["threshold"] == 500_000
    assert found["signals"][0]["moved"] == "novelty"


def test_shares_that_moved_stand_under_their_signal(homeostat: Run, shop: Path, store: Store) -> None:
    """The sentence under it, and every kind's share in JSON; nothing of the kind under other signals."""
    champion(store, "first")
    kept = {"shares": [{"name": "parcel", "before": 0.05, "since": 0.15}], "says": "shares of the requests: parcel"}
    store.state.put(shares_key(moved(store).id), kept)
    moved(store, "b")
    ran = homeostat("watch", "--config", shop)
    assert "sig_a: shares of the requests: parcel" in ran.out
    assert "sig_b:" not in ran.out
    found = homeostat("watch", "--config", shop, "--json").json["signals"]
    assert [one["shares"] for one in found] == [kept, None]


def test_before_there_is_a_statistic(homeostat: Run, shop: Path, store: Store) -> None:
    """While the watcher learns what is normal, it says how far it has come."""
    first = champion(store, "first")
    for number in range(3):
        request(store, number, first.id)
    assert "3 of 10 requests" in homeostat("watch", "--config", shop).out


def watched(store: Store, *, until: int) -> None:
    """What a watcher leaves after so many labels, of which only the first 40 agree with the replies."""
    first = champion(store, "first")
    watcher = Watcher.start("routing", np.zeros((0, 0)), (), Monitor(false_alarm_every=1_000))
    for number in range(until):
        row = request(store, number, first.id)
        value = "refund" if number < 40 else "delivery"
        said = Feedback(id=f"fbk_{number:03}", interaction=row.id, kind=FeedbackKind.LABEL, value=value, time=row.time)
        watcher.update_labels([(row, said)])
    store.state.put(f"watcher:{first.id}", watcher.state())


def test_the_statistic_of_labels_beside_that_of_requests(homeostat: Run, shop: Path, store: Store) -> None:
    """Once labels have arrived there is a row of theirs, with their number, also while requests are only learned."""
    watched(store, until=43)
    ran = homeostat("watch", "--config", shop)
    (row,) = [line for line in ran.out.splitlines() if line.startswith("loss")]
    assert "of 43 labels" in row
    assert row.rstrip().endswith("500,000")
    assert "learning what is normal" in ran.out
    found = homeostat("watch", "--config", shop, "--json").json["statistic"]["loss"]
    assert found["labels"] == 43
    assert 0 < found["log10"] == found["highest_log10"] < 3


def test_the_highest_statistic_of_labels_outlives_its_alarm(homeostat: Run, shop: Path, store: Store) -> None:
    """After an alarm the evidence begins anew, and what it has been is still said."""
    watched(store, until=60)
    found = homeostat("watch", "--config", shop, "--json").json["statistic"]["loss"]
    assert found["highest_log10"] > 3
    assert found["log10"] is None or found["log10"] < 3


def test_what_requests_are_embedded_by(homeostat: Run, shop: Path, store: Store) -> None:
    """Where it is not the model that answers: by what, since when, what was before, and if they wait for it."""
    champion(store, "first")
    assert "embedded by" not in homeostat("watch", "--config", shop).out
    store.vectors.enforce(InForce(backend="aa", name="./small", width=4, since=START, before="served"))
    ran = homeostat("watch", "--config", shop)
    assert "requests are embedded by ./small since" in ran.out
    assert "before by served, and what was normal is learned anew since" in ran.out
    store.state.put(AWAY, {"since": START, "what": "the server is out of reach"})
    assert "requests wait for their embeddings since" in homeostat("watch", "--config", shop).out
    assert (
        homeostat("watch", "--config", shop, "--json").json["embedding"]["waits"]["what"]
        == "the server is out of reach"
    )


def test_only_the_newest_signals(homeostat: Run, shop: Path, store: Store) -> None:
    """`--limit` leaves out the oldest."""
    champion(store, "first")
    for name in "abc":
        moved(store, name)
    found = homeostat("watch", "--config", shop, "--limit", 2, "--json").json
    assert [one["id"] for one in found["signals"]] == ["sig_b", "sig_c"]


def test_nothing_answers_yet(homeostat: Run, shop: Path) -> None:
    """An error that says how to get a first champion."""
    ran = homeostat("watch", "--config", shop)
    assert ran.code == NothingReleased.exit
    assert "homeostat import" in ran.err


def test_following_prints_what_changes_until_interrupted(homeostat: Run, shop: Path, store: Store) -> None:
    """`--follow` prints at once, again when a signal comes, not in between, and an interrupt ends it in order."""
    champion(store, "first")

    def happen() -> None:
        time.sleep(0.3)
        moved(store)
        time.sleep(1.0)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=happen)
    thread.start()
    ran = homeostat("watch", "--config", shop, "--follow")
    thread.join()
    assert ran.code == 0
    assert ran.out.count("signals\n") == 2
    assert ran.out.count("sig_a") == 1


def test_what_moved_stands_under_its_signal(homeostat: Run, shop: Path, store: Store) -> None:
    """The sentence, which kind of drift, and each new topic; whole as JSON, and null where nothing is kept."""
    champion(store, "first")
    moved(store), moved(store, "b")
    topic = Topic(name="aqua, pairing", before=0.0, after=0.214, examples=("int_1",))
    kept = Naming(
        n=300, looked=1, topics=(topic,), says="segment=home carries 80% of the move.", kind="Requests moved."
    )
    store.state.put(state_key("sig_b"), asdict(kept))
    ran = homeostat("watch", "--config", shop)
    assert "sig_b: segment=home carries 80% of the move. Requests moved." in ran.out
    assert "new topic: aqua, pairing (21.4\u202f% of the requests since)" in ran.out
    assert "sig_a:" not in ran.out
    first, second = homeostat("watch", "--config", shop, "--json").json["signals"]
    assert first["naming"] is None
    assert second["naming"]["topics"][0]["examples"] == ["int_1"]

"""Decisions and the ledger in a real store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.schema import Decide
from homeostat.decide.budget import Booking
from homeostat.decide.record import book, decided, give_back, record, remember, remembered, replayed, take
from homeostat.decide.rule import Memory
from homeostat.decide.trigger.sight import Past
from homeostat.decide.value import Bounds, Evidence
from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.store.rows import plain
from homeostat.types.decision import Action
from homeostat.types.report import Score
from homeostat.types.signal import Moved, Signal

EVIDENCE = Evidence(
    task="routing",
    gain=Score(mean=0.1, low=0.05, high=0.15, n=100),
    n_labels=100,
    requests=1000,
    train_cpu_s=3600.0,
)
SETTINGS = Decide(price_per_cpu_hour=250.0)


def test_ledger_goes_on(tmp_path: Path) -> None:
    """What waiting costs adds up turn by turn for each task until retraining is due; every decision is a row."""
    with Store.open(f"sqlite:///{tmp_path}/a.db", tmp_path / "blobs") as store:
        actions = [record(store, EVIDENCE, SETTINGS, now=float(k), turn=f"trn_{k}").action for k in range(4)]
        other = record(store, replace(EVIDENCE, task="replies"), SETTINGS, now=9.0, turn="trn_9")
        assert actions == [Action.WAIT, Action.WAIT, Action.RETRAIN, Action.WAIT]
        assert other.action is Action.WAIT
        assert [row.action for row in store.decisions.list("routing")] == actions


def test_what_would_be_decided(tmp_path: Path) -> None:
    """With the ledger as it stands, and as often as one asks: nothing is written."""
    with Store.open(f"sqlite:///{tmp_path}/a.db", tmp_path / "blobs") as store:
        for k in range(3):
            seen = [decided(store, EVIDENCE, SETTINGS, now=float(k), turn=f"trn_{k}")[0] for _ in range(2)]
            assert len(store.decisions.list()) == k
            made = record(store, EVIDENCE, SETTINGS, now=float(k), turn=f"trn_{k}")
            assert seen == [replace(made, inputs="")] * 2
        assert seen[0].action is Action.RETRAIN


def test_run_twice(tmp_path: Path) -> None:
    """A step that is run again after a crash decides the same and counts nothing twice."""
    with Store.open(f"sqlite:///{tmp_path}/a.db", tmp_path / "blobs") as store:
        first = [record(store, EVIDENCE, SETTINGS, now=1.0, turn="trn_1") for _ in range(5)]
        assert len(set(map(repr, first))) == 1
        assert store.decisions.list("routing") == first[:1]
        assert record(store, EVIDENCE, SETTINGS, now=2.0, turn="trn_2").action is Action.WAIT
        assert record(store, EVIDENCE, SETTINGS, now=3.0, turn="trn_3").action is Action.RETRAIN


def test_a_decision_can_be_made_again_from_what_was_kept(tmp_path: Path) -> None:
    """Every decision, whatever it was made from, comes out bit for bit from its blob; one without says so."""
    signal = Signal(
        id="sig_1", task="routing", time=1.0, moved=Moved.MIX, detector="d", statistic=2.0, threshold=1, n=5
    )
    bounds = [
        None,
        Bounds(untriggered="labels: 3 of 5 new labels"),
        Bounds(policy="p", left={"retrainings": 0.0}, limits={"retrainings": 1.0}, renews=1.8e9, time=1.7e9),
        Bounds(policy="p", strategy="always", quiet_until=1.8e9, time=1.7e9),
        Bounds(policy="p", strategy="always", action="advise", cool_until=3.0, time=5.0),
    ]
    rich = replace(EVIDENCE, accuracy=EVIDENCE.gain, signals=(signal,), unknown_labels=0.5)
    with Store.open(f"sqlite:///{tmp_path}/a.db", tmp_path / "blobs") as store:
        for k, around in enumerate(bounds):
            for name, evidence in (("a", EVIDENCE), ("b", rich)):
                made = record(store, evidence, SETTINGS, now=0.1 + k, turn=f"trn_{name}{k}", bounds=around)
                again = replayed(store, made.id)
                assert again == made
                assert plain(again) == plain(made)
        store.decisions.put(replace(made, id="dec_old", inputs=""))
        with pytest.raises(NotFound, match="was not kept"):
            replayed(store, "dec_old")


def test_a_decision_that_was_made_stands(tmp_path: Path) -> None:
    """A step that runs again when the clock has moved into quiet hours finds what it decided, and nothing new."""
    with Store.open(f"sqlite:///{tmp_path}/a.db", tmp_path / "blobs") as store:
        dear = replace(SETTINGS, price_per_cpu_hour=1.0)
        first = record(store, EVIDENCE, dear, now=1.0, turn="trn_1", bounds=Bounds(time=5.0))
        again = record(store, EVIDENCE, dear, now=1.0, turn="trn_1", bounds=Bounds(time=6.0, quiet_until=9.0))
        assert first == again
        assert first.action is Action.RETRAIN
        assert len(store.decisions.list()) == 1


def test_looking_without_a_trigger_counts_nothing(tmp_path: Path) -> None:
    """A row that says why nothing was due leaves the ledger as it was."""
    with Store.open(f"sqlite:///{tmp_path}/a.db", tmp_path / "blobs") as store:
        record(store, EVIDENCE, SETTINGS, now=1.0, turn="trn_1")
        before = store.state.get("decide.ledger.routing")
        idle = record(store, EVIDENCE, SETTINGS, now=2.0, turn="look", bounds=Bounds(untriggered="labels: 3 of 5"))
        assert idle.because.startswith("wait: no decision is due (labels: 3 of 5); retraining is worth 0.100 ± 0.050")
        assert store.state.get("decide.ledger.routing") == before


def test_a_book_is_kept_across_restarts(tmp_path: Path) -> None:
    """What was booked is there for the next process, each turn once; of two who saw the same book one is let in."""
    first, second = (Booking(turn=f"trn_{k}", task="routing", time=float(k), money=3.0) for k in (1, 2))
    for _ in range(2):
        with Store.open(f"sqlite:///{tmp_path}/a.db", tmp_path / "blobs") as store:
            assert take(store, "p", first, most=0)
            assert not take(store, "p", second, most=0)
            assert book(store, "p") == (first,)
            assert (book(store, "q"), book(store, "")) == ((), ())
    with Store.open(f"sqlite:///{tmp_path}/a.db", tmp_path / "blobs") as store:
        assert take(store, "p", second, most=1)
        give_back(store, "p", "trn_1")
        assert book(store, "p") == (second,)


def test_what_triggers_remember_is_kept(tmp_path: Path) -> None:
    """By policy and task."""
    memory = Memory(time=5.0, champion="ver_1", triggers={"any.drop": Past(held=2, armed=False)})
    with Store.open(f"sqlite:///{tmp_path}/a.db", tmp_path / "blobs") as store:
        remember(store, "p", "routing", memory)
        assert remembered(store, "p", "routing") == memory
        assert remembered(store, "p", "replies") == remembered(store, "q", "routing") == Memory()

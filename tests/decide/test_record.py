"""Decisions and the ledger in a real store."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from homeostat.config.schema import Decide
from homeostat.decide.record import decided, record
from homeostat.decide.value import Evidence
from homeostat.store import Store
from homeostat.types.decision import Action
from homeostat.types.report import Score

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
            assert seen == [record(store, EVIDENCE, SETTINGS, now=float(k), turn=f"trn_{k}")] * 2
        assert seen[0].action is Action.RETRAIN


def test_run_twice(tmp_path: Path) -> None:
    """A step that is run again after a crash decides the same and counts nothing twice."""
    with Store.open(f"sqlite:///{tmp_path}/a.db", tmp_path / "blobs") as store:
        first = [record(store, EVIDENCE, SETTINGS, now=1.0, turn="trn_1") for _ in range(5)]
        assert len(set(map(repr, first))) == 1
        assert store.decisions.list("routing") == first[:1]
        assert record(store, EVIDENCE, SETTINGS, now=2.0, turn="trn_2").action is Action.WAIT
        assert record(store, EVIDENCE, SETTINGS, now=3.0, turn="trn_3").action is Action.RETRAIN

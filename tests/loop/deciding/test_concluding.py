"""What a turn takes of its policy's budget: what was expected, then what it took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.schema import Config, Decide, Policy, Tasks
from homeostat.decide.errand import Errand
from homeostat.decide.option import Option
from homeostat.decide.record import book, errand_of, replayed
from homeostat.decide.value import Evidence
from homeostat.loop.deciding.concluding import conclude, settle
from homeostat.loop.making.lost import losses, lost
from homeostat.store import Store
from homeostat.types.decision import Action
from homeostat.types.report import Score
from homeostat.types.turn import ASKED, Turn
from homeostat.types.version import Version

NOW = 1_760_000_000.0
GAIN = Score(mean=0.1, low=0.05, high=0.15, n=200)
EVIDENCE = Evidence(task="a", gain=GAIN, n_labels=400, requests=5000, train_cpu_s=360.0, train_gpu_s=1800.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as opened:
        yield opened


def config(**policy: object) -> Config:
    """Two tasks that share five GPU-hours."""
    shared = Policy(any={"labels": 5}, look="", budget={"gpu_hours": 0.75}, **policy)  # type: ignore[arg-type]
    settings = Decide(price_per_cpu_hour=1.0, price_per_gpu_hour=4.0)
    return Config(tasks={"a": Tasks(policy="p"), "b": Tasks(policy="p")}, policies={"p": shared}, decide=settings)


def test_gpu_hours_are_booked_and_then_measured(store: Store) -> None:
    """Half an hour is expected; another task's half hour does not fit beside it, and does once the first has taken a
    sixth of an hour.
    """
    made = conclude(config(), store, EVIDENCE, turn="trn_a", until=NOW)
    assert (made.action, made.cost) == (Action.RETRAIN, pytest.approx(0.1 + 2.0))
    (one,) = book(store, "p")
    assert (one.cpu_hours, one.gpu_hours, one.retrainings) == (pytest.approx(0.1), pytest.approx(0.5), 1.0)
    other = replace(EVIDENCE, task="b")
    held = conclude(config(), store, other, turn="trn_b", until=NOW)
    assert held.action is Action.WAIT
    assert "0.25 of 0.75 GPU-hours are left of this month" in held.because
    took = {"cpu_seconds": 720.0, "gpu_seconds": 600.0}
    store.versions.put(Version(id="ver_a", task="a", time=NOW, base="builtin", cost=took))
    settle(config(), store, Turn(id="trn_a", task="a", time=NOW, diary={"train.careful": "ver_a"}))
    (one,) = book(store, "p")
    assert (one.cpu_hours, one.gpu_hours) == (pytest.approx(0.2), pytest.approx(1 / 6))
    assert one.money == pytest.approx(0.2 + 4 / 6)
    assert conclude(config(), store, other, turn="trn_c", until=NOW).action is Action.RETRAIN


def test_what_left_no_version_is_booked_too(store: Store) -> None:
    """A turn that has looked for a version in vain, twice since its worker was killed, has taken that besides."""
    conclude(config(), store, EVIDENCE, turn="trn_a", until=NOW)
    store.versions.put(Version(id="ver_a", task="a", time=NOW, base="builtin", cost={"cpu_seconds": 720.0}))
    turn = Turn(id="trn_a", task="a", time=NOW, diary={"train.careful": "ver_a", "train.between": ""})
    for cpu in (180.0, 360.0):
        lost(store, "trn_a", "between", {"flops": 1e9, "cpu_seconds": cpu})
    settle(config(), store, turn)
    (one,) = book(store, "p")
    assert one.cpu_hours == pytest.approx(0.2 + 0.15)
    assert one.money == pytest.approx(0.35)
    assert losses(store, "trn_b") == []


def test_other_words_take_no_gpu_and_are_no_retraining(store: Store) -> None:
    """They fit where a training does not, and leave the budget as it was."""
    words = Option(name="prompt", gain=GAIN, cpu_s=36.0, says="answering with other words", instruction="sort")
    evidence = replace(EVIDENCE, train_gpu_s=36_000.0, options=(words,))
    made = conclude(config(strategy="cheapest"), store, evidence, turn="trn_a", until=NOW)
    assert (made.action, made.chosen) == (Action.PROMPT, "prompt")
    (one,) = book(store, "p")
    assert (one.gpu_hours, one.retrainings, one.cpu_hours) == (0.0, 0.0, pytest.approx(0.01))
    assert conclude(config(), store, evidence, turn="trn_b", until=NOW).action is Action.WAIT


def test_who_asks_for_a_turn_is_not_advised(store: Store) -> None:
    """A policy that only advises retrains where a person wanted the turn, within its budget; the decision is made again
    from what was kept of it.
    """
    advise = config(strategy="value", action="advise")
    alone = conclude(advise, store, EVIDENCE, turn="trn_a", until=NOW)
    assert (alone.action, errand_of(store, alone)) == (Action.WAIT, Errand(way="retrain"))
    store.turns.put(Turn(id="trn_b", task="a", time=NOW, diary={ASKED: "ana"}))
    wanted = conclude(advise, store, EVIDENCE, turn="trn_b", until=NOW)
    assert (wanted.action, errand_of(store, wanted)) == (Action.RETRAIN, Errand())
    assert replayed(store, wanted.id) == wanted
    store.turns.put(Turn(id="trn_c", task="a", time=NOW, diary={ASKED: "ana"}))
    third = conclude(advise, store, EVIDENCE, turn="trn_c", until=NOW)
    assert third.action is Action.WAIT
    assert "0.25 of 0.75 GPU-hours are left" in third.because


def test_what_a_decision_left_is_not_known_where_its_inputs_were_erased(store: Store) -> None:
    """Nobody is told anything of it, and nothing breaks."""
    few = conclude(config(), store, replace(EVIDENCE, n_labels=10), turn="trn_a", until=NOW)
    assert errand_of(store, few) == Errand(labels=50)
    store.erasure.remove_blobs([few.inputs])
    assert errand_of(store, few) == errand_of(store, replace(few, inputs="")) == Errand()

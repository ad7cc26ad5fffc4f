"""A version that somebody brought goes the way of every candidate, from the gate on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from mortal import Worker
from small_project import ONSET, TASK, Gateway

from homeostat.config.schema import Config, Decide
from homeostat.errors import NotFound
from homeostat.loop import steps
from homeostat.loop.durable import TurnQueue
from homeostat.loop.steps import Now
from homeostat.loop.tending import tend
from homeostat.loop.trial import brought
from homeostat.loop.workshop import Workshop
from homeostat.types.turn import GIVEN, Turn
from homeostat.types.version import State

NOW = Now("trn_by_hand", TASK, ONSET + 1000.0)


@pytest.fixture
def project(project: Config) -> Config:
    """The project, in which no turn is opened by itself."""
    return replace(project, decide=Decide(min_labels=100_000))


def made(shop: Workshop, recipe: str) -> Turn:
    """A version trained by hand, and the trial that it is brought to."""
    version = steps.train(shop, NOW, recipe, steps.curate(shop, NOW, recipe))
    trial = Turn(id="trn_trial", task=TASK, time=NOW.until, diary={GIVEN: version})
    shop.store.turns.put(trial)
    return trial


def tried(shop: Workshop, queue: TurnQueue, workers: Callable[..., Worker], trial: Turn, death: str = "") -> Turn:
    """The trial as it ended, its worker killed once on the way if told so."""
    gateway = Gateway(shop)
    tend(shop, queue, trial)
    worker = workers(death=death)
    if death:
        gateway.serve(lambda: not worker.alive)
        assert worker.killed
        workers()
    assert gateway.serve(lambda: queue.finished(trial.id))
    return shop.store.turns.get(trial.id)


@pytest.mark.slow
@pytest.mark.parametrize("death", ["", pytest.param("noted:gate.given", marks=pytest.mark.slow)])
def test_what_forgot_reaches_nobody(
    shop: Workshop, queue: TurnQueue, workers: Callable[..., Worker], death: str
) -> None:
    """Trained on new rows alone it is refused by the gate, and the champion answers on."""
    champion, trial = shop.champion(TASK), made(shop, "naive")
    ended = tried(shop, queue, workers, trial, death)
    assert list(ended.diary) == [GIVEN, "evaluate.given", "gate.given", "judge.given", "end"]
    assert ended.state == "gate"
    assert "forgot" in ended.because
    assert shop.store.versions.get(trial.diary[GIVEN]).state is State.REFUSED
    assert shop.champion(TASK) == champion
    assert [row.stage.value for row in shop.store.releases.list(TASK)] == ["full"]


@pytest.mark.slow
def test_what_is_better_comes_to_answer_everything(
    shop: Workshop, queue: TurnQueue, workers: Callable[..., Worker]
) -> None:
    """By the gate, copies of the traffic and a few users."""
    trial = made(shop, "careful")
    ended = tried(shop, queue, workers, trial)
    assert ended.state == "release"
    assert shop.champion(TASK).id == trial.diary[GIVEN]
    assert [row.stage.value for row in shop.store.releases.list(TASK)] == ["full", "shadow", "canary", "full"]


def test_it_is_no_turn_of_the_loop(shop: Workshop) -> None:
    """It has looked at no traffic, so the next turn takes what came before it."""
    trial = Turn(id="trn_trial", task=TASK, time=NOW.until, diary={GIVEN: "ver_x"})
    assert (trial.story, replace(trial, diary={}).story, replace(trial, diary={"push": ""}).story) == (
        "trial",
        "turn",
        "drill",
    )
    before = steps.gather(shop, NOW, [])
    shop.store.turns.put(trial)
    assert steps.gather(shop, NOW, []).n_labels == before.n_labels


def test_what_is_not_there_cannot_be_tried(shop: Workshop) -> None:
    """An error that names it."""
    shop.store.turns.put(Turn(id=NOW.turn, task=TASK, time=NOW.until, diary={GIVEN: "ver_nobody"}))
    with pytest.raises(NotFound, match="ver_nobody"):
        brought(shop, NOW)

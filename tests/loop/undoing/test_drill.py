"""The drill: a broken version is pushed to some users, seen, and taken back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mortal import Worker
from small_project import START, TASK, Gateway, lay

from homeostat.config.schema import Config, Decide
from homeostat.loop.durable import TurnQueue
from homeostat.loop.making.learn import Lesson, learn
from homeostat.loop.steps import Now
from homeostat.loop.undoing.drill import broken, push, sabotage
from homeostat.loop.workshop import Workshop
from homeostat.release.breaking import BIASED, ERRORING, SLOW, fault_of
from homeostat.release.drills import order, ordered
from homeostat.release.registry import promote
from homeostat.train.named import named
from homeostat.types.release import Stage
from homeostat.types.version import State, Version

NOW = Now("trn_drill", TASK, START)


@pytest.fixture
def project(laid: Config, project: Config) -> Config:
    """The project, in which no turn is opened."""
    return replace(project, decide=Decide(min_labels=100_000))


def accuracy(shop: Workshop, version: Version) -> float:
    """Share of the old test rows that a version has right."""
    known = shop.suite_at(TASK, START)
    replies = shop.answers(shop.config.task(TASK), version, [row.text for row in known])
    return float(np.mean([reply.text == row.target for reply, row in zip(replies, known, strict=True)]))


def test_sabotage_breaks_the_model(shop: Workshop) -> None:
    """A copy of the champion that is right less than half as often; the champion is as it was."""
    champion = shop.champion(TASK)
    before = accuracy(shop, champion)
    broken = sabotage(shop, TASK, NOW.turn)
    assert broken.blob != champion.blob
    assert broken.labels == champion.labels
    assert accuracy(shop, broken) < 0.5 * before
    assert accuracy(shop, champion) == before
    assert list((Path(shop.config.folder) / "runs").iterdir()) == []


@pytest.mark.slow
def test_sabotage_breaks_a_model_without_an_adapter(tmp_path: Path, laid: Config) -> None:
    """A champion whose weights were all trained is broken too."""
    full = lay(tmp_path, train=replace(laid.train, adapt="full", lr=0.003))
    with closing(Workshop.open(full)) as shop:
        champion = shop.champion(TASK)
        assert champion.kind == "full"
        assert accuracy(shop, sabotage(shop, TASK, NOW.turn)) < 0.5 * accuracy(shop, champion)


@pytest.mark.slow
def test_sabotage_breaks_a_head(shop: Workshop) -> None:
    """Heads that were solved or trained by steps are broken too, and are still heads that answer."""
    champion = shop.champion(TASK)
    for name in ("head", "classifier"):
        recipe = replace(named(name, shop.config.train), epochs=20.0)
        lesson = Lesson(task=TASK, dataset=champion.dataset, recipe=recipe, version=f"ver_{name}", parent=champion)
        head = learn(shop, lesson)
        promote(shop.store, TASK, head.id, "for a test", now=START)
        assert accuracy(shop, sabotage(shop, TASK, name)) < 0.5 * accuracy(shop, head)


def test_other_kinds_are_the_champion_with_a_fault(shop: Workshop) -> None:
    """Same weights, same labels; what is wrong with it stands in its recipe, and it never answers everybody."""
    champion = shop.champion(TASK)
    for row in shop.store.interactions.list(TASK):
        slices = {"segment": "shop" if row.id[-1] in "012345" else "home"}
        shop.store.interactions.add([replace(row, id=f"{row.id}t", tags=slices, time=row.time + 1e6)])
    for kind in (SLOW, ERRORING, BIASED):
        order(shop.store, TASK, f"trn_{kind}", kind)
        made = broken(shop, TASK, f"trn_{kind}")
        assert (made.blob, made.labels, made.kind) == (champion.blob, champion.labels, champion.kind)
        assert (made.parent, made.state, made.broken) == (champion.id, State.CANDIDATE, True)
        assert fault_of(made) == ordered(shop.store, f"trn_{kind}").fault
    assert ordered(shop.store, "trn_biased").fault.slice == ("segment", "shop")
    assert broken(shop, TASK, "trn_sabotaged").broken


def test_a_drill_pushed_twice_is_pushed_once(shop: Workshop) -> None:
    """Killed and begun again, it puts the same version into the same canary."""
    first = push(shop, NOW)
    assert push(shop, NOW) == first
    row = shop.store.releases.get(first)
    assert (row.stage, row.share) == (Stage.CANARY, 0.5)
    assert "on purpose (sabotaged)" in row.because
    assert 3500.0 < row.until - row.time <= 3600.0
    assert len(shop.store.versions.list(TASK)) == 2


@pytest.mark.parametrize(
    "death", ["", *(pytest.param(at, marks=pytest.mark.slow) for at in ("done:push", "noted:push"))]
)
def test_the_guard_takes_a_broken_version_back(
    shop: Workshop, queue: TurnQueue, workers: Callable[..., Worker], death: str
) -> None:
    """Some users get wrong replies, the guard sees it and withdraws it; the champion is untouched throughout."""
    champion, gateway = shop.champion(TASK), Gateway(shop)
    queue.open(NOW.turn, TASK, NOW.until, story="drill")
    worker = workers(death=death)
    if death:
        gateway.serve(lambda: not worker.alive)
        assert worker.killed
        worker = workers()

    assert gateway.serve(lambda: queue.finished(NOW.turn))

    turn = shop.store.turns.get(NOW.turn)
    assert (turn.state, list(turn.diary)) == ("release", ["push", "advance", "stage", "end"])
    assert turn.because.startswith("drill: ")
    assert "harm shown" in turn.because
    first, canary, back = shop.store.releases.list(TASK)
    assert [row.stage for row in (first, canary, back)] == [Stage.FULL, Stage.CANARY, Stage.ROLLBACK]
    assert shop.store.versions.get(canary.candidate).state is State.WITHDRAWN
    assert shop.champion(TASK) == champion
    assert 0 < shop.store.interactions.count(TASK, version=canary.candidate) < 200


def test_a_bare_base_cannot_be_broken(shop: Workshop, queue: TurnQueue, workers: Callable[..., Worker]) -> None:
    """There is no adapter to turn round: the drill fails and says so, and users never notice."""
    bare = replace(shop.champion(TASK), id="ver_bare", kind="base", blob="")
    shop.store.versions.put(bare)
    shop.store.aliases.set(TASK, "champion", bare.id)
    queue.open(NOW.turn, TASK, NOW.until, story="drill")
    worker = workers()
    assert Gateway(shop).serve(lambda: queue.finished(NOW.turn))
    assert worker.alive
    assert len(shop.store.releases.list(TASK)) == 1

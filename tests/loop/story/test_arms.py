"""The arms that ours is measured beside, on a small model: they forget, remember and cost as their names say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_project import KNOWN, NEW, ONSET, START, TASK, rows

from homeostat.llm.local import LocalBackend
from homeostat.loop.making.learn import start_of
from homeostat.loop.story.arms import Arm, Lesson, joint, naive, outcomes
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.train.run import Start
from homeostat.types.dataset import Example

OLD_ROWS, NEW_ROWS = rows(list(KNOWN), 80, 31), rows(list(NEW), 40, 32)


def examples(told: list[tuple[str, str]]) -> list[Example]:
    return [Example(text=text, target=label) for text, label in told]


@pytest.fixture
def schedule() -> list[Lesson]:
    """History, then a turn that brings nothing, then one with two new labels."""
    known, new = examples(rows(list(KNOWN), 120, 1)), examples(rows(list(NEW), 60, 33))
    labels = tuple(KNOWN)
    return [
        Lesson(time=START, new=[], known=known, labels=labels),
        Lesson(time=ONSET, new=new, known=[*known, *new], labels=(*labels, *NEW)),
    ]


@pytest.mark.slow
def test_naive_learns_the_new_and_forgets_the_old(shop: Workshop, schedule: list[Lesson], tmp_path: Path) -> None:
    """Sequential fine-tuning; a turn without new rows costs nothing."""
    first = start_of(shop, shop.champion(TASK))
    task, recipe = shop.config.task(TASK), named("naive", shop.config.train)
    arm = naive(task, first, schedule, recipe, tmp_path / "arms", report=lambda values: None)
    backend = LocalBackend(shop.config.model.base)
    assert np.mean(outcomes(backend, task, Arm(name="never", start=first), OLD_ROWS)) > 0.8
    assert np.mean(outcomes(backend, task, arm, NEW_ROWS)) > 0.8
    assert np.mean(outcomes(backend, task, arm, OLD_ROWS)) < 0.5
    assert (arm.labels_used, len(list((tmp_path / "arms").iterdir()))) == (60, 1)
    assert backend.loaded() == ()


@pytest.mark.slow
def test_joint_knows_everything_and_pays_for_every_turn(shop: Workshop, schedule: list[Lesson], tmp_path: Path) -> None:
    """From the bare base on all rows so far: right on old and new, at the cost of all its trainings."""
    task, recipe, base = shop.config.task(TASK), named("joint", shop.config.train), Start(base=shop.config.model.base)
    arm = joint(task, base, schedule, recipe, tmp_path / "both", report=lambda values: None)
    last = joint(task, base, schedule[-1:], recipe, tmp_path / "last", report=lambda values: None)
    backend = LocalBackend(shop.config.model.base)
    assert np.mean(outcomes(backend, task, arm, OLD_ROWS + NEW_ROWS)) > 0.9
    assert arm.labels_used == last.labels_used == 180
    assert arm.cost["flops"] > 1.3 * last.cost["flops"]


def test_an_arm_without_turns_is_where_it_started(shop: Workshop, tmp_path: Path) -> None:
    """Nothing to learn: nothing trained, nothing paid."""
    first = start_of(shop, shop.champion(TASK))
    recipe = named("naive", replace(shop.config.train, epochs=1))
    arm = naive(shop.config.task(TASK), first, [], recipe, tmp_path)
    assert (arm.start, arm.cost, arm.labels_used) == (first, {"flops": 0.0, "cpu_seconds": 0.0}, 0)
    assert joint(shop.config.task(TASK), first, [], recipe, tmp_path).labels_used == 0

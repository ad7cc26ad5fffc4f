"""Where trainings on few examples begin, learned from what a project's tasks were told before."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from homeostat.curate.fence import Fence
from homeostat.loop.proving.examining import fence
from homeostat.loop.steps import remembered
from homeostat.loop.workshop import Workshop
from homeostat.train.few.beginning import learn_beginning
from homeostat.train.meta.reptile import Plan
from homeostat.types.dataset import Example
from homeostat.types.task import Kind

ROUNDS = 60
"""Times that tasks are drawn and learned, unless said otherwise."""
PLAN = Plan(rounds=ROUNDS, tasks=2, steps=5, rate=0.1, outer=1.0)
"""As `bench/train_6.py` measures it on intents."""


def past_of(shop: Workshop, rows: Iterable[Example] = ()) -> dict[str, list[str]]:
    """Label -> its texts, each once, of what the champions of all tasks of labels learned and of further rows; nothing
    like a test row of any task.
    """
    found = [*rows, *(row for name in shop.config.tasks for row in _learned(shop, name))]
    fenced = Fence(text for name in shop.config.tasks for text in fence(shop, name))
    past: dict[str, dict[str, None]] = {}
    for row in fenced.outside(found):
        past.setdefault(row.target, {})[row.text] = None
    return {label: list(texts) for label, texts in past.items()}


def learn(shop: Workshop, past: dict[str, list[str]], folder: Path, how: str, plan: Plan = PLAN) -> Path:
    """Learn a beginning on the project's base and leave it in a folder, whole or not at all.

    Raises:
        UnknownPlugin, NothingToTrainOn, Diverged: as `homeostat.train.few.beginning.learn_beginning`.
    """
    run = shop.run_folder("beginning")
    made = learn_beginning(shop.config.model.weights, past, run / "made", plan, how=how)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(made, folder)
    shutil.rmtree(run)
    return folder


def _learned(shop: Workshop, task: str) -> list[Example]:
    """What a task's champion and those before it learned; nothing of a task of texts, or that nobody answers."""
    champion = shop.store.aliases.get(task, "champion")
    if not champion or shop.config.task(task).kind is not Kind.LABEL:
        return []
    return remembered(shop, shop.store.versions.get(champion))

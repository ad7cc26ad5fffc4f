"""Where fine-tuning on few examples begins, learned over past tasks (`train/meta/`) and kept as an adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from homeostat.errors import NothingToTrainOn, UnknownPlugin, did_you_mean
from homeostat.llm.load import open_model
from homeostat.train.adapt.lora import Lora
from homeostat.train.few.shots import Reader, Shots
from homeostat.train.few.slate import Slate
from homeostat.train.few.tuned import Tuned
from homeostat.train.meta.reptile import Plan, first_order_maml, joint, reptile
from homeostat.train.objectives.completion import Completion
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Step

LEARNED = {"reptile": reptile, "maml": first_order_maml, "joint": joint}
"""Ways to learn a beginning; `joint` is best for the mean of all past tasks, and what the others have to beat."""


@dataclass(frozen=True, slots=True)
class _Past:
    """A task drawn from past labels, on the slate."""

    slate: Slate
    ground: Ground
    learned: list[Sample]
    asked: list[Sample]

    def support(self) -> Tensor:
        """Mean cross-entropy of the examples."""
        return Completion()(Step(self.ground, self.learned))

    def query(self) -> Tensor:
        """Mean cross-entropy of as many other rows."""
        return Completion()(Step(self.ground, self.asked))


def learn_beginning(
    base: str,
    past: Mapping[str, Sequence[str]],
    folder: Path,
    plan: Plan,
    *,
    how: str = "reptile",
    lora: Lora | None = None,
    instruction: str = "",
) -> Path:
    """Learn where to begin from past labels with their texts, and leave it in a folder; `Tuned.start` takes it.

    A past task is up to ten of the labels, drawn anew, with one to five examples each and what each is called. What it
    pays depends on the tasks: where one model can serve them all, `joint` is the better beginning.

    Raises:
        UnknownPlugin: there is no such way to learn one.
        NothingToTrainOn: fewer than two past labels have two texts.
        Diverged: a rate of the plan is too high.
    """
    if how not in LEARNED:
        raise UnknownPlugin(f"unknown way '{how}'", where="learn_beginning", fix=did_you_mean(how, LEARNED))
    able = [label for label, texts in past.items() if len(texts) > 1]
    if len(able) < 2:
        raise NothingToTrainOn("fewer than two past labels have two texts each", fix="give more of the past")
    ways = min(10, len(able))
    slate = Slate(open_model(base), ways, lora or Lora(rank=Tuned().rank), None, seed=plan.seed)
    task = Reader(slate.opened, instruction).task

    def draw(rng: np.random.Generator) -> _Past:
        labels = [able[k] for k in rng.permutation(len(able))[:ways]]
        each = int(rng.integers(1, 6))
        learned, asked = [], []
        for label in labels:
            texts = [past[label][k] for k in rng.permutation(len(past[label]))[: 2 * each]]
            learned += [(text, label) for text in texts[: len(texts) // 2]]
            asked += [(text, label) for text in texts[len(texts) // 2 :]]
        ground = slate.lay(labels)
        sides = [Shots.of(learned, labels), Shots.of(asked, labels, names=False)]
        return _Past(slate, ground, *(slate.samples(task, side.texts, side.at) for side in sides))

    LEARNED[how](slate.parameters, draw, plan)
    slate.require_finite()
    slate.lora.save(slate.opened.model, folder)
    return folder

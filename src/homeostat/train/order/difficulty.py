"""How difficult a row is: by its length, by what a model says of it, by how rare its words are, or as one is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch.nn import functional as F

from homeostat.errors import UnsuitedModel
from homeostat.llm.batches import passes
from homeostat.llm.forward import places
from homeostat.llm.load import Opened
from homeostat.train.objectives.distill.follow import require_same_words
from homeostat.train.order.draw import Floats
from homeostat.train.samples import Sample
from homeostat.train.step import Ground

WHERE = "recipe.order"
NO_TEACHER = "rows are to be ordered by a teacher's loss, and there is no teacher"
FIX = "leave out `teacher`: it is the champion, or in `homeostat distill` the one version that teaches; a head has none"


class Difficulty(Protocol):
    """A measure of rows."""

    def of(self, ground: Ground) -> Floats:
        """float64[rows that are trained on]: more is harder; only the order counts."""
        ...


@dataclass(frozen=True, slots=True)
class Length:
    """Tokens."""

    def of(self, ground: Ground) -> Floats:
        """Tokens of each row."""
        return np.array([s.length for s in ground.train], np.float64)


@dataclass(frozen=True, slots=True)
class Rarity:
    """Mean surprisal of the prompt's tokens, in nats, if each were drawn by how often it is met in these rows."""

    def of(self, ground: Ground) -> Floats:
        """The mean of −log share over the tokens of each prompt."""
        prompts = [s.rendered.prompt for s in ground.train]
        counts = Counter(token for prompt in prompts for token in prompt)
        logs = {token: np.log(count / counts.total()) for token, count in counts.items()}
        return np.array([-np.mean([logs[token] for token in prompt]) for prompt in prompts])


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Numbers that somebody else gave the rows: ratings of annotators, another model's doubt."""

    values: tuple[float, ...]
    """One for each row that is trained on, in their order."""

    def of(self, ground: Ground) -> Floats:
        """The numbers.

        Raises:
            ValueError: there are more or fewer of them than rows.
        """
        if len(self.values) != len(ground.train):
            raise ValueError(f"{len(self.values)} difficulties for {len(ground.train)} rows")
        return np.array(self.values, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What the model says of a row before it learns: the mean loss of its completion's tokens, in nats."""

    teacher: bool = False
    """Whether another model is asked: the teacher at hand (`homeostat distill` from one version), else the champion."""

    @torch.no_grad()
    def of(self, ground: Ground) -> Floats:
        """Ask about every row, without dropout.

        Raises:
            UnsuitedModel: the teacher is to be asked, and there is none, or it reads other tokens.
        """
        opened = ground.teacher if self.teacher else ground.opened
        if opened is None:
            raise UnsuitedModel(NO_TEACHER, where=WHERE, fix=FIX)
        if self.teacher:
            require_same_words(ground.opened, opened)
        opened.model.eval()
        found = np.zeros(len(ground.train))
        for free in (False, True):  # a label is one of the labels, a word one of the vocabulary
            own = [k for k, s in enumerate(ground.train) if s.free == free]
            order = sorted(own, key=lambda k: len(ground.train[k].rendered.ids))
            for at in passes([len(ground.train[k].rendered.ids) for k in order], opened.model.device):
                found[order[at]] = _losses(ground, [ground.train[k] for k in order[at]], opened)
        return found


def _losses(ground: Ground, rows: Sequence[Sample], opened: Opened) -> Floats:
    """float64[rows], in nats: the mean loss of the tokens of each, which are answered alike."""
    predicted, allowed = ground.predict([s.rendered for s in rows], opened), ground.under(rows).allowed
    logits = predicted.logits if allowed is None else predicted.logits[:, allowed]
    right = predicted.target if allowed is None else places(predicted.target, allowed)
    each = F.cross_entropy(logits.float(), right, reduction="none")
    sums = each.new_zeros(len(rows)).index_add(0, predicted.row, each)
    return (sums / torch.bincount(predicted.row, minlength=len(rows))).double().cpu().numpy()


def asks_teacher(order: object) -> bool:
    """Whether an order of rows goes by what a teacher says of them."""
    difficulty = getattr(order, "difficulty", None)
    return isinstance(difficulty, Loss) and difficulty.teacher

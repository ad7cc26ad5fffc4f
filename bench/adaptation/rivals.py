"""What others do at the same moments: replay by share, penalties, ways to adapt, merging, and the exact head.

All go on from their own last model with the labels revealed since, as naive fine-tuning does: same base, same trained
tensors where the way is not the point, same rate and early stopping, and as many passes as the share of joint
retraining that ours may spend pays for. None of them has a gate, a second attempt or the fit of the labels' rows, which
are ours.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from adaptation.arms import Race, Step, trained
from adaptation.lab import TASK, Model
from homeostat.collect.stream import Split, StreamRow
from homeostat.curate.build import Curated
from homeostat.curate.mix import memory
from homeostat.llm.backend import Request
from homeostat.llm.features import Features
from homeostat.llm.local import LocalBackend
from homeostat.train.adapt.lora import PLAIN, Lora
from homeostat.train.adapt.stacked import Stacked
from homeostat.train.head.choose import choose_ridge
from homeostat.train.head.ridge import RidgeHead
from homeostat.train.pace import Rows, passes
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.penalties.ewc import Ewc
from homeostat.train.penalties.l2_pull import L2Pull
from homeostat.train.penalties.stay import Stay
from homeostat.train.recipe import Recipe
from homeostat.train.run import Start
from homeostat.types.dataset import Example

Change = Callable[[Recipe], Recipe]


def _replayed(share: float, **more: object) -> Change:
    """Naive fine-tuning with so many old rows for a new one, and something else."""
    return lambda naive: replace(naive, replay=share, **more)  # type: ignore[arg-type]


def _root(naive: Recipe) -> Recipe:
    """LoRA scaled by the root of its rank at the alpha that it has without, as who turns that on would have it."""
    rank = naive.adapt.rank  # type: ignore[attr-defined]
    return replace(naive, replay=0.5, adapt=Lora(rank=rank, alpha=PLAIN * rank, rs=True))


def _adapted(kind: type[Lora] = Lora, **more: object) -> Change:
    """Half as many old rows as new ones, and LoRA of another make."""
    return lambda naive: replace(naive, replay=0.5, adapt=kind(rank=naive.adapt.rank, **more))  # type: ignore[attr-defined, arg-type]


RIVALS: Mapping[str, Change] = {
    "replay_00": _replayed(0.0),
    "replay_05": _replayed(0.05),
    "replay_10": _replayed(0.10),
    "replay_25": _replayed(0.25),
    "replay_50": _replayed(0.50),
    "ewc": _replayed(0.25, penalties=(Ewc(),)),
    "l2_sp": _replayed(0.0, penalties=(L2Pull(),)),
    "kl_new": _replayed(0.0, penalties=(Stay(),)),
    "kl_old": _replayed(0.25, penalties=(Divergence(weight=2.0),)),
    "rs_lora": _root,
    "dora": _adapted(dora=True),
    "stacked": _adapted(Stacked),
}
"""Arm -> what it changes of naive fine-tuning."""
OWN = ("rs_lora", "dora")
"""Arms whose adapters are of another make, so that they begin at a first model of their own, which counts for none."""
MERGED, HEAD = "merged", "head"
NAMES = (*RIVALS, MERGED, HEAD)


def rival(race: Race, champion: Model, learned: Curated, name: str) -> list[Step]:
    """The steps of an arm by its name."""
    if name == HEAD:
        return head(race, champion)
    change = RIVALS.get(name, _replayed(0.0))
    recipe = replace(change(race.plain("naive")), name=name, refit=False)
    if name not in OWN:
        return _Sequence(race, name, recipe, champion, list(learned.examples)).steps()
    first = race.train(f"first-{name}", 0, replace(race.recipe("first"), adapt=recipe.adapt), None, learned)
    steps = _Sequence(race, name, recipe, first, list(learned.examples)).steps()
    return [replace(step, first=first) for step in steps]


@dataclass(slots=True)
class _Sequence:
    """An arm that goes on from its own last model at every turn."""

    race: Race
    name: str
    recipe: Recipe
    model: Model
    memory: list[Example]

    def steps(self) -> list[Step]:
        return [self._turn(turn) for turn in self.race.course.turns]

    def _turn(self, turn: int) -> Step:
        race, moments = self.race, self.race.course.moments
        new = race.revealed(moments[turn - 1] if turn > 1 else -math.inf, moments[turn])
        labels = self.model.start.labels
        curated = race.curated(new, old=self.memory, labels=labels, replay=self.recipe.replay)
        if not curated.counts["new"]:
            race.lab.score(self.model, race.course.seen(turn))
            return Step(model=self.model, labels=race.shown(turn))
        learned = race.train(self.name, turn, self._paced(curated), self.model, curated)
        self.memory = memory([self.memory, curated.examples])
        if self.name == MERGED:
            self.model = race.lab.between(self.name, turn, self.model, learned)
            race.lab.score(self.model, race.course.seen(turn))
        else:
            self.model = learned
        return replace(trained(race, turn, learned), model=self.model)

    def _paced(self, curated: Curated) -> Recipe:
        """The recipe with the passes over these rows that ours may spend, as a share of those over all remembered."""
        counts, settings = Rows.of(curated.examples), self.race.settings
        known = replace(counts, known=counts.new + len(self.memory))
        within = replace(self.recipe, share=settings.budget)
        return replace(self.recipe, epochs=passes(within, settings.train.epochs, known, len(curated.labels)))


def head(race: Race, champion: Model) -> list[Step]:
    """The exact head on the untouched base's embeddings and n-grams: it reads each new row once, and writes nothing."""
    course = race.course
    rows = [*course.of(Split.HISTORY), *course.labeled(race.settings.share, race.seed), *course.of(Split.TEST)]
    features, began = _features(race, rows), time.process_time()
    of = dict(zip((row.index for row in rows), features, strict=True))
    history = course.of(Split.HISTORY)
    known, labels = np.stack([of[row.index] for row in history]), [row.label for row in history]
    learner = RidgeHead(features.shape[1], ridge=choose_ridge(known, labels))
    learner.add(known, labels)
    steps, history_took = [], time.process_time() - began
    first = _told(race, 0, learner, of)
    for turn in course.turns:
        began = time.process_time()
        new = race.revealed(course.moments[turn - 1] if turn > 1 else -math.inf, course.moments[turn])
        if new:
            learner.add(np.stack([of[row.index] for row in new]), [row.label for row in new])
        took, model = time.process_time() - began, _told(race, turn, learner, of)
        width = features.shape[1]
        flops = race.lab.forward(new) + 2.0 * len(new) * width**2 + width**3 / 3.0
        steps.append(Step(model=model, flops=flops, cpu_seconds=took, labels=race.shown(turn), first=first))
    race.lab.note(f"{race.seed} head: its history took {history_took:.1f} CPU-s, which counts for no arm")
    return steps


def _told(race: Race, turn: int, learner: RidgeHead, of: Mapping[int, np.ndarray]) -> Model:
    """What the head says of all test rows after a turn, as a model that answered them."""
    rows = race.course.of(Split.TEST)
    replies = learner.predict(np.stack([of[row.index] for row in rows]))
    right = {row.index: reply == row.label for row, reply in zip(rows, replies, strict=True)}
    start = Start(base=race.lab.base)
    return Model(id=f"head {race.seed} {turn}", folder=Path(), start=start, cost={}, rows=0, right=right)


def _features(race: Race, rows: Sequence[StreamRow]) -> np.ndarray:
    """float64[rows, 1536], kept beside the models."""
    kept = race.lab.folder / f"features-{race.course.fingerprint[:8]}-{race.seed}-{len(rows)}.npy"
    if not kept.exists():
        backend = LocalBackend(race.lab.base)
        embeddings = backend.embed([Request(task=TASK, text=row.text, version="") for row in rows]).astype(np.float64)
        maker = Features.fixed(embeddings[: len(race.course.of(Split.HISTORY))])
        np.save(kept, maker.of(embeddings, [row.text for row in rows]).astype(np.float32))
    return np.asarray(np.load(kept), np.float64)

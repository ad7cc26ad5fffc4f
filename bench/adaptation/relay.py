"""One model that is handed from task to task, by every arm of `bench/sequence.py`.

All arms begin at the same first model, which has learned the first task, and train the same tensors of the same base on
the same rows with the same number of passes at most and early stopping. Labels of all tasks compete together: nothing
but the instruction tells a request's task. Only ours has a gate, further attempts, and the fit of the labels' rows;
joint retraining has the fit too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch

from adaptation.lab import Lab, Lesson, Model, _write, prior_of
from adaptation.sequence import Item, Stage
from homeostat.config.schema import Evaluate, Train
from homeostat.curate.mix import draw
from homeostat.errors import Diverged
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.score import PairedRow
from homeostat.llm.adapters import put_on, switch_to
from homeostat.llm.backend import Request
from homeostat.llm.forward import predict
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.llm.render import Rendered, Renderer
from homeostat.loop.story.arms import Arm
from homeostat.metrics.text import Floats, chrf_row, perplexity_of
from homeostat.train.named import named
from homeostat.train.objectives.preference.likelihood import lengths, likelihoods
from homeostat.train.objectives.preference.mixed import Mixed
from homeostat.train.pace import Rows, paced
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.penalties.ewc import Ewc
from homeostat.train.penalties.l2_pull import L2Pull
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order
from homeostat.train.transfer.along import Line, along
from homeostat.types.dataset import Example, Origin
from homeostat.types.report import Outcome, Verdict
from homeostat.types.task import Kind

LONGEST = 48
"""Tokens of a reply in words, at most."""
ATTEMPTS = ("careful", "thorough")
BUDGET = 0.25
"""Share of joint retraining's operations so far that a further attempt of ours has to stay within."""
GENEROUS = 4.0
"""Old rows for each new one, where ours may spend what it likes: the later tasks are small beside all that is known."""
NOTHING: Mapping[str, float] = {"flops": 0.0, "cpu_seconds": 0.0}
ROWS = 40
"""Pairs of one forward pass."""
RIVALS: Mapping[str, Callable[[Recipe], Recipe]] = {
    "naive": lambda naive: naive,
    "replay_05": lambda naive: replace(naive, replay=0.05),
    "replay_10": lambda naive: replace(naive, replay=0.10),
    "replay_25": lambda naive: replace(naive, replay=0.25),
    "replay_50": lambda naive: replace(naive, replay=0.50),
    "ewc": lambda naive: replace(naive, replay=0.25, penalties=(Ewc(rows=64),)),
    "l2_sp": lambda naive: replace(naive, penalties=(L2Pull(),)),
    "kl_old": lambda naive: replace(naive, replay=0.25, penalties=(Divergence(),)),
}
"""Arm -> what it changes of sequential fine-tuning."""
NEVER, JOINT, OURS = "never", "joint", "ours"
NAMES = (NEVER, *RIVALS, JOINT, OURS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """Where an arm stands after a stage, and what the stage took."""

    model: Model
    flops: float = 0.0
    cpu_seconds: float = 0.0
    verdicts: tuple[Verdict, ...] = ()
    mended: bool = False


@dataclass(slots=True)
class Examiner:
    """What models are worth on rows, kept beside them."""

    base: str
    backend: LocalBackend = field(init=False)

    def __post_init__(self) -> None:
        self.backend = LocalBackend(self.base)

    def worth(self, model: Model, stage: Stage, items: Sequence[Item]) -> list[float]:
        """For each row 1 or 0 for a label, chrF over 100 with the nearest right reply, 1 or 0 for the better reply."""
        kept = model.folder / "worth.json"
        known: dict[str, float] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        missing = [item for item in items if _key(stage, item) not in known]
        if missing:
            ask = self._preferred if stage.compares else self._replied
            known |= zip((_key(stage, item) for item in missing), ask(model, stage, missing), strict=True)
            _write(kept, known)
        return [known[_key(stage, item)] for item in items]

    def _replied(self, model: Model, stage: Stage, items: Sequence[Item]) -> list[float]:
        version = Arm(name=model.id, start=model.start, prior=prior_of(model)).version
        self.backend.load(version, model.start.folder)
        asked = [Request(task=stage.task, text=item.text, version=version.id, max_tokens=LONGEST) for item in items]
        replies = [reply.text for reply in self.backend.reply(asked)]
        self.backend.unload(version.id)
        if stage.labels:
            return [float(reply in item.targets) for reply, item in zip(replies, items, strict=True)]
        return [
            max(chrf_row(reply, right) for right in item.targets) / 100.0
            for reply, item in zip(replies, items, strict=True)
        ]

    def _preferred(self, model: Model, stage: Stage, items: Sequence[Item]) -> list[float]:
        """Whether the better reply has the higher mean log-probability of a token."""
        better, worse = (
            self._likely(model, stage, [(item.text, reply) for item, reply in zip(items, replies, strict=True)])
            for replies in ([item.targets[0] for item in items], [item.rejected for item in items])
        )
        return [float(one[0] / one[1] > other[0] / other[1]) for one, other in zip(better, worse, strict=True)]

    def perplexity(self, model: Model, stage: Stage) -> float:
        """Of the first right reply to each test row, of all their tokens, over the whole vocabulary."""
        kept = model.folder / "perplexity.json"
        known: dict[str, float] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        if stage.task.name not in known:
            said = self._likely(model, stage, [(item.text, item.targets[0]) for item in stage.test])
            known[stage.task.name] = float(perplexity_of(said.sum(0)).item())
            _write(kept, known)
        return known[stage.task.name]

    @torch.no_grad()
    def _likely(self, model: Model, stage: Stage, pairs: Sequence[tuple[str, str]]) -> Floats:
        """float64[pairs, 2]: the log-probability (nats) of each reply to its request, and its tokens."""
        opened = open_model(self.base)
        assert model.start.folder is not None, "every model here was trained"
        put_on(opened.model, model.start.kind, model.start.folder, "asked")
        switch_to(opened.model, "asked")
        renderer, found = Renderer(opened.tokenizer), list[Floats]()
        for start in range(0, len(pairs), ROWS):
            rows = [
                Rendered(renderer.prompt(stage.task, text), renderer.target(reply))
                for text, reply in pairs[start : start + ROWS]
            ]
            said = predict(opened, rows)
            each = torch.stack([likelihoods(said, len(rows)), lengths(said, len(rows))], 1)
            found.append(each.double().cpu().numpy())
        return np.concatenate(found)


def _key(stage: Stage, item: Item) -> str:
    return f"{stage.task.name} {item.text} {item.rejected}"


@dataclass(frozen=True, kw_only=True)
class Relay:
    """What the arms of one seed share."""

    lab: Lab
    examiner: Examiner
    stages: Sequence[Stage]
    train: Train
    evaluate: Evaluate = field(default_factory=Evaluate)
    seed: int = 0
    generous: bool = False
    """Whether ours may make as many passes as the others, replay more, and try again whatever that costs."""

    def labels(self, number: int) -> tuple[str, ...]:
        """All labels up to a stage, in the order in which they came."""
        return tuple(label for stage in self.stages[: number + 1] for label in stage.labels)

    def recipe(self, name: str) -> Recipe:
        """The product's recipe of this name, with rows of several sorts side by side."""
        recipe = replace(named(name, self.train), objective=Mixed())
        if self.generous and name in ATTEMPTS:
            replay = max(recipe.replay, GENEROUS)
            return replace(recipe, share=0.0, epochs=self.train.epochs, looks=self.train.epochs, replay=replay)
        return recipe

    def learn(
        self,
        arm: str,
        number: int,
        recipe: Recipe,
        parent: Model | None,
        old: Sequence[Example],
    ) -> Model:
        """Train on a stage's rows beside old ones."""
        stage, before = self.stages[number], self.stages[:number]
        lesson = Lesson(
            arm=arm,
            seed=self.seed,
            turn=number,
            parent=parent,
            examples=[*stage.new, *old],
            labels=self.labels(number),
            recipe=recipe,
            task=stage.task,
            beside=tuple(each.task for each in before),
        )
        model = self.lab.train(lesson)
        cost = f"{model.cost['steps']:.0f} steps, {model.cost['cpu_seconds']:.0f} CPU-s"
        self.lab.note(f"{self.seed} {arm} after {stage.task.name}: {model.rows} rows, {cost}")
        return model

    def replayed(self, number: int, share: float, origin: Origin = Origin.REPLAY) -> list[Example]:
        """So many old rows for each new one, as many of each earlier task, and within it of each label as curation
        draws them.
        """
        before, wanted = self.stages[:number], share * len(self.stages[number].new)
        return [
            row
            for stage in before
            for row in draw(
                stage.new, round(wanted / len(before)), origin, kind=stage.task.kind, seed=(self.train.seed, number)
            )
        ]

    def remembered(self, number: int, but: Sequence[Example], *, labels: bool) -> list[Example]:
        """The other rows of earlier tasks, as recalled: those with labels alone, or all."""
        taken = {(row.task, row.text, row.target) for row in but}
        return [
            replace(row, origin=Origin.RECALL)
            for stage in self.stages[:number]
            for row in stage.new
            if (stage.labels or not labels) and (row.task, row.text, row.target) not in taken
        ]

    @cached_property
    def first(self) -> Model:
        """The first task's model, which counts for no arm."""
        return self.learn("first", 0, self.recipe("first"), None, [])

    def race(self, name: str, joint: Sequence[Leg] = ()) -> list[Leg]:
        """The legs of an arm; `joint` is what ours holds its budget against."""
        if name == NEVER:
            return [Leg(model=self.first) for _ in self.stages]
        if name == JOINT:
            return self._joint()
        return _Ours(self, joint).legs() if name == OURS else self._rival(name)

    def _joint(self) -> list[Leg]:
        """From the bare base on every row so far."""
        legs = [Leg(model=self.first)]
        for number in range(1, len(self.stages)):
            old = [row for stage in self.stages[:number] for row in stage.new]
            legs.append(_leg(self.learn(JOINT, number, self.recipe(JOINT), None, old)))
        return legs

    def _rival(self, name: str) -> list[Leg]:
        """Sequential fine-tuning, changed as the arm says."""
        recipe = replace(RIVALS[name](self.recipe("naive")), name=name, refit=False)
        legs = [Leg(model=self.first)]
        for number in range(1, len(self.stages)):
            old = self.replayed(number, recipe.replay) if recipe.replay else []
            legs.append(_leg(self.learn(name, number, recipe, legs[-1].model, old)))
        return legs

    def judged(self, candidate: Model, champion: Model, number: int) -> Verdict:
        """The gate, on its own rows of all tasks so far, with the newest as its target."""
        pairs = [
            PairedRow(id=f"{stage.task.name} {k}", group=stage.task.name, candidate=mine, champion=theirs)
            for stage in self.stages[: number + 1]
            for k, (mine, theirs) in enumerate(
                zip(*(self.examiner.worth(each, stage, stage.suite) for each in (candidate, champion)), strict=True)
            )
        ]
        task, target = self.stages[number].task, (self.stages[number].task.name,)
        report = compare(task, candidate.id, champion.id, pairs, self.evaluate, now=float(number), target=target)
        verdict = gate(report, pairs, self.evaluate, target=target)
        self.lab.note(f"{self.seed} ours after {task.name}: {verdict.outcome.value}: {verdict.because}")
        return verdict


def _leg(model: Model) -> Leg:
    return Leg(model=model, flops=model.cost["flops"], cpu_seconds=model.cost["cpu_seconds"])


@dataclass(slots=True)
class _Ours:
    """The default policy: from the champion with replay and divergence, the labels' rows fitted, through the gate; else
    once more, harder, where the budget allows; else what lies between.

    A candidate that the gate is unsure of is released: the course has no traffic that a canary could be judged by.
    """

    relay: Relay
    joint: Sequence[Leg]
    spent: float = 0.0

    def legs(self) -> list[Leg]:
        legs = [Leg(model=self.relay.first)]
        for number in range(1, len(self.relay.stages)):
            legs.append(self._leg(number, legs[-1].model))
            self.spent += legs[-1].flops
        return legs

    def _leg(self, number: int, champion: Model) -> Leg:
        tried, verdicts = list[Model](), list[Verdict]()
        for name in ATTEMPTS:
            recipe = self.relay.recipe(name)
            old = self.relay.replayed(number, recipe.replay)
            if tried and not self._affordable(number, tried, len(old)):
                break
            try:
                tried.append(self._candidate(number, recipe, champion, old))
            except Diverged as ran:  # as in a turn: an attempt that ran away is none
                self.relay.lab.note(f"{self.relay.seed} ours-{name} turn {number}: {ran.what}")
                continue
            verdicts.append(self.relay.judged(tried[-1], champion, number))
            if verdicts[-1].outcome is Outcome.PASS:
                break
        fit = [m for m, v in zip(tried, verdicts, strict=True) if v.outcome is not Outcome.FAIL]
        mended, vain = self._mended(number, champion, tried[-1]) if tried and not fit else (None, NOTHING)
        if mended:
            tried.append(mended)
            verdicts.append(self.relay.judged(mended, champion, number))
            fit = [mended] if verdicts[-1].outcome is not Outcome.FAIL else []
        return Leg(
            model=fit[-1] if fit else champion,
            flops=sum(model.cost["flops"] for model in tried) + vain["flops"],
            cpu_seconds=sum(model.cost["cpu_seconds"] for model in tried) + vain["cpu_seconds"],
            verdicts=tuple(verdicts),
            mended=bool(mended and fit),
        )

    def _affordable(self, number: int, tried: Sequence[Model], replayed: int) -> bool:
        """Whether a further attempt stays within the budget, at the last one's cost for each row that is trained on."""
        relay, last = self.relay, tried[-1]
        if relay.generous:
            return True
        new = len(relay.stages[number].new)
        per_row = last.cost["flops"] / (new + len(relay.replayed(number, relay.recipe(ATTEMPTS[0]).replay)))
        so_far = self.spent + sum(model.cost["flops"] for model in tried)
        allowed = BUDGET * sum(leg.flops for leg in self.joint[: number + 1])
        return so_far + per_row * (new + replayed) <= allowed

    def _candidate(self, number: int, recipe: Recipe, champion: Model, replayed: Sequence[Example]) -> Model:
        relay, stage = self.relay, self.relay.stages[number]
        old = [*replayed, *(relay.remembered(number, replayed, labels=True) if recipe.recalls_of(stage.task) else [])]
        labels = relay.labels(number) if stage.task.kind is Kind.LABEL else ()
        pace = paced(recipe, relay.train, Rows.of([*stage.new, *old]), labels)
        return relay.learn(f"ours-{recipe.name}", number, pace, champion, old)

    def _mended(self, number: int, champion: Model, candidate: Model) -> tuple[Model | None, Mapping[str, float]]:
        """The point between champion and candidate, where there is one that will do, and what looking took in vain."""
        relay, stage = self.relay, self.relay.stages[number]
        folder = relay.lab.folder / f"{relay.seed}-between-{number}-{candidate.id}"
        if (folder / "vain.json").exists():
            return None, json.loads((folder / "vain.json").read_text(encoding="utf-8"))
        if not (folder / "model.json").exists():
            order = Order(
                task=stage.task,
                start=champion.start,
                examples=[*stage.new, *relay.remembered(number, (), labels=False)],
                labels=relay.labels(number),
                recipe=relay.recipe(ATTEMPTS[-1]),
                folder=folder,
                beside=tuple(each.task for each in relay.stages[:number]),
            )
            sought = along(Line(order=order, candidate=candidate.folder / "weights"), relay.evaluate.margin)
            found = sought.point
            relay.lab.note(f"{relay.seed} ours after {stage.task.name}: between: {found and found.share}")
            if found is None:
                _write(folder / "vain.json", sought.cost)
                return None, sought.cost
            told = json.loads((candidate.folder / "model.json").read_text(encoding="utf-8"))
            cost = {**told["cost"], **found.trained.cost}
            _write(folder / "model.json", {**told, "arm": "between", "prior": (), "cost": cost})
        return relay.lab.kept(f"between {candidate.id}", folder, candidate.start.labels), NOTHING

"""The arms: never retrain, naive fine-tuning, joint retraining, ours, and joint retraining on every label.

All train the same tensors of the same base with the same learning rate, passes and early stopping. All learn from what
curation leaves of their labels: cleaned, deduplicated, fenced against the test rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from adaptation.courses import Course
from adaptation.lab import TASK, Lab, Lesson, Model
from homeostat.collect.stream import Split, StreamRow
from homeostat.config.schema import Curate, Evaluate, Release, Train
from homeostat.curate.build import Curated, Inputs, build
from homeostat.curate.mix import memory, superseded
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.score import PairedRow
from homeostat.loop.proving.judging import KNOWN, NEW
from homeostat.release.evidence import Evidence
from homeostat.train.named import named
from homeostat.train.pace import Rows, paced
from homeostat.train.recipe import Recipe
from homeostat.types.dataset import Example
from homeostat.types.report import Outcome, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the arms train and how ours is judged."""

    share: float = 0.3
    """Share of the live rows whose label is revealed."""
    budget: float = 0.25
    """Share of joint retraining's operations that ours may spend; what joint would have taken by now is reckoned from
    the first champion's cost per row. It limits second attempts only."""
    attempts: tuple[str, ...] = ("careful", "thorough")
    """What ours tries at a turn, in order, until the gate lets a candidate pass or the budget is spent."""
    train: Train = field(default_factory=Train)
    curate: Curate = field(default_factory=lambda: Curate(max_rows=1_000_000))
    """Without a cap on rows, which would spare joint retraining the larger part of its work."""
    evaluate: Evaluate = field(default_factory=Evaluate)

    def seeded(self, seed: int) -> Settings:
        """The same with this seed for the order, the held-out rows, the initial adapter and the draw of replay."""
        return replace(self, train=replace(self.train, seed=seed), curate=replace(self.curate, seed=seed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Where an arm stands after a turn, and what the turn took."""

    model: Model
    flops: float = 0.0
    cpu_seconds: float = 0.0
    gate_flops: float = 0.0
    """Operations of the gate's scoring, which is no training and is told apart."""
    verdicts: tuple[Verdict, ...] = ()
    labels: int = 0
    """Labels of live rows that the arm had been shown by then."""
    gate_labels: int = 0
    """Labels of other live rows that the arm's gates had seen by then: it learns from none of them."""
    first: Model | None = None
    """The arm's own first model, where that is not the champion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Everything that the arms of one seed on one course share."""

    lab: Lab
    course: Course
    settings: Settings
    seed: int

    def examples(self, rows: Sequence[StreamRow]) -> list[Example]:
        """Rows as they would come from the log: live ones bear the id of an interaction."""
        return [
            Example(
                text=row.text,
                target=row.label,
                task=TASK.name,
                time=row.time,
                interaction=f"int_{row.index}" if row.split is Split.LIVE else "",
            )
            for row in rows
        ]

    def revealed(self, since: float, until: float) -> list[StreamRow]:
        """Labeled live rows of a stretch of time."""
        return [row for row in self.course.labeled(self.settings.share, self.seed) if since < row.time <= until]

    def judges(self, turn: int) -> list[StreamRow]:
        """The rows of a turn's gate, less those that newer ones have made wrong; none where every label is revealed."""
        rows = self.course.judging(turn, self.settings.share, self.seed)
        wrong = superseded(self.examples(rows), (), TASK.kind)
        return [row for number, row in enumerate(rows) if number not in wrong]

    def shown(self, turn: int) -> int:
        """How many of them a turn had been shown: from the first one on."""
        return len(self.revealed(-math.inf, self.course.moments[turn]))

    def curated(
        self,
        new: Sequence[StreamRow],
        *,
        old: Sequence[Example] = (),
        labels: tuple[str, ...] = (),
        replay: float = 0.0,
        recall: bool = False,
    ) -> Curated:
        """What curation makes of new rows and of what is remembered."""
        fence = [row.text for row in self.course.of(Split.TEST)]
        inputs = Inputs(
            task=TASK, imported=self.examples(new), memory=old, evaluation=fence, labels=labels, recall=recall
        )
        return build(inputs, replace(self.settings.curate, replay=replay))

    def recipe(self, name: str) -> Recipe:
        """The product's recipe of this name, under these settings."""
        return named(name, self.settings.train, replay=self.settings.curate.replay)

    def plain(self, name: str) -> Recipe:
        """The same for an arm that nobody goes on from with kept states: keeping them is not among its costs."""
        return replace(self.recipe(name), carry=False)

    def train(self, arm: str, turn: int, recipe: Recipe, parent: Model | None, curated: Curated) -> Model:
        """Train a model and have it answer the test rows seen so far."""
        lesson = Lesson(
            arm=arm,
            seed=self.seed,
            turn=turn,
            parent=parent,
            examples=curated.examples,
            labels=curated.labels,
            recipe=paced(recipe, self.settings.train, Rows.of(curated.examples), curated.labels),
        )
        model = self.lab.train(lesson)
        accuracy = self.lab.score(model, self.course.seen(turn))
        took = f"{model.rows:,} rows, {model.cost['steps']:.0f} steps, {model.cost['cpu_seconds']:.0f} CPU-s"
        shown = "–" if accuracy is None else f"{100 * accuracy:.1f} %"
        self.lab.note(f"{self.seed} {arm} turn {turn}: {shown} right ({took})")
        return model


def first(race: Race) -> tuple[Model, Curated]:
    """The first champion, trained on the history, and what it learned. It counts for no arm."""
    curated = race.curated(race.course.of(Split.HISTORY))
    return race.train("first", 0, race.recipe("first"), None, curated), curated


def never(race: Race, champion: Model) -> list[Step]:
    """The first champion for ever."""
    for turn in race.course.turns:
        race.lab.score(champion, race.course.seen(turn))
    return [Step(model=champion) for _ in race.course.turns]


def naive(race: Race, champion: Model) -> list[Step]:
    """Sequential fine-tuning on each turn's new rows alone."""
    steps, model = [], champion
    for turn in race.course.turns:
        since, until = race.course.moments[turn - 1], race.course.moments[turn]
        # What came before the first moment is revealed at the first turn, as it is to the other arms.
        curated = race.curated(race.revealed(since if turn > 1 else -math.inf, until), labels=model.start.labels)
        if curated.examples:
            model = race.train("naive", turn, race.plain("naive"), model, curated)
            steps.append(trained(race, turn, model))
        else:
            race.lab.score(model, race.course.seen(turn))
            steps.append(Step(model=model, labels=race.shown(turn)))
    return steps


def joint(race: Race, *, arm: str = "joint", last_only: bool = False) -> list[Step]:
    """From the bare base on everything labeled so far, less what newer labels have made wrong."""
    steps = []
    for turn in list(race.course.turns)[-1 if last_only else 0 :]:
        rows = race.course.of(Split.HISTORY) + race.revealed(-math.inf, race.course.moments[turn])
        curated = race.curated(rows)
        wrong = superseded(curated.examples, (), TASK.kind)
        kept = tuple(row for number, row in enumerate(curated.examples) if number not in wrong)
        model = race.train(arm, turn, race.plain("joint"), None, replace(curated, examples=kept))
        steps.append(trained(race, turn, model))
    return steps


def trained(race: Race, turn: int, model: Model) -> Step:
    """Where an arm stands that has trained a model and puts it in place."""
    cost = model.cost
    return Step(model=model, flops=cost["flops"], cpu_seconds=cost["cpu_seconds"], labels=race.shown(turn))


def look_ahead(race: Race, steps: Mapping[str, Sequence[Step]]) -> None:
    """Have who answers after a turn answer what the next one shows too, which forward transfer is made of.

    Rows of labels that the history lacks are left out, and so are models that are on record without their weights.
    """
    for taken in steps.values():
        for turn, step in zip(race.course.turns[1:], taken[:-1], strict=False):
            race.lab.peek(step.model, race.course.answerable(turn))


def ours(race: Race, champion: Model, learned: Curated) -> list[Step]:
    """The default policy: from the champion, with replay and divergence, through the gate; else once more, harder.

    A candidate that the gate is unsure of goes into a canary, as it does in production, which the labels of the time
    until the next turn decide; until then the champion answers, and is measured.
    """
    policy = _Policy(race=race, champion=champion, memory=list(learned.examples), per_row=_per_row(champion))
    return [policy.turn(turn) for turn in race.course.turns]


def _per_row(model: Model) -> float:
    return model.cost["flops"] / model.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A candidate, what it learned, and when."""

    candidate: Model
    examples: tuple[Example, ...]
    time: float


@dataclass(slots=True, kw_only=True)
class _Policy:
    """Ours between turns."""

    race: Race
    champion: Model
    memory: list[Example]
    """What the champion and its ancestors were trained on."""
    per_row: float
    """Operations that training from the base takes per row: the first champion's."""
    since: float = -math.inf
    """Moment of the champion's dataset."""
    spent: float = 0.0
    allowed: float = 0.0
    trial: Trial | None = None
    """The last turn's candidate, if the gate was unsure of it."""
    judged: set[int] = field(default_factory=set)
    """Numbers of the rows that gates have seen."""

    def turn(self, turn: int) -> Step:
        """Train until the gate lets a candidate pass; who answers afterwards, and what every candidate took."""
        race, now = self.race, self.race.course.moments[turn]
        self._settle(now)
        known = len(race.course.of(Split.HISTORY)) + len(race.revealed(-math.inf, now))
        self.allowed += race.settings.budget * self.per_row * known
        tried: list[Model] = []
        verdicts: list[Verdict] = []
        for wanted in map(race.recipe, race.settings.attempts):
            curated = race.curated(
                race.revealed(self.since, now),
                old=self.memory,
                labels=self.champion.start.labels,
                replay=wanted.replay,
                recall=wanted.recalls_of(TASK),
            )
            if not curated.counts["new"] or (tried and not self._affordable(tried[-1], len(curated.examples))):
                break
            tried.append(race.train(f"ours-{wanted.name}", turn, wanted, self.champion, curated))
            self.spent += tried[-1].cost["flops"]
            last = Trial(candidate=tried[-1], examples=curated.examples, time=now)
            judges = race.judges(turn)
            self.judged |= {row.index for row in judges}
            verdicts += [judge(race, tried[-1], self.champion, turn, judges)] if judges else []
            if not judges or verdicts[-1].outcome is Outcome.PASS:
                self._promote(last)
                break
            self.trial = last if verdicts[-1].outcome is Outcome.UNSURE else self.trial
        race.lab.score(self.champion, race.course.seen(turn))
        return Step(
            model=self.champion,
            flops=sum(model.cost["flops"] for model in tried),
            cpu_seconds=sum(model.cost["cpu_seconds"] for model in tried),
            gate_flops=2 * len(tried) * race.lab.forward(race.judges(turn)),
            verdicts=tuple(verdicts),
            labels=race.shown(turn),
            gate_labels=len(self.judged),
        )

    def _promote(self, trial: Trial) -> None:
        self.champion, self.since, self.trial = trial.candidate, trial.time, None
        self.memory = memory([self.memory, trial.examples])

    def _settle(self, now: float) -> None:
        """What became of an undecided candidate in the canary: the labels that came since have judged it."""
        if self.trial is None:
            return
        rows = self.race.revealed(self.trial.time, now)
        if released(self.race.lab, self.trial.candidate, self.champion, rows):
            self.race.lab.note(f"{self.race.seed} ours: released on the labels that followed")
            self._promote(self.trial)
        self.trial = None

    def _affordable(self, before: Model, rows: int) -> bool:
        """Whether another candidate on so many rows stays within the budget, at the last one's cost per row."""
        return self.spent + _per_row(before) * rows <= self.allowed


def released(lab: Lab, candidate: Model, champion: Model, rows: Sequence[StreamRow]) -> bool:
    """Whether a canary without the gate's blessing ends well on these labeled rows, by the rules of the release.

    Every row is a pair, judged in the order of time, as if its copy and its label came at once.
    """
    lab.score(candidate, rows)
    lab.score(champion, rows)
    scores = [(float(candidate.right[row.index]), float(champion.right[row.index])) for row in rows]
    looks = (Evidence.of(scores[:judged], Release()) for judged in range(1, len(scores) + 1))
    ends = (fit for seen in looks if (fit := seen.fit(Release(), passed=False)) is not None)
    return next(ends, False)


def judge(race: Race, candidate: Model, champion: Model, turn: int, rows: Sequence[StreamRow]) -> Verdict:
    """The offline gate of a turn on these rows, with labels new to the champion as its target."""
    race.lab.score(candidate, rows)
    race.lab.score(champion, rows)
    pairs = [
        PairedRow(
            id=str(row.index),
            group=KNOWN if row.label in champion.start.labels else NEW,
            candidate=float(candidate.right[row.index]),
            champion=float(champion.right[row.index]),
        )
        for row in rows
    ]
    target = (NEW,) if any(pair.group == NEW for pair in pairs) else ()
    settings, now = race.settings.evaluate, race.course.moments[turn]
    report = compare(TASK, candidate.id, champion.id, pairs, settings, now=now, target=target)
    verdict = gate(report, pairs, settings, target=target)
    race.lab.note(f"{race.seed} ours turn {turn}: {verdict.outcome.value}: {verdict.because}")
    return verdict

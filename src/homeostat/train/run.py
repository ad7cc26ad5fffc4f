"""One training, from examples to a folder of weights: open the model, render, adapt, fit, save.

The room's front door. Knows examples, labels and recipes; returns what a version needs and leaves the store alone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from homeostat.errors import UnknownLabel, UnsuitedModel, did_you_mean
from homeostat.llm.adapters import stand
from homeostat.llm.labels import LabelCodes, encode_labels
from homeostat.llm.lead import lead_places
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Renderer
from homeostat.train.bill import billed, on_gpu
from homeostat.train.carried import States
from homeostat.train.champion import Champion, gauged
from homeostat.train.fit import fit
from homeostat.train.gang import ALONE, Gang, gang
from homeostat.train.job import Job
from homeostat.train.newcomers import fit_newcomers
from homeostat.train.order.difficulty import FIX, NO_TEACHER, WHERE, asks_teacher
from homeostat.train.penalties.importance import Importance, after
from homeostat.train.prior import fit_prior
from homeostat.train.rates import with_rate
from homeostat.train.recipe import Recipe
from homeostat.train.refit import Refitted, refit
from homeostat.train.reweigh import weighed
from homeostat.train.rows import beginnings
from homeostat.train.samples import Sample, apart
from homeostat.train.sound import require_rated, require_sound, worth
from homeostat.train.step import Comparing, Ground, Showing
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind, Task
from homeostat.types.version import HEAD

WORDLESS = "the teacher is a head, which says nothing of tokens"


def unheard(values: dict[str, float]) -> None:
    """Nobody listens. A function with a name, so that an order can be handed to another process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a run goes on from."""

    base: str
    folder: Path | None = None
    """The champion's adapter or weights; None for the bare base."""
    kind: str = "base"
    labels: tuple[str, ...] = ()
    """Labels the champion knows, in the order of their codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to train, on what, how, and where to leave it."""

    task: Task
    start: Start
    examples: Sequence[Example]
    labels: tuple[str, ...]
    """Label set of the new version: the champion's first, in its order."""
    recipe: Recipe
    folder: Path
    """Where the weights are left, in `folder/weights`; checkpoints lie beside them."""
    beside: Sequence[Task] = ()
    """Other tasks that the same model does, whose rows (`Example.task`) may be among the examples: each is read with
    its own instruction and answered in its own way. `labels` are then those of all of them, and compete together."""
    teacher: Start | None = None
    """A model to be at hand while it is trained, for objectives that ask one (`follow`, `likeness`, `restore`). Where
    there is none, an order of rows that asks one has the champion."""
    champion: Start | None = None
    """Whom `kl_new` compares with, where it is another than what is gone on from."""
    told: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Text of a request -> the log-probability that a teacher gave each label, for objectives that learn from it."""
    held: Sequence[Example] = ()
    """What the champion is made of, if it is a head: rows of it are not read again."""
    report: Callable[[dict[str, float]], None] = unheard
    processes: int = 1
    """Processes of this machine that a batch is divided among, and the model too where the recipe is `sharded`."""

    @property
    def chooses(self) -> bool:
        """Whether any of its tasks has labels."""
        return any(task.kind is Kind.LABEL for task in (self.task, *self.beside))

    def task_of(self, example: Example) -> Task:
        """The task that an example is of."""
        return next((task for task in self.beside if task.name == example.task), self.task)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a run left."""

    weights: Path
    kind: str
    labels: tuple[str, ...]
    prior: tuple[float, ...] = ()
    """What to subtract from each label's log-probability; empty for nothing."""
    ended: str = ""
    """What ended it before its last step: `patience`, or a limit, as `budget.seconds`; empty for nothing."""
    cost: dict[str, float] = field(default_factory=dict)
    """`flops`, `cpu_seconds`, `gpu_seconds` (where there was a GPU), `wall_seconds`, `steps`, `best_step`, `held_out`
    (the lowest loss of a look, in nats),
    `padding`, `lr` (its highest learning rate), `cut` (rows longer than the context, which have lost their end),
    `back_offs` (times the run went back because it diverged), `skipped` (steps left out for an overflow in float16),
    `part_rows` (rows of one pass after memory ran out, 0 for a whole batch), `refit` (nats by which fitting the labels'
    rows lowered the held-out loss), `carried` (rows whose states for that came over from the champion), and `kl_new`:
    mean KL(champion || candidate) in nats on prompts of new rows, over the champion's labels, or a token of replies
    that the champion writes itself, which says without labels how far the candidate has moved (2509.04259); 0 where
    there is no champion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a run needs before its first step."""

    job: Job
    champion: Champion
    remembered: Sequence[Sample]
    """All rows but those held out, the recalled ones among them."""
    cut: int
    """Rows longer than the context."""
    began: float
    """When making ready began, in seconds since 1970."""
    cpu_seconds: float
    """What making ready took."""

    @property
    def flops(self) -> float:
        """Operations of the run so far, asking the champion included."""
        return self.job.ground.meter.flops + self.champion.flops


def train(order: Order) -> Trained:
    """Train once; a run that was killed goes on from its checkpoint in the same folder.

    Raises:
        UnknownLabel: an example's target is not in the label set.
        NothingToTrainOn, LeakedAnswer: the rows teach nothing, or too little.
        Diverged, OutOfMemory, LostProcess, ModelNotFound, UnsafeWeights, CorruptWeights, UnsuitedModel: as said
            where they are defined.
    """
    with gang(order.processes, partial(_follow, replace(order, report=unheard))) as together:
        return carry_out(order, prepare(order, together))


def _follow(order: Order, place: Gang) -> None:
    """What another process of a run does: the same steps on its own rows of each batch."""
    fit(prepare(order, place).job)


def prepare(order: Order, place: Gang = ALONE) -> Prepared:
    """Open the model, render the rows, put on what is trained, and ask the champion. Raises as `train`."""
    began, begun = time.time(), time.process_time()
    require_sound(order.task, [e for e in order.examples if order.task_of(e) is order.task], order.labels)
    require_rated(order.task, order.examples, order.recipe.objective)
    torch.manual_seed(order.recipe.seed)
    warm = warm_from(order)
    spread = order.recipe.sharded and order.processes > 1  # then no device may be able to hold all of it
    opened = open_model(order.start.base, warm if order.recipe.adapt.kind == "full" else None, aside=spread)
    recipe = with_rate(order.recipe, opened.model.config, warm=warm is not None)
    codes = encode_labels(opened.tokenizer, order.labels) if order.chooses else None
    allowed = torch.tensor([s[0] for s in codes.sequences], device=opened.model.device) if codes else None
    renderer = Renderer(opened.tokenizer, lead=recipe.adapt.places)
    every = render(order, renderer, codes)
    cut = sum(renderer.is_cut(order.task_of(e), s.rendered) for e, s in zip(order.examples, every, strict=True))
    rows, held = apart(every, recipe.held_out)
    rows_of_labels = beginnings(opened, codes, len(order.start.labels) if warm else 0)
    parameters = recipe.adapt.attach(opened.model, warm, rows_of_labels, recipe.seed)
    recipe.adapt.look(opened, [s.rendered for s in rows if not s.recalled])
    before = _opened(order.start) if warm and recipe.adapt.moves else None
    (teacher, taught), champion = _teacher(order, opened), _champion(order, before or opened, allowed, every)
    ground = Ground(
        opened=opened,
        train=[s for s in rows if not s.recalled],
        held_out=held,
        allowed=allowed,
        known=len(order.start.labels) if is_taught(order) else 0,
        champion=before,
        teacher=teacher,
        taught=taught,
        label_rows=None if allowed is None else recipe.adapt.label_rows(opened.model, allowed),
        tasks=tuple(task.name for task in (order.task, *order.beside)),
        begun=warm,
        seed=recipe.seed,
    )
    job = Job(
        ground=ground,
        parameters=parameters,
        recipe=recipe,
        workspace=order.folder / "checkpoint",
        report=order.report,
        gang=place,
    )
    ground.meter.flops += _newcomers(job, rows)
    spent = time.process_time() - begun
    return Prepared(job=job, champion=champion, remembered=rows, cut=cut, began=began, cpu_seconds=spent)


def carry_out(order: Order, prepared: Prepared) -> Trained:
    """Train what was made ready, fit the labels' rows, and save. Raises as `train`."""
    job, champion = prepared.job, prepared.champion
    ground, recipe = job.ground, job.recipe
    fitted, ended = fit(job), time.process_time()
    refitted = _refit(job, prepared.remembered)
    moved = champion.distance(ground.opened)
    # What a model says of labels when it is asked about nothing is another thing for each task.
    asked = None if order.beside else ground.allowed
    prior, looked = fit_prior(ground.opened, order.task, ground.held_out, asked, refitted.said)
    recipe.adapt.save(ground.opened.model, order.folder / "weights")
    if refitted.kept is not None:
        refitted.kept.save(order.folder / "weights")
    measured = _importance(job, order.folder / "weights")
    cpu = prepared.cpu_seconds + time.process_time() - ended
    return Trained(
        weights=order.folder / "weights",
        kind=recipe.adapt.kind,
        labels=order.labels,
        prior=prior,
        ended=fitted.progress.ended,
        cost=billed(fitted, flops=champion.flops + looked + refitted.flops + measured, cpu_seconds=cpu)
        | {"wall_seconds": fitted.earlier + time.time() - prepared.began, "kl_new": moved, "refit": refitted.gained}
        | {"cut": float(prepared.cut), "lr": recipe.lr, "carried": float(refitted.carried)}
        | on_gpu(ground.opened.model.device, fitted.progress.seconds, order.processes),
    )


def _importance(job: Job, folder: Path) -> float:
    """Keep with a version what matters in its tensors, if the recipe says so; the operations that it took."""
    if not job.recipe.importance:
        return 0.0
    before = job.ground.meter.flops
    after(job.ground, Importance.read(job.ground.begun)).save(folder)
    return job.ground.meter.flops - before


def _newcomers(job: Job, remembered: Sequence[Sample]) -> float:
    """Fit the rows of labels that the champion does not know, where the recipe says so; the operations that it took."""
    ground = job.ground
    if ground.allowed is None or ground.begun is None or not job.recipe.newcomers:
        return 0.0
    carried = job.recipe.carry and ground.champion is None  # states are those of the champion as it is
    learned, kept = [s for s in remembered if not s.free], ground.kept if carried else States({})
    return fit_newcomers(ground.opened, ground.label_rows, ground.allowed, ground.known, learned, kept)


def _refit(job: Job, remembered: Sequence[Sample]) -> Refitted:
    """Fit the labels' rows where the recipe says so and there are labels."""
    ground = job.ground
    if ground.allowed is None or not job.recipe.refit:
        return Refitted()
    rows, before = ground.label_rows, ground.kept if job.recipe.carry else None
    learned, held = ([s for s in some if not s.free] for some in (remembered, ground.held_out))
    return refit(ground.opened, rows, ground.allowed, learned, held, before=before, bfloat16=ground.bfloat16)


def render(order: Order, renderer: Renderer, codes: LabelCodes | None) -> list[Sample]:
    """Every example as prompt and completion tokens.

    Raises:
        UnknownLabel: an example's target is not in the label set.
    """
    of = dict(zip(codes.labels, codes.sequences, strict=True)) if codes else {}
    samples = []
    for number, example in enumerate(weighed(order.examples, order.recipe.reweigh), 1):
        if order.task_of(example).kind is Kind.LABEL and example.target not in of:
            raise UnknownLabel(
                f"label '{example.target}' is not in the label set",
                where=f"row {number} of the dataset",
                fix=did_you_mean(example.target, of),
            )
        samples.append(_sample(order, renderer, example, of))
    return samples


def _sample(order: Order, renderer: Renderer, example: Example, codes: Mapping[str, Sequence[int]]) -> Sample:
    task, objective = order.task_of(example), order.recipe.objective
    labeled = task.kind is Kind.LABEL
    two = bool(example.rejected) and not labeled and isinstance(objective, Comparing)
    target = codes[example.target] if labeled else renderer.target(example.target)
    return Sample(
        renderer.example(task, example.text, target),
        replay=example.origin is Origin.REPLAY,
        recalled=example.origin is Origin.RECALL,
        weight=example.weight,
        value=worth(example),
        rejected=renderer.example(task, example.text, renderer.target(example.rejected)) if two else None,
        told=order.told.get(example.text, ()),
        shown=shown(task, renderer, example, objective.template) if isinstance(objective, Showing) else (),
        free=bool(codes) and not labeled,
        task=task.name if task is not order.task else "",
    )


def shown(task: Task, renderer: Renderer, example: Example, template: str) -> tuple[int, ...]:
    """The prompt of a request with its answer in it, as the template says; empty where there is no room for both."""
    said = {"request": example.text, "reply": example.target}
    text = re.sub(r"{(request|reply)}", lambda found: said[found[1]], template)
    prompt = renderer.prompt(task, text)
    return () if len(prompt) >= renderer.max_tokens - renderer.room(task) else prompt


def is_asked(order: Order) -> bool:
    """Whether there is a champion that can be asked about labels by their codes: a trained version that knows some."""
    told = order.start.folder is not None and bool(order.start.labels) and order.start.kind != HEAD
    return order.chooses and told


def is_taught(order: Order) -> bool:
    """Whether training goes on from a champion that replayed rows can be held to."""
    return is_asked(order) and warm_from(order) is not None


def teacher_of(order: Order) -> Start | None:
    """The model at hand while it is trained: the one ordered, or the champion where rows come by a teacher's loss.

    Raises:
        UnsuitedModel: it is a head; or rows come by a teacher's loss, and there is none, or it tells no label by the
            codes of these.
    """
    if not asks_teacher(order.recipe.order):
        if order.teacher and order.teacher.kind == HEAD:
            fix = "take one that is no head, or learn from its answers (`told`)"
            raise UnsuitedModel(WORDLESS, where="recipe.objective", fix=fix)
        return order.teacher
    teacher = order.teacher or order.champion or order.start
    if not order.teacher and teacher.folder is None:
        raise UnsuitedModel(NO_TEACHER, where=WHERE, fix=FIX)
    if teacher.kind == HEAD:
        raise UnsuitedModel(WORDLESS, where=WHERE, fix=FIX)
    known = len(teacher.labels)
    if order.chooses and not (known and order.labels[:known] == teacher.labels):
        raise UnsuitedModel("the teacher tells labels by other codes", where=WHERE, fix="leave out `teacher`")
    return teacher


def _teacher(order: Order, student: Opened) -> tuple[Opened | None, Tensor | None]:
    """The teacher, opened, and int64[labels]: the token with which it answers each label of the run, -1 for one that it
    does not know. Its codes are by the order of its own labels.

    Raises:
        UnsuitedModel: as `teacher_of`, and where it knows none of the labels.
    """
    teacher = teacher_of(order)
    opened = _opened(teacher) if teacher else None
    if teacher is None or opened is None or not (order.chooses and teacher.labels):
        return opened, None
    codes = encode_labels(opened.tokenizer, teacher.labels)
    of = {label: sequence[0] for label, sequence in zip(codes.labels, codes.sequences, strict=True)}
    if not of.keys() & set(order.labels):
        fix = "take one that was trained on some of them"
        raise UnsuitedModel("the teacher knows none of the labels", where="recipe.objective", fix=fix)
    return opened, torch.tensor([of.get(label, -1) for label in order.labels], device=student.model.device)


def warm_from(order: Order) -> Path | None:
    """The weights that training goes on from; a champion of another kind cannot be gone on from."""
    return order.start.folder if order.recipe.warm_start and order.start.kind == order.recipe.adapt.kind else None


def _champion(order: Order, opened: Opened, allowed: Tensor | None, samples: Sequence[Sample]) -> Champion:
    """Ask the champion: `opened`, which is still that version, or one opened for this alone."""
    start, asked = order.champion or order.start, gauged(samples, order.recipe.seed)
    if start.folder is None or start.kind == HEAD or (allowed is not None and not start.labels):
        return Champion.nobody()  # a head is asked afterwards (`train.moved`)
    if order.champion or warm_from(order) is None:
        opened = _opened(start)
        renderer = Renderer(opened.tokenizer, lead=lead_places(opened.model, "asked"))
        asked = [row for row in asked if len(row.prompt) <= renderer.max_tokens - renderer.room(order.task)]
    if allowed is None:
        return Champion.hear(opened, asked)
    return Champion.ask(opened, allowed[: len(start.labels)], asked)


def _opened(start: Start) -> Opened:
    """A model as it answers: the bare base, its weights, or with what stands on it switched on."""
    opened = stand(start.base, start.kind, start.folder, "asked")
    opened.model.requires_grad_(False)
    return opened

"""The training loop: batches → loss (+ penalty) → step, with early stopping, a look now and then, and exact resume.

Knows tensors and samples; knows nothing of stores, versions or where the rows came from. The order of the rows depends
on (seed, pass) alone, so a run that was killed goes on from its checkpoint as if it had never stopped.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from homeostat.errors import Diverged, NothingToTrainOn
from homeostat.llm.forward import predict
from homeostat.llm.load import Opened
from homeostat.train import checkpoint
from homeostat.train.flops import Size, shape
from homeostat.train.objectives.completion import completion_loss
from homeostat.train.optim import optimizer, rate
from homeostat.train.penalties.divergence import divergence
from homeostat.train.precision import computing, has_bfloat16
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample, batches, padding

LOOK_ROWS = 64
"""Rows of one forward pass in a look."""
LOOKED = 256
"""Most rows that a look looks at: of those held out, or of the training rows where none are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a run needs: a model with its trainable tensors, rows, and how to train."""

    opened: Opened
    parameters: Sequence[torch.nn.Parameter]
    train: Sequence[Sample]
    held_out: Sequence[Sample]
    recipe: Recipe
    allowed: Tensor | None = None
    """Label-code tokens that compete, or None for the whole vocabulary."""
    teacher: dict[int, Tensor] = field(default_factory=dict)
    """Position of a replayed row in `train` -> the champion's log-probabilities over its labels."""
    workspace: Path | None = None
    """Where checkpoints go; None keeps nothing."""
    report: Callable[[dict[str, float]], None] = lambda values: None
    """Called after every look with step, steps, loss, held_out, lr, gradient_norm, tokens_per_s."""
    bfloat16: bool = field(default_factory=has_bfloat16)
    """Whether matrix products are computed in bfloat16; the weights and the steps are float32 either way."""


@dataclass(slots=True)
class Progress:
    """Where a run stands."""

    run: str = ""
    """What the run is made of, as a hash; a checkpoint of another one is not gone on from."""
    step: int = 0
    best: float = math.inf
    """Lowest loss at a look so far, in nats."""
    best_step: int = 0
    worse: int = 0
    """Looks since the best one."""
    flops: float = 0.0
    cpu_seconds: float = 0.0
    tokens: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a run left; the model holds the best tensors."""

    progress: Progress
    steps: int
    padding: float
    """Share of the padded positions in the batches."""


def fit(job: Job) -> Fitted:
    """Train to the end of the recipe, from the workspace's checkpoint if there is one of this run.

    Raises:
        NothingToTrainOn: there are no rows.
        Diverged: the loss is not a number; the model holds the best tensors so far.
    """
    if not job.train:
        raise NothingToTrainOn("no rows to train on", fix="gather feedback first, or lower curate's filters")
    run = _Run(job)
    run.resume()
    job.opened.model.train()
    try:
        for rows in run.plan.rest(run.progress.step):
            if run.progress.done:
                break
            loss, norm = run.step(rows)
            if run.progress.step % run.look_every == 0 or run.progress.step == run.plan.steps:
                run.look(loss, norm)
    finally:
        run.restore()
        job.opened.model.eval()
    return Fitted(run.progress, run.plan.steps, run.plan.padding)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The batches of the whole run, pass after pass."""

    lengths: list[int]
    recipe: Recipe
    steps: int
    padding: float

    def rest(self, step: int) -> Iterator[Any]:
        """Batches from `step` on."""
        per_pass = math.ceil(len(self.lengths) / self.recipe.batch_rows)
        while step < self.steps:
            order = batches(self.lengths, self.recipe.batch_rows, self.recipe.seed, step // per_pass)
            for batch in order[step % per_pass :]:
                if step == self.steps:
                    return
                yield batch
                step += 1


class _Run:
    """One run while it lives."""

    def __init__(self, job: Job) -> None:
        self.job, self.recipe, self.model = job, job.recipe, job.opened.model
        self.accelerator = Accelerator(cpu=not torch.cuda.is_available())
        self.moves = self.accelerator.prepare(optimizer(job.parameters, job.recipe))
        self.plan, self.size = _plan(job), Size.of(self.model)
        self.look_every = max(1, math.ceil(self.plan.steps / job.recipe.looks))
        self.seen = sorted((job.held_out or job.train)[:LOOKED], key=lambda s: len(s.rendered.ids))
        self.best = [p.detach().clone() for p in job.parameters]
        self.progress = Progress(run=_name(job))
        self.started, self.cpu, self.tokens = time.time(), time.process_time(), 0

    def resume(self) -> None:
        """Go back to where the checkpoint stands, if there is one of this run."""
        if self.job.workspace is None:
            return
        kept = checkpoint.load(self.job.workspace, self.job.parameters, self.moves.optimizer, self.progress.run)
        if kept is not None:
            self.best, self.progress = kept[0], Progress(**kept[1])
            self.cpu -= self.progress.cpu_seconds
            self.tokens = self.progress.tokens

    def step(self, rows: Sequence[int]) -> tuple[Tensor, float]:
        """One batch forward, backward, and a step of the optimizer; its loss and the length of its gradient.

        Raises:
            Diverged: the loss or its gradient is not a number.
        """
        for group in self.moves.param_groups:
            group["lr"] = rate(self.recipe, self.progress.step, self.plan.steps)
        loss = self._loss(rows)
        self.accelerator.backward(loss)
        norm = float(self.accelerator.clip_grad_norm_(self.job.parameters, self.recipe.clip))
        if not math.isfinite(norm) or not math.isfinite(float(loss.detach())):
            raise Diverged(f"the loss is not a number at step {self.progress.step}", fix="lower train.lr")
        self.moves.step()
        self.moves.zero_grad()
        self.progress.step += 1
        return loss.detach(), norm

    def _loss(self, rows: Sequence[int]) -> Tensor:
        """Loss of one batch, its cost added to the progress."""
        job, samples = self.job, [self.job.train[k] for k in rows]
        with computing(self.model.device, _longest(samples), bfloat16=job.bfloat16):
            predicted = predict(job.opened, [s.rendered for s in samples])
        weights = torch.tensor([s.weight for s in samples], device=predicted.logits.device)
        loss = completion_loss(predicted, weights, job.allowed)
        taught = [(at, job.teacher[int(k)]) for at, k in enumerate(rows) if int(k) in job.teacher]
        if taught and self.recipe.kl and job.allowed is not None:
            old = predicted.logits[[at for at, _ in taught]][:, job.allowed]
            loss = loss + self.recipe.kl * divergence(old, torch.stack([t for _, t in taught]))
        self.progress.tokens += sum(len(s.rendered.ids) for s in samples)
        self.progress.flops += self.size.step(
            *shape([s.rendered for s in samples], job.opened.family), full=self.recipe.adapt == "full"
        )
        return loss

    def look(self, loss: Tensor, norm: float) -> None:
        """Measure, keep the best tensors, decide whether to go on, report, and save where the run stands."""
        progress, held = self.progress, self._measure()
        if held < progress.best:
            progress.best, progress.best_step, progress.worse = held, progress.step, 0
            self.best = [p.detach().clone() for p in self.job.parameters]
        else:
            progress.worse += 1
            progress.done = progress.worse >= self.recipe.patience
        progress.cpu_seconds = time.process_time() - self.cpu
        self.job.report(
            {
                "step": progress.step,
                "steps": self.plan.steps,
                "loss": float(loss),
                "held_out": held,
                "lr": float(self.moves.param_groups[0]["lr"]),
                "gradient_norm": norm,
                "tokens_per_s": (progress.tokens - self.tokens) / max(time.time() - self.started, 1e-9),
            }
        )
        if self.job.workspace is not None:
            checkpoint.save(self.job.workspace, self.job.parameters, self.best, self.moves.optimizer, asdict(progress))

    @torch.no_grad()
    def _measure(self) -> float:
        """Mean loss in nats on the held-out rows, or on some of the training rows where none are held out."""
        self.model.eval()
        total = count = 0.0
        for start in range(0, len(self.seen), LOOK_ROWS):
            some = self.seen[start : start + LOOK_ROWS]
            rendered = [s.rendered for s in some]
            with computing(self.model.device, _longest(some), bfloat16=self.job.bfloat16):
                predicted = predict(self.job.opened, rendered)
            weights = torch.tensor([s.weight for s in some], device=predicted.logits.device)
            share = float(weights[predicted.row].sum())
            total += float(completion_loss(predicted, weights, self.job.allowed)) * share
            count += share
            self.progress.flops += self.size.forward(*shape(rendered, self.job.opened.family))
        self.model.train()
        return total / count

    def restore(self) -> None:
        """Put the best tensors back into the model."""
        with torch.no_grad():
            for parameter, kept in zip(self.job.parameters, self.best, strict=True):
                parameter.copy_(kept)


def _longest(samples: Sequence[Sample]) -> int:
    return max(len(s.rendered.ids) for s in samples)


def _plan(job: Job) -> _Plan:
    lengths = [len(s.rendered.ids) for s in job.train]
    first = batches(lengths, job.recipe.batch_rows, job.recipe.seed, 0)
    steps = max(1, int(len(first) * job.recipe.epochs))
    if job.recipe.max_steps:
        steps = min(steps, job.recipe.max_steps)
    return _Plan(lengths, job.recipe, steps, padding(lengths, first))


def _name(job: Job) -> str:
    """A hash of what makes the run: recipe, rows, labels, and the tensors it starts from."""
    digest = hashlib.sha256(repr((job.recipe, job.bfloat16, sorted(job.teacher))).encode())
    digest.update(repr(None if job.allowed is None else job.allowed.tolist()).encode())
    for sample in (*job.train, *job.held_out):
        digest.update(repr((sample.rendered.ids, len(sample.rendered.prompt), sample.weight)).encode())
    for parameter in job.parameters:
        digest.update(repr((tuple(parameter.shape), float(parameter.detach().double().sum()))).encode())
    return digest.hexdigest()

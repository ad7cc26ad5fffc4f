"""The training loop: batches → loss (+ penalty) → step, with early stopping, a look now and then, and exact resume.

Knows tensors and samples; knows nothing of stores, versions or where the rows came from. The order of the rows depends
on (seed, pass) alone, so a run that was killed goes on from its checkpoint as if it had never stopped.
"""

from __future__ import annotations

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
from homeostat.train.flops import Size
from homeostat.train.objectives.completion import completion_loss
from homeostat.train.optim import optimizer, rate
from homeostat.train.penalties.divergence import divergence
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample, batches, padding


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


@dataclass(slots=True)
class Progress:
    """Where a run stands."""

    step: int = 0
    best: float = math.inf
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
    """Train to the end of the recipe, from the workspace's checkpoint if there is one.

    Raises:
        NothingToTrainOn: there are no rows.
        Diverged: the loss is not a number; the model holds the best tensors so far.
    """
    if not job.train:
        raise NothingToTrainOn("no rows to train on", fix="gather feedback first, or lower curate's filters")
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    recipe, model = job.recipe, job.opened.model
    moves = accelerator.prepare(optimizer(job.parameters, recipe))
    plan = _plan(job)
    look_every = max(1, math.ceil(plan.steps / recipe.looks))
    best, progress = [p.detach().clone() for p in job.parameters], Progress()
    saved = checkpoint.load(job.workspace, job.parameters, moves.optimizer) if job.workspace else None
    if saved is not None:
        best, progress = saved[0], Progress(**saved[1])
    size, cpu, mark = Size.of(model), time.process_time(), (time.time(), progress.tokens)
    cpu -= progress.cpu_seconds
    model.train()
    for rows in plan.rest(progress.step):
        if progress.done:
            break
        for group in moves.param_groups:
            group["lr"] = rate(recipe, progress.step, plan.steps)
        loss = _loss(job, rows, progress, size)
        accelerator.backward(loss)
        norm = accelerator.clip_grad_norm_(job.parameters, recipe.clip)
        if not math.isfinite(float(norm)):
            _restore(job.parameters, best)
            raise Diverged(f"the loss is not a number at step {progress.step}", fix="lower train.lr")
        moves.step()
        moves.zero_grad()
        progress.step += 1
        if progress.step % look_every == 0 or progress.step == plan.steps:
            held = _look(job, progress, best, size)
            progress.cpu_seconds = time.process_time() - cpu
            speed = (progress.tokens - mark[1]) / max(time.time() - mark[0], 1e-9)
            job.report(_values(progress, plan.steps, loss, held, norm, moves) | {"tokens_per_s": speed})
            if job.workspace is not None:
                checkpoint.save(job.workspace, job.parameters, best, moves.optimizer, asdict(progress))
    _restore(job.parameters, best)
    model.eval()
    return Fitted(progress, plan.steps, plan.padding)


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


def _plan(job: Job) -> _Plan:
    lengths = [len(s.rendered.ids) for s in job.train]
    first = batches(lengths, job.recipe.batch_rows, job.recipe.seed, 0)
    steps = max(1, int(len(first) * job.recipe.epochs))
    if job.recipe.max_steps:
        steps = min(steps, job.recipe.max_steps)
    return _Plan(lengths, job.recipe, steps, padding(lengths, first))


def _loss(job: Job, rows: Sequence[int], progress: Progress, size: Size) -> Tensor:
    """Loss of one batch, its cost added to the progress."""
    samples = [job.train[k] for k in rows]
    predicted = predict(job.opened, [s.rendered for s in samples])
    weights = torch.tensor([s.weight for s in samples], device=predicted.logits.device)
    loss = completion_loss(predicted, weights, job.allowed)
    taught = [(at, job.teacher[int(k)]) for at, k in enumerate(rows) if int(k) in job.teacher]
    if taught and job.recipe.kl and job.allowed is not None:
        old = predicted.logits[[at for at, _ in taught]][:, job.allowed]
        loss = loss + job.recipe.kl * divergence(old, torch.stack([t for _, t in taught]))
    longest = max(len(s.rendered.ids) for s in samples)
    progress.tokens += sum(len(s.rendered.ids) for s in samples)
    progress.flops += size.step(
        len(samples) * longest, len(samples) * longest**2, len(predicted.target), full=job.recipe.adapt == "full"
    )
    return loss


@torch.no_grad()
def _look(job: Job, progress: Progress, best: list[Tensor], size: Size) -> float:
    """Loss on the held-out rows (on the training rows where none are held out); keeps the best tensors."""
    job.opened.model.eval()
    total = count = 0.0
    samples = sorted(job.held_out, key=lambda s: len(s.rendered.ids))
    for start in range(0, len(samples), 64):
        some = samples[start : start + 64]
        predicted = predict(job.opened, [s.rendered for s in some])
        weights = torch.tensor([s.weight for s in some], device=predicted.logits.device)
        total += float(completion_loss(predicted, weights, job.allowed)) * len(some)
        count += len(some)
        longest = max(len(s.rendered.ids) for s in some)
        progress.flops += size.forward(len(some) * longest, len(some) * longest**2, len(predicted.target))
    job.opened.model.train()
    loss = total / count if count else -float(progress.step)
    if loss < progress.best:
        progress.best, progress.best_step, progress.worse = loss, progress.step, 0
        for kept, now in zip(best, job.parameters, strict=True):
            kept.copy_(now.detach())
    else:
        progress.worse += 1
        progress.done = progress.worse >= job.recipe.patience
    return loss


def _restore(parameters: Sequence[Tensor], best: Sequence[Tensor]) -> None:
    with torch.no_grad():
        for parameter, kept in zip(parameters, best, strict=True):
            parameter.copy_(kept)


def _values(
    progress: Progress, steps: int, loss: Tensor, held: float, norm: Any, moves: Any
) -> dict[str, float]:
    return {
        "step": progress.step,
        "steps": steps,
        "loss": float(loss.detach()),
        "held_out": held,
        "lr": float(moves.param_groups[0]["lr"]),
        "gradient_norm": float(norm),
    }

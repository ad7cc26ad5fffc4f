"""The training loop: batches → objective (+ penalties) → step, with looks now and then, and exact resume.

Knows tensors and samples; knows nothing of stores, versions or where the rows came from. The order of the rows depends
on (seed, pass) alone, and what is drawn in a step on (seed, step, process), so a run that was killed goes on from its
checkpoint as if it had never stopped.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from accelerate import Accelerator

from homeostat.errors import Diverged, NothingToTrainOn, OutOfMemory
from homeostat.llm.precision import peak_flops, same_kernels
from homeostat.train import checkpoint
from homeostat.train.averaging import Average, write
from homeostat.train.budget import Clock, Spent
from homeostat.train.job import Job
from homeostat.train.memory import is_out_of_memory, peak_bytes
from homeostat.train.optim import optimizer, rate, steer
from homeostat.train.plan import Plan
from homeostat.train.samples import Sample, alike
from homeostat.train.scale import SCALE, rescaled
from homeostat.train.shares import spread, whole
from homeostat.train.step import Step, Unbounded
from homeostat.train.terms import Terms

LOOKED = 256
"""Most rows that a look looks at: of those held out, or of the training rows where none are."""
SLOWER = "lower its `lr` where train.recipes gives it one, else train.lr, or train.warm_lr"
"""What helps a run that diverges."""
BLOWN = (5.0, 1.0)
"""A held-out loss above so many times the loss of the first batch, and this much more, is a run that has diverged."""


@dataclass(slots=True)
class Progress:
    """Where a run stands."""

    run: str = ""
    """What the run is made of, as a hash; a checkpoint of another one is not gone on from."""
    step: int = 0
    first: float = math.inf
    """Loss of the first batch, or that of the held-out rows before it where it is higher and has no usual size."""
    best: float = math.inf
    """Lowest loss at a look so far, in what the objective's looks are measured in."""
    best_step: int = 0
    worse: int = 0
    """Looks since the best one."""
    flops: float = 0.0
    cpu_seconds: float = 0.0
    seconds: float = 0.0
    tokens: int = 0
    slower: float = 1.0
    """What the learning rate is multiplied with, after the run has gone back."""
    back_offs: int = 0
    """Times it went back to its best tensors."""
    part_rows: int = 0
    """Rows of one pass through the model; 0 for a whole batch. It is halved when the memory does not suffice."""
    scale: float = 1.0
    """What the loss is multiplied with before the way back, in float16."""
    calm: int = 0
    """Steps since the scale last changed."""
    skipped: int = 0
    """Steps that were left out because their gradient overflowed in float16."""
    done: bool = False
    ended: str = ""
    """What ended it before its last step: `patience`, or a limit of its budget."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a run left; the model holds the best tensors."""

    progress: Progress
    steps: int
    padding: float
    """Share of the padded positions in the batches."""
    earlier: float = 0.0
    """Seconds of steps that processes before this one took, up to the checkpoint that was gone on from."""


def fit(job: Job) -> Fitted:
    """Train to the end of the recipe, from the workspace's checkpoint if there is one of this run.

    A look reports `step`, `steps`, `loss`, `held_out`, `lr`, `gradient_norm`, `tokens_per_s`, `mfu` (operations a
    second as a share of what the machine's matrix products reach) and `memory_bytes` (the highest so far); in float16
    `scale` and `skipped` too, the steps that were left out so far, whose gradient counts as 0 long.

    Raises:
        NothingToTrainOn: there are no rows.
        UnsuitedModel: the recipe cannot be carried out in shares (`shares.spread`).
        Diverged: the loss is not a number, or has run away, more often than the recipe goes back; the model holds the
            best tensors so far.
        OutOfMemory: not even one row fits.
    """
    if not job.ground.train:
        raise NothingToTrainOn("no rows to train on", fix="gather feedback first, or lower curate's filters")
    job.ground.compute_in(job.recipe.precision)
    name = _name(job)
    with spread(job) as here:
        run = _Run(here, name)
        run.resume()
        here.ground.opened.model.train()
        try:
            for rows in run.plan.rest(run.progress.step):
                if run.progress.done:
                    break
                run.advance(rows.tolist())
            run.settle()
        finally:
            run.end()
    return Fitted(run.progress, run.plan.steps, run.plan.padding, run.clock.before.seconds)


class _Run:
    """One run while it lives."""

    def __init__(self, job: Job, name: str) -> None:
        self.clock = Clock()
        self.job, self.recipe, self.ground = job, job.recipe, job.ground
        job.ground.opened.model.eval()  # what is asked before the first step is asked without dropout
        torch.manual_seed(job.recipe.seed)
        self.name, self.plan = name, Plan.of(job)
        self.terms = Terms.of(job)
        self.trail, learned = self.terms.trail, self.terms.each[0][1]
        self.accelerator = Accelerator(cpu=not torch.cuda.is_available())
        tempi = job.recipe.adapt.tempi(self.ground.opened.model)
        self.moves = self.accelerator.prepare(optimizer(job.parameters, job.recipe, tempi))
        self.look_every = max(1, math.ceil(self.plan.steps / job.recipe.looks))
        self.seen = sorted((self.ground.held_out or self.ground.train)[:LOOKED], key=lambda s: s.length)
        self.average = Average.of(job.parameters, job.recipe.average)
        self.best = [p.detach().clone() for p in job.parameters]
        scale = SCALE if self.ground.float16 else 1.0
        self.progress = Progress(run=name, part_rows=job.recipe.part_rows, scale=scale)
        self.begun = replace(self.ground.meter)
        self.helped = 0.0  # CPU-seconds of the other processes
        self.moves.train()
        wide = isinstance(learned, Unbounded) and learned.unbounded
        self.begun_at = self._measured() if wide else 0.0
        if job.recipe.save_memory:
            self.ground.opened.model.gradient_checkpointing_enable({"use_reentrant": False, "context_fn": same_kernels})
        self.ready = time.perf_counter()

    def resume(self) -> None:
        """Go back to where the checkpoint stands, if there is one of this run."""
        if self.job.workspace is None:
            return
        kept = checkpoint.load(self.job.workspace, self.job.parameters, self.moves.optimizer, self.name)
        if kept is None:
            return
        self.best, self.progress = list(kept.best), Progress(**kept.progress)
        self.average.tensors, self.trail.tensors = list(kept.average), list(kept.trail)
        self.ground.meter.flops, self.ground.meter.tokens = self.progress.flops, self.progress.tokens
        self.begun = replace(self.ground.meter)
        before = Spent(seconds=self.progress.seconds, cpu_seconds=self.progress.cpu_seconds)
        self.clock = replace(self.clock, before=before)

    def advance(self, rows: Sequence[int]) -> None:
        """One step, and what falls due after it."""
        progress = self.progress
        loss, norm = self.step([self.ground.train[k] for k in rows])
        if not (self._rescaled(loss, norm) or (math.isfinite(norm) and math.isfinite(loss))):
            self._back_off(f"the loss is not a number at step {progress.step}")
            return
        if math.isinf(progress.first):
            progress.first = max(loss, self.begun_at)
        reached = self._reached()
        if progress.step % self.look_every == 0 or progress.step == self.plan.steps or reached:
            self.look(loss, norm, f"budget.{reached}" if reached else "")

    def _rescaled(self, loss: float, norm: float) -> bool:
        """Whether the step was left out for a gradient too large for float16 alone; the scale goes by it."""
        progress, finite = self.progress, math.isfinite(norm)
        if not self.ground.float16 or not math.isfinite(loss) or (not finite and progress.scale <= 1.0):
            return False
        progress.scale, progress.calm = rescaled(progress.scale, progress.calm, finite=finite)
        progress.skipped += not finite
        return not finite

    def _reached(self) -> str:
        """The limit of the budget that is reached; the first process says whether one is."""
        own = self.recipe.budget.reached(self._spent(), self.ground.meter.flops)
        return (own or "time") if self.job.gang.first(float(bool(own))) else ""

    def _spent(self) -> Spent:
        """What all processes have taken by now."""
        device, processes = self.ground.opened.model.device.type, self.job.gang.size
        return self.clock.spent().of_all(helped=self.helped, processes=processes, device=device)

    def step(self, samples: Sequence[Sample]) -> tuple[float, float]:
        """One batch forward, backward, and a step of the optimizer; its loss and the length of its gradient."""
        if steer(self.moves.param_groups, self._rate(), self.progress.step / self.plan.steps):
            self.ground.meter.sizes.clear()
        torch.manual_seed(self._draws())
        loss = self._together(samples)
        for parameter in self.job.parameters:
            if parameter.grad is not None and self.progress.scale != 1.0:
                parameter.grad.div_(self.progress.scale)
        norm = float(whole(self.accelerator.clip_grad_norm_(self.job.parameters, self.recipe.clip)))
        if math.isfinite(norm) and math.isfinite(loss):
            self.moves.step()
        self.moves.zero_grad()
        self.progress.step += 1
        self.ground.meter.tokens += sum(s.length for s in samples)
        for slow in (self.average, self.trail):
            slow.follow(self.job.parameters, self.progress.step)
        return loss, norm

    def _rate(self) -> float:
        """The learning rate at this step."""
        return self.progress.slower * rate(self.recipe, self.progress.step, self.plan.steps)

    def _draws(self) -> int:
        """The seed of what is drawn in this step: another one for each process, whose rows are others."""
        told = [self.recipe.seed, self.progress.step, self.job.gang.rank]
        return int(np.random.SeedSequence(told).generate_state(1, np.uint64)[0])

    def _together(self, batch: Sequence[Sample]) -> float:
        """The gradients of a batch, of which each process takes its rows; the loss of all of it."""
        gang, meter = self.job.gang, self.ground.meter
        flops, began = meter.flops, time.process_time()
        loss = self._gradients(batch)
        took = meter.flops - flops, time.process_time() - began
        loss, flops_of_all, cpu_of_all = gang.add(self.job.parameters, loss, *took)
        meter.flops += flops_of_all - took[0]
        self.helped += cpu_of_all - took[1]
        return loss

    def _gradients(self, batch: Sequence[Sample]) -> float:
        """The gradients of this process's rows of a batch, part by part, and what they add to its loss. Parts are
        halved as long as one does not fit.
        """
        while True:
            most = self.progress.part_rows
            parts = [part for sort in alike(batch) for part in self.job.gang.parts(sort, most)]
            try:
                return sum((self._part(part, batch) for part in parts), 0.0)
            except (RuntimeError, MemoryError) as failed:
                if not is_out_of_memory(failed):
                    raise
                self.moves.zero_grad()
                rows = max(map(len, parts))
                if rows == 1 or self.job.gang.in_step:
                    what = "not even one row fits" if rows == 1 else f"parts of {rows} rows do not fit"
                    fix = "use a smaller model, shorter rows, a lower rank, or `save_memory` in the recipe"
                    fix += "" if rows == 1 else ", or smaller `part_rows`"
                    raise OutOfMemory(f"{what} in memory", where="train", fix=fix) from failed
                self.progress.part_rows = math.ceil(rows / 2)

    def _part(self, part: Sequence[Sample], batch: Sequence[Sample]) -> float:
        """Gradients of a part of a batch, added to those there are; what it adds to the batch's loss."""
        total = self.terms.on(part, batch, self.progress.step) if part else None
        if total is None:
            rows = part or batch[:1]
            idle = self.job.gang.idle(Step(self.ground.under(rows), rows, self.progress.step))
            if not idle:
                return 0.0
            total = torch.stack(idle).sum()
        self.accelerator.backward(total * self.progress.scale)
        return float(total.detach())

    def look(self, loss: float, norm: float, ended: str) -> None:
        """Measure, keep the best tensors, decide whether to go on, report, and save where the run stands."""
        progress, best = self.progress, self.progress.best
        with self._as_kept():
            held = self.job.gang.first(self._measured())
            gone = not held <= BLOWN[0] * abs(progress.first) + BLOWN[1]
            if held < best and not gone:  # what has run away is not the best, even if it is the first that was seen
                self.best = [p.detach().clone() for p in self.job.parameters]
                progress.best, progress.best_step, progress.worse = held, progress.step, 0
        if gone:
            self._back_off(f"the held-out loss has run away to {held:.3g} at step {progress.step}")
        elif held >= best:
            progress.worse += 1
        progress.ended = ended or ("patience" if progress.worse >= self.recipe.patience else "")
        progress.done = bool(progress.ended)
        if math.isfinite(held):
            self._report(loss, held, norm)
        self._save()

    @torch.no_grad()
    def _measured(self) -> float:
        """The mean of what is looked at on the held-out rows, or on some training rows where none are held out."""
        return self.terms.measured(self.seen, self.progress.step)

    @contextmanager
    def _as_kept(self) -> Iterator[None]:
        """The model as it would be kept: not learning, averaged where there is an average."""
        model = self.ground.opened.model
        model.eval()
        self.moves.eval()  # of use to an optimizer that keeps an average itself
        with self.average.standing_in(self.job.parameters):
            yield
        self.moves.train()
        model.train()

    def _back_off(self, why: str) -> None:
        """Go back to the best tensors, forget which way the steps went, and go on at half the rate.

        Raises:
            Diverged: it has gone back often enough.
        """
        progress = self.progress
        if progress.back_offs == self.recipe.back_offs:
            gone = f", after going back {progress.back_offs} times" if progress.back_offs else ""
            raise Diverged(why + gone, where=f"recipe {self.recipe.name}", fix=SLOWER)
        progress.back_offs, progress.slower = progress.back_offs + 1, progress.slower / 2
        write(self.job.parameters, self.best)
        for slow in (self.average, self.trail):
            write(slow.tensors, self.best if slow.tensors else ())
        self.moves.optimizer.state.clear()

    def settle(self) -> None:
        """After the last step: what steps took since the last look is written down.

        Raises:
            Diverged: no look has found a loss that is a number, so there is nothing to keep.
        """
        progress = self.progress
        if math.isinf(progress.best):
            raise Diverged("no step had a loss that is a number", where=f"recipe {self.recipe.name}", fix=SLOWER)
        if progress.flops != self.ground.meter.flops:
            self._save()

    def end(self) -> None:
        """Leave the model as it is to be kept: its best tensors, nothing hooked on, ready to answer."""
        write(self.job.parameters, self.best)
        self.terms.end()
        if self.recipe.save_memory:
            self.ground.opened.model.gradient_checkpointing_disable()
        self.ground.opened.model.eval()

    def _report(self, loss: float, held: float, norm: float) -> None:
        ground, meter = self.ground, self.ground.meter
        here = max(time.perf_counter() - self.ready, 1e-9)
        peak = peak_flops(bfloat16=ground.bfloat16, float16=ground.float16)
        scaled = {"scale": self.progress.scale, "skipped": float(self.progress.skipped)} if ground.float16 else {}
        self.job.report(
            {
                "step": self.progress.step,
                "steps": self.plan.steps,
                "loss": loss,
                "held_out": held,
                "lr": self._rate(),
                "gradient_norm": norm if math.isfinite(norm) else 0.0,
                "tokens_per_s": (meter.tokens - self.begun.tokens) / here,
                "mfu": (meter.flops - self.begun.flops) / here / peak,
                "memory_bytes": peak_bytes(),
            }
            | scaled
        )

    def _save(self) -> None:
        """Write down where the run stands."""
        progress, spent = self.progress, self._spent()
        progress.flops, progress.tokens = self.ground.meter.flops, self.ground.meter.tokens
        progress.seconds, progress.cpu_seconds = spent.seconds, spent.cpu_seconds
        if self.job.workspace is not None:
            slow = {"average": self.average.tensors, "trail": self.trail.tensors}
            now = checkpoint.State(best=self.best, **slow, progress=asdict(progress))
            mine = self.job.gang.rank == 0
            checkpoint.save(self.job.workspace, self.job.parameters, self.moves.optimizer, now, mine=mine)


def _name(job: Job) -> str:
    """A hash of what makes the run: recipe, rows, labels, and the tensors it starts from; not who holds which share."""
    ground, recipe = job.ground, replace(job.recipe, sharded=False)
    digest = hashlib.sha256(repr((recipe, ground.bfloat16, ground.float16, ground.known)).encode())
    digest.update(repr(None if ground.allowed is None else ground.allowed.tolist()).encode())
    for sample in (*ground.train, *ground.held_out):
        digest.update(repr(sample).encode())
    for parameter in job.parameters:
        digest.update(repr((tuple(parameter.shape), float(parameter.detach().double().sum()))).encode())
    return digest.hexdigest()

"""How a base does on the user's rows: as it is, and after a short training that is the same for all bases."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.train.adapt.lora import Lora
from homeostat.train.memory import peak_bytes
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, Trained, train
from homeostat.types.dataset import Example
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version

TIMED = 20
"""Requests that are answered one at a time to say how long one takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What all bases are tried on."""

    task: Task
    labels: tuple[str, ...]
    learn: Sequence[Example]
    exam: Sequence[Example]
    steps: int
    """Of the short training; 0 leaves it out."""
    threads: int = 1
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How one base has done."""

    before: tuple[float, ...]
    """What every row of the exam was worth without training: 1 or 0 for a label, for a text the probability that the
    right reply gets, for each byte of it (so that tokenizers can be compared)."""
    after: tuple[float, ...]
    """The same after the short training; empty where it was left out."""
    latency_ms: float
    """Median time to answer one request alone."""
    memory_bytes: float
    """The most that the process has held, training included."""
    flops: float = 0.0
    """Operations of the training."""
    cpu_seconds: float = 0.0
    """Of the training."""
    rate: float = 0.0
    """Its learning rate, by the width of the base."""

    @property
    def rows(self) -> tuple[float, ...]:
        """What a base is judged by: the rows after training, or where there was none those before."""
        return self.after or self.before


def probe(base: str, rows: Rows, folder: Path) -> Probe:
    """Ask, train for a few steps in `folder`, and ask again. Raises as `homeostat.train.run.train`."""
    trained = _train(base, rows, folder) if rows.steps else None
    held = peak_bytes()
    backend = LocalBackend(base, threads=rows.threads)
    task = replace(rows.task, labels=rows.labels)
    before, version = _worth(backend, task, rows.exam, ""), ""
    after: tuple[float, ...] = ()
    if trained is not None:
        made = Version(id="probe", task=task.name, time=0.0, base=base, kind=trained.kind, labels=trained.labels)
        backend.load(replace(made, prior=trained.prior), trained.weights)
        version = made.id
        after = _worth(backend, task, rows.exam, version)
    cost = trained.cost if trained else {}
    return Probe(
        before=before,
        after=after,
        latency_ms=_latency(backend, task, rows.exam, version),
        memory_bytes=max(held, peak_bytes() if trained is None else 0.0),
        flops=cost.get("flops", 0.0),
        cpu_seconds=cost.get("cpu_seconds", 0.0),
        rate=cost.get("lr", 0.0),
    )


def _train(base: str, rows: Rows, folder: Path) -> Trained:
    """So many steps of an adapter, at the rate that suits the base's width, on the same rows for all."""
    recipe = Recipe(
        name="probe",
        adapt=Lora(),
        lr=0.0,
        epochs=float(rows.steps),
        max_steps=rows.steps,
        batch_rows=16,
        looks=4,
        patience=4,
        seed=rows.seed,
    )
    order = Order(
        task=rows.task, start=Start(base=base), examples=rows.learn, labels=rows.labels, recipe=recipe, folder=folder
    )
    return train(order)


def _worth(backend: LocalBackend, task: Task, exam: Sequence[Example], version: str) -> tuple[float, ...]:
    asked = [Request(task=task, text=row.text, version=version) for row in exam]
    if task.kind is Kind.LABEL:
        said = backend.reply(asked)
        return tuple(float(reply.text == row.target) for reply, row in zip(said, exam, strict=True))
    found = []
    for request, row in zip(asked, exam, strict=True):
        nats = backend.surprise([request], [row.target]) * len(backend.renderer.target(row.target))
        found.append(math.exp(-nats / max(1, len(row.target.encode()))))
    return tuple(found)


def _latency(backend: LocalBackend, task: Task, exam: Sequence[Example], version: str) -> float:
    """Median milliseconds; the first request is not counted, for it makes ready what the others find."""
    took = []
    for row in [*exam[:1], *exam[:TIMED]]:
        begun = time.perf_counter()
        backend.reply([Request(task=task, text=row.text, version=version, max_tokens=16)])
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took[1:])

"""One training, from examples to a folder of weights: open the model, render, adapt, fit, save.

The room's front door. Knows examples, labels and recipes; returns what a version needs and leaves the store alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from homeostat.errors import UnknownLabel, UnknownPlugin, did_you_mean
from homeostat.llm.forward import predict
from homeostat.llm.labels import LabelCodes, encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.adapt import full, lora
from homeostat.train.fit import Fitted, Job, fit
from homeostat.train.flops import Size
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample, split
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind, Task

ADAPT: dict[str, Any] = {"lora": lora, "full": full}


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
    report: Callable[[dict[str, float]], None] = lambda values: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a run left."""

    weights: Path
    kind: str
    labels: tuple[str, ...]
    cost: dict[str, float] = field(default_factory=dict)
    """`flops`, `cpu_seconds`, `wall_seconds`, `steps`, `best_step`, `padding`, `kl_new`."""


def train(order: Order) -> Trained:
    """Train once; a run that was killed goes on from its checkpoint in the same folder.

    Raises:
        UnknownLabel: an example's target is not in the label set.
        UnknownPlugin: the recipe's `adapt` is unknown.
        NothingToTrainOn, Diverged, ModelNotFound, CorruptWeights: as said where they are defined.
    """
    started, recipe = time.time(), order.recipe
    adapt = ADAPT.get(recipe.adapt)
    if adapt is None:
        raise UnknownPlugin(
            f"unknown way to adapt '{recipe.adapt}'", where="train.adapt", fix=did_you_mean(recipe.adapt, ADAPT)
        )
    warm = order.start.folder if recipe.warm_start and order.start.kind == recipe.adapt else None
    opened = open_model(order.start.base, warm if recipe.adapt == "full" else None)
    codes = encode_labels(opened.tokenizer, order.labels) if order.task.kind is Kind.LABEL else None
    samples = render(order, Renderer(opened.tokenizer), codes)
    train_rows, held_rows = split(len(samples), recipe.held_out, recipe.seed)
    parameters = adapt.attach(opened.model, recipe, warm)
    rows = [samples[k] for k in train_rows]
    allowed = torch.tensor([s[0] for s in codes.sequences]) if codes and codes.single else None
    teacher, taught = _teach(opened, rows, order, allowed) if warm and recipe.kl else ({}, 0.0)
    fitted = fit(
        Job(
            opened=opened,
            parameters=parameters,
            train=rows,
            held_out=[samples[k] for k in held_rows],
            recipe=recipe,
            allowed=allowed,
            teacher=teacher,
            workspace=order.folder / "checkpoint",
            report=order.report,
        )
    )
    weights = order.folder / "weights"
    adapt.save(opened.model, weights)
    return Trained(
        weights=weights, kind=recipe.adapt, labels=order.labels, cost=_cost(fitted, taught, time.time() - started)
    )


def render(order: Order, renderer: Renderer, codes: LabelCodes | None) -> list[Sample]:
    """Every example as prompt and completion tokens.

    Raises:
        UnknownLabel: an example's target is not in the label set.
    """
    of = dict(zip(codes.labels, codes.sequences, strict=True)) if codes else {}
    samples = []
    for example in order.examples:
        if codes and example.target not in of:
            raise UnknownLabel(f"label '{example.target}' is not in the label set", fix=did_you_mean(example.target, of))
        target = of[example.target] if codes else renderer.target(example.target)
        samples.append(
            Sample(
                renderer.example(order.task, example.text, target),
                replay=example.origin is Origin.REPLAY,
                weight=example.weight,
            )
        )
    return samples


@torch.inference_mode()
def _teach(
    opened: Opened, rows: Sequence[Sample], order: Order, allowed: Tensor | None
) -> tuple[dict[int, Tensor], float]:
    """The champion's log-probabilities on replayed rows, before the first step, and the operations they took."""
    if allowed is None or not order.start.labels:
        return {}, 0.0
    old, size, spent = allowed[: len(order.start.labels)], Size.of(opened.model), 0.0
    at = sorted((k for k, s in enumerate(rows) if s.replay), key=lambda k: len(rows[k].rendered.ids))
    teacher: dict[int, Tensor] = {}
    for start in range(0, len(at), 64):
        some = at[start : start + 64]
        rendered = [Rendered(rows[k].rendered.prompt, (0,)) for k in some]
        logs = predict(opened, rendered).logits[:, old].float().log_softmax(-1)
        teacher.update((k, row.clone()) for k, row in zip(some, logs, strict=True))
        longest = max(len(r.prompt) for r in rendered)
        spent += size.forward(len(some) * longest, len(some) * longest**2, len(some))
    return teacher, spent


def _cost(fitted: Fitted, taught: float, wall: float) -> dict[str, float]:
    progress = fitted.progress
    return {
        "flops": progress.flops + taught,
        "cpu_seconds": progress.cpu_seconds,
        "wall_seconds": wall,
        "steps": float(progress.step),
        "best_step": float(progress.best_step),
        "held_out": progress.best,
        "padding": fitted.padding,
    }

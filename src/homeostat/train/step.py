"""One batch, as the loss sees it: its rows, and what the model says of them, computed once for all who look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from homeostat.llm.forward import Predicted, places, predict
from homeostat.llm.head import head_of
from homeostat.llm.load import Opened
from homeostat.llm.precision import computing, has_bfloat16, needs_float16
from homeostat.llm.render import Rendered
from homeostat.train.averaging import Trail
from homeostat.train.carried import States
from homeostat.train.flops import Size
from homeostat.train.rows import LabelRows
from homeostat.train.samples import Sample


@dataclass(slots=True)
class Meter:
    """What running models has taken so far."""

    flops: float = 0.0
    """Floating-point operations."""
    tokens: int = 0
    """Tokens of rows that were trained on."""
    sizes: dict[int, Size] = field(default_factory=dict)

    def size(self, opened: Opened) -> Size:
        """What one pass through a model takes, read off it once: what is trained does not change during a run."""
        model = opened.model
        if id(model) not in self.sizes:
            self.sizes[id(model)] = opened.through(partial(Size.of, model))
        return self.sizes[id(model)]


@dataclass(kw_only=True)
class Ground:
    """What a run stands on: a model whose trained tensors are marked, and rows."""

    opened: Opened
    train: Sequence[Sample]
    held_out: Sequence[Sample] = ()
    allowed: Tensor | None = None
    """int64[labels]: the label-code tokens that compete, or None for the whole vocabulary."""
    known: int = 0
    """How many of the labels, the first ones, the model knows before its first step; 0 if it knows nothing to keep."""
    champion: Opened | None = None
    """The version that is gone on from, where the model begins as something else (`Way.moves`); None where it is it."""
    teacher: Opened | None = None
    """Another model to learn from, for objectives that have one."""
    taught: Tensor | None = None
    """int64[labels]: the token with which that model answers each of the labels, -1 for one that it does not know; None
    where it answers all of them as the run's does."""
    tasks: tuple[str, ...] = ()
    """Names of the tasks that rows are of, the run's own first, where they are known."""
    trail: Trail | None = None
    """What the model is on a slow average, where an objective asks for it (`Trailed`); the loop keeps it."""
    label_rows: LabelRows | None = None
    """Where the rows of the allowed labels lie; None where the model has none that are trained."""
    begun: Path | None = None
    """Folder of the version whose tensors the model goes on from, and what that version has kept beside them."""
    seed: int = 0
    bfloat16: bool = field(default_factory=has_bfloat16)
    """Whether matrix products are computed in bfloat16; the weights and the steps are float32 either way."""
    float16: bool = field(default_factory=needs_float16)
    """Whether they are computed in float16."""
    meter: Meter = field(default_factory=Meter)

    @cached_property
    def kept(self) -> States:
        """The states of remembered rows that the version it goes on from has kept, read when first asked for.

        Raises:
            CorruptWeights, UnsafeWeights: their file is damaged, or none at all.
        """
        return States.read(self.begun)

    def compute_in(self, precision: str) -> None:
        """Compute in what a recipe names, from now on; `auto` leaves it as it is."""
        if precision != "auto":
            self.bfloat16, self.float16 = precision == "bfloat16", precision == "float16"

    @property
    def chooses(self) -> bool:
        """Whether rows are of classes: labels, or what a head tells that tells labels or tags."""
        head = head_of(self.opened.model)
        return self.allowed is not None if head is None else head.shape.form != "numbers"

    def class_of(self, sample: Sample) -> tuple[float, ...] | None:
        """What a row is one of many by; None for a reply in words, and for numbers."""
        return sample.told_as if self.chooses and not sample.free else None

    def under(self, samples: Sequence[Sample]) -> Ground:
        """What rows that are answered alike stand on: for replies in words the whole vocabulary competes."""
        free = self.allowed is not None and any(s.free for s in samples)
        return replace(self, allowed=None, known=0) if free else self

    def predict(self, rows: Sequence[Rendered], opened: Opened | None = None) -> Predicted:
        """What the model, or another one, says of rows; a pass with gradients is counted with its way back."""
        model = opened or self.opened
        longest = max(len(row.ids) for row in rows)
        with computing(model.model.device, longest, bfloat16=self.bfloat16, float16=self.float16):
            predicted = predict(model, rows)
        size = self.meter.size(model)
        went = size.shape(rows, model.family)
        ahead = size.step(*went) if torch.is_grad_enabled() else size.forward(*went)
        self.meter.flops += ahead + size.below(model.model)
        return predicted


@dataclass
class Step:
    """A batch of a run, or a part of one."""

    ground: Ground
    samples: Sequence[Sample]
    number: int = 0
    """Which step of the run it is, from 0."""

    @cached_property
    def predicted(self) -> Predicted:
        """What the model says at the completion places of the rows."""
        return self.ground.predict([s.rendered for s in self.samples])

    @cached_property
    def weights(self) -> Tensor:
        """float[rows]"""
        return torch.tensor([s.weight for s in self.samples], device=self.ground.opened.model.device)

    @cached_property
    def scores(self) -> Tensor:
        """float[places, k]: logits over the tokens that compete, in float32."""
        logits, allowed = self.predicted.logits, self.ground.allowed
        return (logits if allowed is None else logits[:, allowed]).float()

    @cached_property
    def right(self) -> Tensor:
        """int64[places]: which of the scores should be the highest."""
        target, allowed = self.predicted.target, self.ground.allowed
        return target if allowed is None else places(target, allowed)

    def mean(self, each: Tensor) -> Tensor:
        """The mean of float[places], the places of each row counting by its weight."""
        weights = self.weights[self.predicted.row]
        return (each * weights).sum() / weights.sum()

    def row_mean(self, each: Tensor) -> Tensor:
        """The mean of float[rows] by their weight."""
        return (each * self.weights).sum() / self.weights.sum()


class Loss(Protocol):
    """A part of what is minimized, ready for the steps of one run."""

    def __call__(self, step: Step) -> Tensor:
        """The mean over what it looks at in this batch: a scalar, in nats or what else it is measured in."""
        ...

    def weigh(self, samples: Sequence[Sample]) -> float:
        """How much it looks at in these rows, told from the rows alone: means of parts are joined by it."""
        ...


@runtime_checkable
class Ending(Protocol):
    """A part that has changed the model for as long as the run lasts."""

    def end(self) -> None:
        """Take off what it has put on."""
        ...


@runtime_checkable
class Unbounded(Protocol):
    """A part whose mean has no usual size, such as that of squared errors: one row can be as far out as it likes."""

    @property
    def unbounded(self) -> bool:
        """Whether it is so: what has run away is then told by where the held-out rows began as well."""
        ...


@runtime_checkable
class Trailed(Protocol):
    """An objective that asks what the model is on a slow average, which is then `Ground.trail`."""

    @property
    def rate(self) -> float:
        """Share of the model that the average takes in at each step."""
        ...


@runtime_checkable
class Showing(Protocol):
    """An objective that reads requests together with their answers; rows then have `Sample.shown`."""

    @property
    def template(self) -> str:
        """A request with `{request}` and `{reply}` in it."""
        ...


@runtime_checkable
class Comparing(Protocol):
    """An objective that compares two replies to a request; rows that have both then have `Sample.rejected`."""

    @property
    def compares(self) -> bool:
        """Whether it does."""
        ...


@runtime_checkable
class Rating(Protocol):
    """An objective that learns from what replies were rated; rows that were rated badly then come too."""

    @property
    def rates(self) -> bool:
        """Whether it does."""
        ...

    def lacks(self, values: Sequence[float]) -> str:
        """What it misses in the ratings of all rows, so that it could learn nothing from them; empty for nothing."""
        ...


class Term(Protocol):
    """A part of the loss as a recipe names it: plain values, from which a run makes the part that works."""

    @property
    def weight(self) -> float:
        """What it is multiplied with in the sum; 0 leaves it out."""
        ...

    def begin(self, ground: Ground) -> Loss:
        """Make ready before the first step, while the model is still what it starts from."""
        ...


class Lesson(Loss, Protocol):
    """The part of what is minimized that is learned, beside what is only held to."""

    @property
    def looked(self) -> Loss:
        """What held-out rows are measured by: itself, or what it stands for where it bends the measure on purpose."""
        ...


class Objective(Protocol):
    """What is to be learned, as a recipe names it."""

    @property
    def weight(self) -> float:
        """What it is multiplied with in the sum."""
        ...

    def begin(self, ground: Ground) -> Lesson:
        """Make ready before the first step, while the model is still what it starts from."""
        ...


def weigh_rows(samples: Sequence[Sample]) -> float:
    """Rows, by their weight."""
    return sum(s.weight for s in samples)


def weigh_places(samples: Sequence[Sample]) -> float:
    """Predicted places of rows, those of each by its weight."""
    return sum(s.weight * len(s.rendered.completion) for s in samples)

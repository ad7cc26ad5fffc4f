"""Versions of one base made one: their adapters merged by a named way, measured on held-out rows of all of them.

A label's code means what its version says: of another version's labels the same token may stand for another label. So
rows of the labels are moved to the codes of the union before anything is added up. The layers are merged as they are;
what reads them out, the rows of the labels, can be fitted to everything that the versions learned from when they are
one, which takes a forward pass over it (`refit`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from homeostat.errors import NothingToTrainOn, UnknownPlugin, UnsuitedModel, did_you_mean
from homeostat.llm.labels import LabelCodes, encode_labels
from homeostat.llm.load import open_model
from homeostat.llm.precision import has_bfloat16
from homeostat.llm.render import Renderer
from homeostat.stats.intervals import mean_interval, paired
from homeostat.train.adapt.lora import Lora
from homeostat.train.ask import log_probabilities
from homeostat.train.prior import fit_prior
from homeostat.train.refit import refit
from homeostat.train.run import Order, Trained, render
from homeostat.train.samples import Sample, apart
from homeostat.train.step import Ground
from homeostat.train.transfer.merge import Weights, dare, ties, weighted_sum
from homeostat.train.transfer.nearest import losses
from homeostat.train.transfer.product import Adapter, wearing
from homeostat.train.transfer.search import search
from homeostat.types.report import Score

Way = Callable[[Sequence[Adapter], Weights, int | None], Adapter]
WAYS: dict[str, Way] = {
    "cat": weighted_sum,
    "svd": weighted_sum,
    "task": weighted_sum,
    "ties": lambda adapters, weights, rank: ties(adapters, weights, rank=rank),
    "dare": lambda adapters, weights, rank: dare(adapters, weights, rank=rank),
}
"""Ways by name. `cat`: the exact mean, whose rank is the sum of the ranks. `svd`: the nearest to it of the largest rank
among them. `task`: the exact sum. `ties`, `dare`: as in `merge`."""
SUMS = ("cat", "svd", "task")
"""Ways whose weights can be searched."""
LEAST = 20
"""Held-out rows below which no weights are chosen on them."""
BY_BLOCK = 200
"""Held-out rows from which on every block may have weights of its own."""
MEASURED = 256
"""Held-out rows, at most, that a search measures by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A version that is to be merged."""

    name: str
    folder: Path
    """Its adapter, of the base that the order names."""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How adapters become one."""

    way: str = "cat"
    weights: tuple[float, ...] = ()
    """One for each; empty for the mean, or for 1 each where they are added up (`task`)."""
    blocks: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """Block -> weights of its own, as a search has found them (`Weights.blocks`)."""
    search: bool = False
    """Whether weights are searched from there on, on held-out rows."""
    rank: int = 0
    """Of what comes out; 0 for the sum of the ranks, or for the largest of them (`svd`)."""

    def hold(self, members: int) -> None:
        """Hold that this can be done with so many.

        Raises:
            UnknownPlugin: there is no such way.
            UnsuitedModel: there are not as many weights as members, or weights are to be searched that are no sum's.
        """
        if self.way not in WAYS:
            raise UnknownPlugin(f"unknown way '{self.way}'", where="how", fix=did_you_mean(self.way, WAYS))
        if self.weights and len(self.weights) != members:
            what = f"{len(self.weights)} weights for {members} versions"
            raise UnsuitedModel(what, where="weights", fix="give one for each, in the order of the versions")
        if self.search and self.way not in SUMS:
            what = f"weights of `{self.way}` are not searched"
            raise UnsuitedModel(what, where="how", fix=f"use one of {', '.join(SUMS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """How a member, or what came of all, does on held-out rows."""

    name: str
    loss: Score
    """In nats, of the right label among those of all, or a token of the reply."""
    right: Score | None = None
    """Share of rows told right; None for replies in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blended:
    """What came of it."""

    trained: Trained
    weights: Weights
    rank: int
    asked: int
    """Sums that were measured while weights were searched."""
    lines: tuple[Line, ...]
    """The members in their order, and `merged` last; empty where no rows are held out."""
    gain: Score | None
    """Paired difference to the best member on the same rows: rows told right, or nats that the loss is lower."""


def blend(order: Order, members: Sequence[Member], how: How) -> Blended:
    """Merge the members into `order.folder / "weights"`.

    Args:
        order: the base (`start`), the union of the members' labels, and all rows that they learned from, of which those
            that every training holds out measure; the recipe says what share, and whether rows are fitted (`refit`).
        members: two or more.
        how: the way.

    Raises:
        UnknownPlugin, UnsuitedModel: as `How.hold`; or a member is more than products of two matrices, or knows labels
            by something else than rows of its own.
        CorruptWeights: they are of different bases.
        NothingToTrainOn: weights shall be searched, and too few rows are held out.
    """
    how.hold(len(members))
    began, spent = time.time(), time.process_time()
    blender = _Blender.of(order, members, how)
    weights, asked = blender.weights()
    merged = WAYS[how.way](blender.adapters, weights, blender.rank)
    lines = [blender.judged(member.name, adapter) for member, adapter in zip(members, blender.adapters, strict=True)]
    folder = order.folder / "weights"
    merged.save(folder)
    ended, prior = blender.settled(folder)
    found = [*lines, ended] if ended else []
    cost = {"flops": blender.flops, "cpu_seconds": time.process_time() - spent, "wall_seconds": time.time() - began}
    return Blended(
        trained=Trained(weights=folder, kind="lora", labels=order.labels, prior=prior, cost=cost),
        weights=weights,
        rank=merged.rank,
        asked=asked,
        lines=tuple(each.line for each in found if each),
        gain=_gain([each for each in found if each]),
    )


def recoded(adapter: Adapter, before: LabelCodes, after: LabelCodes, name: str = "") -> Adapter:
    """The same adapter with its labels' rows at the codes that a larger set of labels gives them.

    Raises:
        UnsuitedModel: a label's code is another there, and the adapter has no row of it that could be moved.
    """
    to = dict(zip(after.labels, after.sequences, strict=True))
    moved = {own[0]: to[label][0] for label, own in zip(before.labels, before.sequences, strict=True)}
    changed = [(label, own) for label, own in zip(before.labels, before.sequences, strict=True) if own != to[label]]
    if stuck := [label for label, own in changed if own[0] not in adapter.rows]:
        what = f"label '{stuck[0]}' has another code among the labels of all, and no row of its own to be moved"
        raise UnsuitedModel(what, where=name, fix="merge versions that know the same labels in the same order")
    return replace(adapter, rows={moved.get(token, token): row for token, row in sorted(adapter.rows.items())})


@dataclass(frozen=True, slots=True)
class _Judged:
    """A line with the rows behind it."""

    line: Line
    loss: np.ndarray
    right: np.ndarray | None


@dataclass(slots=True)
class _Blender:
    """A bare base, the adapters, and the rows of all."""

    order: Order
    how: How
    adapters: list[Adapter]
    ground: Ground
    learned: Sequence[Sample]
    flops: float = field(default=0.0)

    @staticmethod
    def of(order: Order, members: Sequence[Member], how: How) -> _Blender:
        opened = open_model(order.start.base)
        codes = encode_labels(opened.tokenizer, order.labels) if order.chooses else None
        adapters = []
        for member in members:
            own = Adapter.read(member.folder)
            known = encode_labels(opened.tokenizer, member.labels) if codes else None
            adapters.append(recoded(own, known, codes, member.name) if known and codes else own)
        rows = render(order, Renderer(opened.tokenizer), codes)
        learned, held = apart(rows, order.recipe.held_out)
        allowed = torch.tensor([s[0] for s in codes.sequences], device=opened.model.device) if codes else None
        return _Blender(order, how, adapters, Ground(opened=opened, train=[], held_out=held, allowed=allowed), learned)

    @property
    def rank(self) -> int | None:
        """Of what comes out; None for an exact sum."""
        return self.how.rank or (max(each.rank for each in self.adapters) if self.how.way == "svd" else None)

    @property
    def begun(self) -> Weights:
        """What is taken where nothing is searched."""
        each = 1.0 if self.how.way == "task" else 1.0 / len(self.adapters)
        return Weights(self.how.weights or (each,) * len(self.adapters), self.how.blocks)

    def weights(self) -> tuple[Weights, int]:
        """How much of each, and how many sums were measured."""
        if not self.how.search:
            return self.begun, 0
        held = list(self.ground.held_out)[:MEASURED]
        if len(held) < LEAST:
            what = f"weights are chosen on held-out rows, and there are {len(held)}"
            raise NothingToTrainOn(what, where="search", fix="merge versions whose datasets hold more, or give weights")
        found = search(
            self.adapters,
            lambda adapter: float(losses(self.ground, held, adapter).mean()),
            by_block=len(held) >= BY_BLOCK,
            rank=self.rank,
            start=self.begun,
        )
        return found.weights, found.asked

    def judged(self, name: str, adapter: Adapter) -> _Judged | None:
        """How an adapter does on the held-out rows; None where there are none."""
        with wearing(self.ground.opened.model, adapter):
            return self._judged(name, self.ground)

    def settled(self, folder: Path) -> tuple[_Judged | None, tuple[float, ...]]:
        """The merged version: its rows fitted and saved anew where the recipe says so, judged, and its prior."""
        opened, lora = open_model(self.order.start.base), Lora()
        lora.attach(opened.model, folder, None, self.order.recipe.seed)
        ground, allowed, prior = replace(self.ground, opened=opened), self.ground.allowed, tuple[float, ...]()
        if allowed is not None and self.order.recipe.refit and self.learned:
            rows = lora.label_rows(opened.model, allowed)
            held = list(ground.held_out)
            fitted = refit(opened, rows, allowed, self.learned, held, bfloat16=has_bfloat16())
            prior, looked = fit_prior(opened, self.order.task, held, allowed, fitted.said)
            self.flops += fitted.flops + looked
            lora.save(opened.model, folder)
        found = self._judged("merged", ground, prior)
        self.flops += self.ground.meter.flops
        return found, prior

    def _judged(self, name: str, ground: Ground, prior: Sequence[float] = ()) -> _Judged | None:
        held = list(ground.held_out)
        if not held:
            return None
        if ground.allowed is None:
            loss = losses(ground, held)
            return _Judged(Line(name=name, loss=mean_interval(loss)), loss, None)
        said, flops = log_probabilities(ground.opened, [s.rendered for s in held], ground.allowed)
        self.flops += flops
        loss, right = _told(said, ground.allowed, held, prior)
        return _Judged(Line(name=name, loss=mean_interval(loss), right=mean_interval(right)), loss, right)


def _told(
    said: Tensor, allowed: Tensor, held: Sequence[Sample], prior: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """float64[rows]: the loss of the right label, and 1 where it is the likeliest."""
    logs = (said - torch.tensor(prior, device=said.device)).log_softmax(-1) if prior else said
    at = {int(token): k for k, token in enumerate(allowed)}
    right = torch.tensor([at[s.rendered.completion[0]] for s in held], device=said.device)
    loss = -logs[torch.arange(len(held)), right]
    return loss.double().cpu().numpy(), (logs.argmax(1) == right).double().cpu().numpy()


def _gain(found: Sequence[_Judged]) -> Score | None:
    """What is gained over the best member, on the same rows."""
    if len(found) < 2:
        return None
    *members, merged = found
    if merged.right is not None:
        best = max((one.right for one in members if one.right is not None), key=lambda right: float(right.mean()))
        return paired(merged.right, best)
    return paired(min((one.loss for one in members), key=lambda loss: float(loss.mean())), merged.loss)

"""Looks along the line from a champion to a candidate that was refused, for a version that may pass where it did not.

A candidate that learned much and forgot too much is one end of a line; the versions before it have learned less and
forgotten less (WiSE-FT, Wortsman et al. 2021, 2109.01903). On label tasks each point's rows of the labels are fitted
anew to everything that is remembered, as when a training has ended. Held-out rows choose the point, so that the rows of
the gate are still asked about one candidate alone.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor

from homeostat.errors import UnsuitedModel
from homeostat.llm.adapters import LEADING
from homeostat.llm.batches import passes
from homeostat.llm.forward import predict
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.precision import has_bfloat16
from homeostat.llm.render import Renderer
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.way import Way
from homeostat.train.ask import log_probabilities
from homeostat.train.flops import Size, shape
from homeostat.train.objectives.preference.likelihood import lengths, likelihoods
from homeostat.train.prior import fit_prior
from homeostat.train.refit import Refitted, refit
from homeostat.train.run import Order, Trained, render
from homeostat.train.samples import Sample, apart
from homeostat.train.transfer.interpolate import best_passing, between, between_weights
from homeostat.train.transfer.product import Adapter

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Points that are looked at: 0 is the champion, and 1 the candidate that was refused, its labels' rows fitted anew."""

SURE = 1.645
"""Standard errors beyond which a loss is no longer doubted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """From a champion (`order.start`) to the candidate that was trained from it."""

    order: Order
    """Of the candidate; `folder` is where the point is left, and `examples` are what the candidate learned from and
    what the champion knew, the latter as replayed or recalled."""
    candidate: Path
    """Folder of its weights, of the champion's kind."""
    prior: tuple[float, ...] = ()
    """What is subtracted from the champion's log-probabilities of labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The version that was found."""

    share: float
    """Where it lies: 0 is the champion, 1 the candidate."""
    gained: float
    """What it is better by than the champion on held-out new rows: a share of labels told right, or nats a token."""
    kept: float
    """The same on held-out rows of what the champion knew; negative where it has lost."""
    n: int
    """Held-out rows that decided."""
    trained: Trained


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What a search along a line has come to."""

    point: Point | None
    """None where no point will do."""
    cost: dict[str, float]
    """What all points that were looked at have taken: `flops`, `cpu_seconds` and `wall_seconds`, as of `Trained`."""


def along(line: Line, most_lost: float, shares: Sequence[float] = SHARES) -> Sought:
    """The point whose gain on new rows and loss on known ones add up to most, if any will do, and what looking took.

    A point has to gain on new rows, and must not have lost more than `most_lost` on known ones of any task beyond
    doubt: the rows of the gate are many more, and decide.

    Raises:
        CorruptWeights, UnsuitedModel: the two are not ends of one line.
    """
    _hold(line)
    began, spent = time.time(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        look = _Look.of(line, Path(folder))
        before = look.champion()
        moved = {share: look.at(share) - before for share in shares}
        gained = {share: _mean(each[look.new]) for share, each in moved.items()}
        kept = {share: _mean(each[~look.new]) for share, each in moved.items()}
        best = best_passing(
            [share for share in shares if gained[share] > 0.0],
            [lambda share: all(_at_most(moved[share][rows]) >= -most_lost for rows in look.known)],
            lambda share: gained[share] + kept[share],
        )
        left = None if best is None else look.left(best.point)
    took = {"cpu_seconds": time.process_time() - spent, "wall_seconds": time.time() - began}
    cost = {"flops": look.flops, **took}
    if best is None or left is None:
        return Sought(point=None, cost=cost)
    share, trained = best.point, replace(left, cost={**left.cost, **cost})
    found = Point(share=share, gained=gained[share], kept=kept[share], n=len(look.held), trained=trained)
    return Sought(point=found, cost=cost)


def point(line: Line, share: float) -> Trained:
    """The version at one point of the line, whatever it is worth, as `along` leaves it. Raises as `along`."""
    _hold(line)
    with tempfile.TemporaryDirectory() as folder:
        look = _Look.of(line, Path(folder))
        look.at(share)
        return look.left(share)


def _hold(line: Line) -> None:
    """Hold that the two are of a kind between which there is a line."""
    if line.order.start.kind in LEADING:
        what = f"there is no line between versions of kind {line.order.start.kind}"
        raise UnsuitedModel(what, where="train.mend", fix="go back to the champion, or use `lora`")


@dataclass(slots=True)
class _Look:
    """Held-out rows, and how right the points of a line are about each."""

    line: Line
    folder: Path
    """Of the points that were looked at."""
    learned: list[Sample]
    held: list[Sample]
    labels: Tensor | None
    """int64[labels]: the tokens of the labels, the champion's first; None for a task of text."""
    flops: float = 0.0
    priors: dict[float, tuple[float, ...]] = field(default_factory=dict)
    """By point, what is subtracted from its log-probabilities of labels."""

    @staticmethod
    def of(line: Line, folder: Path) -> _Look:
        order, opened = line.order, open_model(line.order.start.base)
        codes = encode_labels(opened.tokenizer, order.labels) if order.chooses else None
        learned, held = apart(render(order, Renderer(opened.tokenizer), codes), order.recipe.held_out)
        labels = torch.tensor([s[0] for s in codes.sequences], device=opened.model.device) if codes else None
        return _Look(line, folder, learned, held, labels)

    @property
    def new(self) -> Tensor:
        """bool[held]: whether a row is of what the champion could not know: a label new to it, or a reply it has not
        been trained on. Beside other tasks, whether it is new.
        """
        if self.labels is None or self.line.order.beside:
            return torch.tensor([not (s.replay or s.recalled) for s in self.held])
        known = set(self.labels[: len(self.line.order.start.labels)].tolist())
        return torch.tensor([s.rendered.completion[0] not in known for s in self.held])

    @property
    def known(self) -> list[Tensor]:
        """bool[held] for each task: its rows of what the champion knew."""
        tasks = dict.fromkeys(s.task for s in self.held)
        return [torch.tensor([s.task == task for s in self.held]) & ~self.new for task in tasks]

    @property
    def way(self) -> Way:
        """How points are opened and saved: as they lie there, whatever the recipe does to whom it goes on from."""
        adapt = self.line.order.recipe.adapt
        return Lora(bottom=adapt.bottom) if isinstance(adapt, Lora) else adapt

    def place(self, share: float) -> Path:
        """Where a point's weights are."""
        return self.folder / f"{share:g}"

    def left(self, share: float) -> Trained:
        """A point that was looked at, with its weights in the order's folder."""
        order = self.line.order
        weights = order.folder / "weights"
        shutil.copytree(self.place(share), weights, dirs_exist_ok=True)
        prior, cost = self.priors[share], {"flops": self.flops}
        return Trained(weights=weights, kind=order.start.kind, labels=order.labels, prior=prior, cost=cost)

    def champion(self) -> Tensor:
        """float[held]: what the champion is worth, as `at`; it replies with the labels it knows."""
        start = self.line.order.start
        known = None if self.labels is None else self.labels[: len(start.labels)]
        return self._worth(self._open(start.folder), known, self.line.prior)

    def at(self, share: float) -> Tensor:
        """float[held]: 1 or 0 for a label, the mean log-probability of a reply's tokens in nats for text."""
        folder, order = self.place(share), self.line.order
        self._write(share, folder)
        opened, self.priors[share] = self._open(folder), ()
        if self.labels is None:
            return self._worth(opened, None)
        said = self._refit(opened, self.labels).said
        if not order.beside:
            self.priors[share], looked = fit_prior(opened, order.task, self.held, self.labels, said)
            self.flops += looked
        self.way.save(opened.model, folder)
        return self._worth(opened, self.labels, self.priors[share], said)

    def _write(self, share: float, folder: Path) -> None:
        """The weights of a point, of the candidate's rank: exact ones would grow with every line of a line."""
        start, candidate = self.line.order.start, self.line.candidate
        if start.kind == "full" and start.folder is not None:
            between_weights(start.folder, candidate, share, folder)
            return
        end = Adapter.read(candidate)
        between(Adapter.read(start.folder) if start.folder else None, end, share, end.rank).save(folder)

    def _open(self, folder: Path | None) -> Opened:
        """The model with the weights of a folder, ready to answer."""
        order = self.line.order
        opened = open_model(order.start.base, folder if order.start.kind == "full" else None)
        self.way.attach(opened.model, folder, None, order.recipe.seed)
        opened.model.eval()
        return opened

    def _refit(self, opened: Opened, labels: Tensor) -> Refitted:
        """Fit the labels' rows to all that is remembered, where the recipe says so."""
        recipe = self.line.order.recipe
        if not recipe.refit:
            return Refitted()
        rows = self.way.label_rows(opened.model, labels)
        learned, held = ([s for s in some if not s.free] for some in (self.learned, self.held))
        fitted = refit(opened, rows, labels, learned, held, bfloat16=has_bfloat16())
        self.flops += fitted.flops
        return fitted

    def _worth(
        self, opened: Opened, labels: Tensor | None, prior: Sequence[float] = (), said: Tensor | None = None
    ) -> Tensor:
        """What a model is worth on each held-out row; `said` are its logits on those that choose, if they are known."""
        found, free = torch.zeros(len(self.held)), torch.tensor([labels is None or s.free for s in self.held])
        if free.any():
            found[free] = self._likely(opened, [s for s in self.held if labels is None or s.free])
        if labels is not None and not free.all():
            found[~free] = self._right(opened, labels, prior, said)
        return found

    def _right(self, opened: Opened, labels: Tensor, prior: Sequence[float], said: Tensor | None) -> Tensor:
        chosen = [s.rendered for s in self.held if not s.free]
        if said is None:
            said, flops = log_probabilities(opened, chosen, labels)
            self.flops += flops
        told = (said.log_softmax(-1) - torch.tensor(prior, device=said.device) if prior else said).argmax(1)
        right = torch.tensor([row.completion[0] for row in chosen], device=said.device)
        return (labels[told] == right).float().cpu()

    @torch.no_grad()
    def _likely(self, opened: Opened, held: Sequence[Sample]) -> Tensor:
        size, found = Size.of(opened.model), torch.zeros(len(held))
        order = sorted(range(len(held)), key=lambda k: held[k].length)
        for at in passes([held[k].length for k in order], opened.model.device):
            some = order[at]
            rows = [held[k].rendered for k in some]
            said = predict(opened, rows)
            found[some] = (likelihoods(said, len(rows)) / lengths(said, len(rows))).cpu()
            self.flops += size.forward(*shape(rows, opened.family))
        return found


def _at_most(values: Tensor) -> float:
    """The upper end of the mean's interval, at 95 % on one side; 0 of nothing."""
    return _mean(values) + SURE * float(values.std()) / len(values) ** 0.5 if len(values) > 1 else _mean(values)


def _mean(values: Tensor) -> float:
    """The mean, 0 of nothing."""
    return float(values.mean()) if len(values) else 0.0

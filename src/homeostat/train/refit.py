"""When training has ended: the rows of the labels, fitted to everything that is remembered at once.

What stands between the last state and the labels is linear, so its best rows for given states are a convex problem:
multinomial logistic regression, drawn toward the rows that training left. One forward pass over what is remembered
shows the states; no gradient goes through the model. A run that goes on from a champion sees few old examples
and leaves states that are hardly worse than those of joint retraining, read by rows that lean toward what was seen
last; fitting the rows alone takes that off.

Sources: the last layer alone is what forgets most and is the cheapest to repair (bias correction, Wu et al. 2019,
1905.13260; classifier re-training, Kang et al. 2019, 1910.09217; last-layer re-training, Kirichenko et al. 2022,
2204.02937).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from homeostat.llm.forward import places
from homeostat.llm.load import Opened
from homeostat.train.ask import Asked, ask
from homeostat.train.carried import States, look
from homeostat.train.rows import LabelRows
from homeostat.train.samples import Sample, thinned

PULLS = (1e-5, 1e-7, 1e-9)
"""Weights of the squared distance from the rows that training left, in units of 1 / mean squared length of a state; the
held-out rows choose one. Each fit begins where the one before ended."""
LOOKS = 40
"""Iterations of the solver for one fit."""
SCALES = tuple(1.12**k for k in range(-35, 13))
"""Factors of the fitted rows that are tried: rows that separate what was learned are too sure of what was not."""
SHOWN = 64
"""Rows a label, on average, that the model is shown: more hardly move the fit and each costs a forward pass."""
SHOWN_LEAST = 2048
"""Rows that are shown however few labels there are."""
LINEAR = 1e-3
"""Most by which logits may differ from states times rows, in standard deviations of the logits."""


@dataclass(frozen=True, slots=True)
class Refitted:
    """What fitting did."""

    gained: float = 0.0
    """Nats by which it lowered the held-out loss; 0 if the rows are as training left them."""
    flops: float = 0.0
    kept: States | None = None
    """The states that the rows were fitted to, where a recipe keeps them."""
    carried: int = 0
    """How many of them were carried over from the champion."""
    said: Tensor | None = None
    """float[held, labels]: the logits of the held-out rows under the rows that were kept; None if nobody looked."""


@dataclass(frozen=True, slots=True)
class Seen:
    """States, what is added to their products with the rows, the right label and the weight of each row."""

    states: Tensor
    offset: Tensor
    right: Tensor
    weight: Tensor

    def logits(self, rows: Tensor) -> Tensor:
        """float[n, labels], were these the labels' rows."""
        return self.states @ rows.T + self.offset

    def loss(self, rows: Tensor) -> Tensor:
        """Mean cross-entropy in nats."""
        each = F.cross_entropy(self.logits(rows), self.right, reduction="none")
        return (each * self.weight).sum() / self.weight.sum()


def refit(
    opened: Opened,
    rows: LabelRows | None,
    labels: Tensor,
    learned: Sequence[Sample],
    held: Sequence[Sample],
    *,
    before: States | None = None,
    bfloat16: bool = False,
) -> Refitted:
    """Fit the labels' rows to `learned`, and keep them if that lowers the loss on `held`.

    The rows stay as they are where the model has none of its own, where it does more than multiply a state with them,
    and where fewer than two rows are held out.

    Args:
        opened: the trained model.
        rows: where its label rows lie; None if it has none.
        labels: int64[labels], the tokens of the labels, in the same order.
        learned: rows that were trained on, now or by an ancestor; of many, `shown` is asked about.
        held: rows that neither this run nor an ancestor was trained on.
        before: what the champion kept, if states are carried over and kept; None reads all of `learned`.
        bfloat16: whether the states of `learned` are computed in it, as in training; those of `held` never are.
    """
    if rows is None or len(held) < 2 or not learned:
        return Refitted()
    asked, begun = ask(opened, [s.rendered for s in held], labels), rows.read()
    offset = added(asked, begun)
    if offset is None:
        return Refitted(flops=asked.flops, said=asked.logits)
    learned = shown(learned, len(labels))
    looked = look(opened, learned, labels, before or States({}), bfloat16=bfloat16)
    known, unseen = (_seen(each.states, offset, labels, of) for each, of in ((looked, learned), (asked, held)))
    plain, _ = _scaled(begun, unseen)
    best, kept, fitted = plain, begun, begun
    for each in PULLS:
        fitted = fit_rows(known, begun, fitted, each)
        loss, factor = _scaled(fitted, unseen)
        if loss < best:
            best, kept = loss, factor * fitted
    spent = asked.flops + looked.flops + fitting(len(learned), begun.numel())
    rows.write(kept)
    states = looked.kept if before is not None else None
    return Refitted(plain - best, spent, states, looked.carried, unseen.logits(kept))


def fitting(states: int, numbers: int) -> float:
    """Operations of fitting labels' rows of so many numbers to so many states."""
    return 6.0 * len(PULLS) * LOOKS * numbers * states


def added(asked: Asked, rows: Tensor) -> Tensor | None:
    """float[labels]: what a model adds to the products of states with these rows; None where it does more than that."""
    offset = asked.logits - asked.states @ rows.T
    mean = offset.mean(0)
    return None if float((offset - mean).abs().max()) > LINEAR * float(asked.logits.std()) else mean


def shown(learned: Sequence[Sample], labels: int) -> list[Sample]:
    """The rows that the model is shown, of all that are remembered."""
    return thinned(learned, max(SHOWN_LEAST, SHOWN * labels))


def _seen(states: Tensor, offset: Tensor, labels: Tensor, samples: Sequence[Sample]) -> Seen:
    target = torch.tensor([s.rendered.completion[0] for s in samples], device=labels.device)
    weight = torch.tensor([s.weight for s in samples], device=labels.device)
    return Seen(states, offset, places(target, labels), weight)


def fit_rows(seen: Seen, begun: Tensor, start: Tensor, pull: float) -> Tensor:
    """float[labels, hidden] that minimizes the loss plus the pull toward `begun`, from `start` on."""
    return least(seen.loss, begun, start, pull * float(seen.states.square().sum(1).mean()))


def least(loss: Callable[[Tensor], Tensor], begun: Tensor, start: Tensor, strength: float) -> Tensor:
    """Where a convex loss, plus `strength` times the squared distance from `begun`, is least, looked for from `start`
    on; float[n, hidden] as these.
    """
    rows = start.clone().requires_grad_(True)
    solver = torch.optim.LBFGS([rows], max_iter=LOOKS, max_eval=2 * LOOKS, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        solver.zero_grad()
        value = loss(rows) + strength * (rows - begun).square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    solver.step(objective)  # type: ignore[no-untyped-call]
    return rows.detach()


def _scaled(rows: Tensor, seen: Seen) -> tuple[float, float]:
    """The lowest loss that a factor of the rows gives, and the factor."""
    losses = [float(seen.loss(scale * rows)) for scale in SCALES]
    best = min(range(len(losses)), key=losses.__getitem__)
    return losses[best], SCALES[best]

"""Before the first step: the rows of labels that are new, fitted to what the champion's states tell of them already.

A new label's row begins at what its words mean, which is far from where the states of its requests lie. The first
steps then bend states that are good toward rows that are not, and a careful run has few steps. So the new rows, and
these alone, are fitted first: a convex problem over the states of the new labels' requests, which are read, and of old
ones, which the champion has kept or which are read too.

Sources: a linear probe before fine-tuning distorts features less (LP-FT, Kumar et al. 2022, 2202.10054); a new class's
row set by its own features (weight imprinting, Qi et al. 2018, 1712.07136).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from homeostat.llm.forward import places
from homeostat.llm.load import Opened
from homeostat.train.ask import ask
from homeostat.train.carried import States, row_name
from homeostat.train.refit import LOOKS, added, least, shown
from homeostat.train.rows import LabelRows
from homeostat.train.samples import Sample

PULL = 1e-5
"""Weight of the squared distance from where the rows began, in units of 1 / mean squared length of a state."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of rows before anything is trained."""

    states: Tensor
    """float[n, hidden]"""
    others: Tensor
    """float[n]: logarithm of the summed exponentials of the old labels' logits."""
    offset: Tensor
    """float[new]: what is added to the products of states with the new rows."""
    right: Tensor
    """int64[n]: which of the new labels is right; -1 where an old one is."""
    weight: Tensor
    """float[n]"""

    def loss(self, rows: Tensor) -> Tensor:
        """Mean cross-entropy in nats, but for what the new rows do not change: the right logits of old labels."""
        logits = self.states @ rows.T + self.offset
        right = logits.gather(1, self.right.clamp(min=0)[:, None]).squeeze(1) * (self.right >= 0)
        each = torch.logaddexp(self.others, logits.logsumexp(1)) - right
        return (each * self.weight).sum() / self.weight.sum()


def fit_newcomers(
    opened: Opened, rows: LabelRows | None, labels: Tensor, known: int, learned: Sequence[Sample], before: States
) -> float:
    """Fit the rows of all labels but the first `known` ones, which stay as they are; the operations that it took.

    Nothing is done where there is no new label or no request of one, where the model has no rows of its own or does
    more than multiply a state with them.

    Args:
        opened: the model, which is still the champion.
        rows: where its label rows lie; None if it has none.
        labels: int64[labels], the tokens of the labels, the known ones first.
        known: how many of them the champion knows.
        learned: rows to learn, and rows that the champion or an ancestor has learned.
        before: the states that the champion kept; where there are none, rows that are not recalled are read.
    """
    read, kept = fitted_to(learned, labels.tolist(), known, before)
    if rows is None or not known or not read:
        return 0.0
    opened.model.eval()
    asked, begun = ask(opened, [s.rendered for s in read], labels), rows.read()
    offset = added(asked, begun)
    if offset is None:
        return asked.flops
    states = torch.cat([asked.states, *(before.by_row[row_name(s)].to(asked.states)[None] for s in kept)])
    seen = _known(states, begun[:known], offset, labels, [*read, *kept])
    strength = PULL * float(states.square().sum(1).mean())
    rows.write(torch.cat([begun[:known], least(seen.loss, begun[known:], begun[known:], strength)]))
    return asked.flops + joining(len(states), begun[:known].numel(), begun[known:].numel())


def joining(states: int, old: int, new: int) -> float:
    """Operations of the fit to so many states, of so many numbers of the labels' rows, old and new ones."""
    return 2.0 * states * (old + 3.0 * LOOKS * new)


def fitted_to(
    learned: Sequence[Sample], labels: Sequence[int], known: int, before: States
) -> tuple[list[Sample], list[Sample]]:
    """The rows that are read for it, those of new labels first, and those whose states were kept; none of either where
    no row is of a new label.
    """
    new = set(labels[known:])
    fresh = [s for s in learned if s.rendered.completion[0] in new]
    if not fresh:
        return [], []
    old = [s for s in shown(learned, len(labels)) if s.rendered.completion[0] not in new]
    kept = [s for s in old if row_name(s) in before.by_row]
    return [*fresh, *(() if kept else (s for s in old if not s.recalled))], kept


def _known(states: Tensor, old: Tensor, offset: Tensor, labels: Tensor, samples: Sequence[Sample]) -> Known:
    target = torch.tensor([s.rendered.completion[0] for s in samples], device=labels.device)
    return Known(
        states=states,
        others=(states @ old.T + offset[: len(old)]).logsumexp(1),
        offset=offset[len(old) :],
        right=(places(target, labels) - len(old)).clamp(min=-1),
        weight=torch.tensor([s.weight for s in samples], device=labels.device),
    )

"""What a model says of the labels when it is asked about nothing: a bias, taken off where that helps.

Contextual calibration (Zhao et al. 2021, 2102.09690), with a share of the bias instead of all of it: a model that was
trained on its labels has little bias left, and what is left may be knowledge of how frequent they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from homeostat.llm.forward import places
from homeostat.llm.lead import lead_of
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.ask import ask, log_probabilities
from homeostat.train.samples import Sample
from homeostat.types.task import Task

NOTHING = ("N/A", "?", "...", "[]")
"""Texts without content."""
SHARES = (0.25, 0.5, 0.75, 1.0)
"""Shares of the bias that are tried."""
SURE = 2.0
"""Standard errors by which the held-out loss must fall for a prior to be kept."""


def fit_prior(
    opened: Opened, task: Task, held: Sequence[Sample], allowed: Tensor | None, said: Tensor | None = None
) -> tuple[tuple[float, ...], float]:
    """The logarithms to subtract from the labels' log-probabilities, and the operations that finding them took.

    Empty where taking off no share of the bias lowers the loss on held-out rows beyond doubt.

    Args:
        opened: the trained model.
        task: whose instruction the empty requests carry.
        held: rows whose completion is one of the tokens in `allowed`.
        allowed: int64[labels], the tokens of the labels; None for a task without labels.
        said: float[held, labels], the logits of the held-out rows, if they are known.
    """
    if allowed is None or len(held) < 2:
        return (), 0.0
    lead = lead_of(opened.model)
    renderer = Renderer(opened.tokenizer, lead=lead.places if lead else 0)
    empty = [Rendered(renderer.prompt(task, text), (0,)) for text in NOTHING]
    nothing, spent = log_probabilities(opened, empty, allowed)
    if said is None:
        asked = ask(opened, [s.rendered for s in held], allowed)
        said, spent = asked.logits, spent + asked.flops
    said = said.log_softmax(-1)
    bias = nothing.exp().mean(0).log().clamp(min=-20.0)
    target = torch.tensor([s.rendered.completion[0] for s in held], device=allowed.device)
    at = places(target, allowed)
    plain = _losses(said, at)
    best = min(SHARES, key=lambda share: float(_losses(said - share * bias, at).mean()))
    gained = plain - _losses(said - best * bias, at)
    sure = float(gained.mean()) > SURE * float(gained.std()) / len(held) ** 0.5
    return (tuple((best * bias).tolist()) if sure else ()), spent


def _losses(scores: Tensor, at: Tensor) -> Tensor:
    """float[rows]: negative log-probability of the right label, in nats."""
    return -scores.log_softmax(-1).gather(1, at[:, None]).squeeze(1)

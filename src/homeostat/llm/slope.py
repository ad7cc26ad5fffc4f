"""What would come of other tokens, to first order: gradients over what the embedding table gives (HotFlip, Ebrahimi et
al. 2017, 1712.06751).

One pass forward and back through the model prices every replacement in a row at once. A replacement by as many tokens
is priced as in the paper, (new - old) times the slope at each place; where it takes more or fewer, tokens that share a
place count with their mean, and a place that is left without one counts as empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from homeostat.errors import UnsuitedModel
from homeostat.llm.forward import Predicted, predict
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered


def slopes(opened: Opened, rows: Sequence[Rendered], wanted: Callable[[Predicted], Tensor]) -> list[Tensor]:
    """float32[tokens of the prompt, hidden] per row: how what is wanted rises with what is read at each place.

    `wanted` makes float[rows] of what the model says.

    Raises:
        UnsuitedModel: the model does not read tokens by its embedding table, or what is wanted has no gradient.
    """
    read = list[Tensor]()

    def leaf(module: Any, given: Any, out: Tensor) -> Tensor | None:
        if read:
            return None
        read.append(out.detach().requires_grad_())
        return read[0]

    hook = _table(opened).register_forward_hook(leaf)
    try:
        with torch.enable_grad():
            said = wanted(predict(opened, rows))
    finally:
        hook.remove()
    rises = torch.autograd.grad(said.sum(), read, allow_unused=True)[0] if read and said.requires_grad else None
    if rises is None:
        fix = "attack it with `--how greedy`, which asks and looks no further"
        raise UnsuitedModel("what this version says has no gradient over what it reads", fix=fix)
    first = 1 if opened.family == "encoder" else 0  # behind the mark that an encoder's input begins with
    return [rise[first : first + len(row.prompt)].float() for rise, row in zip(rises, rows, strict=True)]


@torch.no_grad()
def estimates(opened: Opened, ids: Sequence[int], slope: Tensor, others: Sequence[Sequence[int]]) -> np.ndarray:
    """float64[others]: by how much what is wanted would rise if these tokens were read in the place of `ids`, for the
    slope float32[ids, hidden] of `slopes`.
    """
    if not others:
        return np.zeros(0)
    changes = [_change(ids, other) for other in others]
    known = sorted({token for *_, new in changes for token in new} | {*ids})
    number = {token: k for k, token in enumerate(known)}
    rows = _table(opened)(torch.tensor(known, device=slope.device)).float()
    worth = (rows @ slope.T).double().cpu().numpy()
    now = worth[[number[token] for token in ids], range(len(ids))]
    return np.array([_rise(worth, now, number, change) for change in changes])


def _change(ids: Sequence[int], other: Sequence[int]) -> tuple[int, int, Sequence[int]]:
    """Where two rows differ: from, to, and what the other has there; never between two places of the first."""
    shorter = min(len(ids), len(other))
    start = next((k for k in range(shorter) if ids[k] != other[k]), shorter)
    behind = next((k for k in range(shorter - start) if ids[-1 - k] != other[-1 - k]), shorter - start)
    if start == len(ids) - behind and start:  # only more was put in: the place before takes it
        start -= 1
    return start, len(ids) - behind, other[start : len(other) - behind]


def _rise(worth: np.ndarray, now: np.ndarray, number: dict[int, int], change: tuple[int, int, Sequence[int]]) -> float:
    """What a change is worth: per place the mean of the tokens that come there, less what stands there now."""
    start, end, new = change
    places = end - start
    if not places:
        return 0.0
    at = [start + (k * places // len(new) if len(new) > places else k) for k in range(len(new))]
    comes, count = np.zeros(places), np.zeros(places)
    for token, place in zip(new, at, strict=True):
        comes[place - start] += worth[number[token], place]
        count[place - start] += 1
    return float((comes / np.maximum(count, 1)).sum() - now[start:end].sum())


def _table(opened: Opened) -> Any:
    """What turns the tokens of a prompt into rows."""
    reader = opened.model.get_encoder() if opened.family == "seq2seq" else opened.model
    return reader.get_input_embeddings()

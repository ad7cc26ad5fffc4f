"""What would come of other tokens: gradients over what the embedding table gives, after HotFlip (Ebrahimi et al. 2017,
1712.06751), by one pass forward and back for all replacements in a row.

The paper's estimate, (new - old) times the slope, holds near to what is read. Other rows of the table are far, and
those of rare tokens farthest, so that it puts these first. Here it is divided by the distance, which tells whether a
change goes downhill, and put together with how steep it is where something changes. Of slips and synonyms in requests
that goes with what truly comes of them at a rank correlation of 0.62, the paper's at 0.48 (`docs/log.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from homeostat.errors import UnknownLabel, UnsuitedModel
from homeostat.llm.forward import Predicted, predict
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered

DOWNHILL = 0.5
"""Weight of how far a change goes downhill, beside how steep it is where it is made; chosen on requests of CLINC150."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Requests to one version, and the label of each that is wanted."""

    known: tuple[str, ...]
    """The version's labels, in the order of its scores."""
    wanted: Sequence[str]
    prompts: Sequence[tuple[int, ...]]


def harms(
    opened: Opened,
    asked: Asked,
    scored: Callable[[Predicted], tuple[Tensor, *tuple[object, ...]]],
    others: Sequence[Sequence[Sequence[int]]],
) -> list[np.ndarray]:
    """float64[others] per request: which of these tokens, read in its place, would take most from its label, the lower
    the more. `scored` makes float[rows, labels] log-probabilities, and something else, of what the model says.

    Raises:
        UnknownLabel: the version does not know a label.
        UnsuitedModel: what it says has no gradient, as of an exact head, which counts words besides.
    """
    if strange := set(asked.wanted) - set(asked.known):
        raise UnknownLabel(f"the version does not know the label '{min(strange)}'")
    at = [asked.known.index(label) for label in asked.wanted]
    rows = [Rendered(prompt, (0,)) for prompt in asked.prompts]
    found = slopes(opened, rows, lambda said: scored(said)[0][range(len(at)), at])
    return [harm(opened, *each) for each in zip(asked.prompts, found, others, strict=True)]


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
def harm(opened: Opened, ids: Sequence[int], slope: Tensor, others: Sequence[Sequence[int]]) -> np.ndarray:
    """float64[others]: where each stands among the others if these tokens were read in the place of `ids`, the lower
    the less of what is wanted would be left; for the slope float32[ids, hidden] of `slopes`.

    Tokens that share a place count with their mean; a place that is left without one counts as empty.
    """
    if not others:
        return np.zeros(0)
    now = _read(opened, ids, slope.device)
    steep, found = slope.norm(dim=1).double().cpu().numpy(), np.zeros((2, len(others)))
    for k, (start, end, new) in enumerate(_change(ids, other) for other in others):
        moved = _comes(_read(opened, new, slope.device), end - start) - now[start:end]
        apart = float(moved.norm())
        found[0, k] = float((moved * slope[start:end]).sum()) / apart if apart else 0.0
        found[1, k] = -np.sqrt((steep[start:end] ** 2).sum())
    spread = found.std(1, keepdims=True)
    downhill, where = found / np.where(spread > 0, spread, 1.0)
    return np.asarray(DOWNHILL * downhill + where)


def _change(ids: Sequence[int], other: Sequence[int]) -> tuple[int, int, Sequence[int]]:
    """Where two rows differ: from, to, and what the other has there; never between two places of the first."""
    shorter = min(len(ids), len(other))
    start = next((k for k in range(shorter) if ids[k] != other[k]), shorter)
    behind = next((k for k in range(shorter - start) if ids[-1 - k] != other[-1 - k]), shorter - start)
    if start == len(ids) - behind and start and len(other) > len(ids):  # more was put in: the place before takes it
        start -= 1
    return start, len(ids) - behind, other[start : len(other) - behind]


def _comes(rows: Tensor, places: int) -> Tensor:
    """float32[places, hidden]: what float32[tokens, hidden] come to at so many places, in their order."""
    out, count = rows.new_zeros(places, rows.shape[1]), np.zeros(places)
    for k, row in enumerate(rows):
        at = k * places // len(rows) if len(rows) > places else k
        out[at] += row
        count[at] += 1
    return out / torch.tensor(np.maximum(count, 1.0), dtype=out.dtype, device=out.device)[:, None]


def _read(opened: Opened, ids: Sequence[int], device: torch.device) -> Tensor:
    """float32[ids, hidden]: what the table gives for tokens."""
    read: Tensor = _table(opened)(torch.tensor(list(ids), dtype=torch.int64, device=device))
    return read.float()


def _table(opened: Opened) -> Any:
    """What turns the tokens of a prompt into rows."""
    reader = opened.model.get_encoder() if opened.family == "seq2seq" else opened.model
    return reader.get_input_embeddings()

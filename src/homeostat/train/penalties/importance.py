"""What mattered for tasks that are over, in a file beside a version's weights, so that their rows need not be kept.

The Fisher information of what was trained, measured when a run has ended, on the rows that it had. Each run adds its
own to a share of what its champion kept, as in online elastic weight consolidation (Schwarz et al. 2018, 1805.06370):
one file, however many tasks there were.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from homeostat.llm.weights import IMPORTANCE, check_file
from homeostat.train.adapt.beside import NAME, ROWS
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Step

FILE = IMPORTANCE
FADES = 0.9
"""Share of what mattered before that is left when another run has ended."""
MOST = 256
"""Most rows of a run that it is measured on."""
_MATTERS, _SIZE, _TOKENS = "matters.", "size.", "tokens."
_NEAR = 1e-3
"""Tensors whose mean size differs by no more than this share are the same ones; a file may have rounded them."""


@dataclass(frozen=True, slots=True)
class Part:
    """One tensor, as it was when what matters in it was measured."""

    matters: Tensor
    """Shaped as the tensor."""
    size: float
    """Mean absolute value of the tensor, by which it is known again."""
    tokens: tuple[int, ...] = ()
    """Tokens whose rows it holds, if it is a table of labels' rows; others may be added to it."""

    def on(self, tensor: Tensor, tokens: Sequence[int]) -> Tensor | None:
        """What matters in a tensor that goes on from it: nothing in rows of new labels. None of another tensor."""
        if not self.tokens:
            fits = self.matters.shape == tensor.shape and self._knows(tensor)
            return self.matters.to(tensor) if fits else None
        if not set(self.tokens) <= set(tokens):
            return None
        at = [tokens.index(token) for token in self.tokens]
        if not self._knows(tensor[at]):
            return None
        grown = torch.zeros_like(tensor)
        grown[at] = self.matters.to(tensor)
        return grown

    def _knows(self, tensor: Tensor) -> bool:
        return abs(_size(tensor) - self.size) <= _NEAR * self.size


@dataclass(frozen=True, slots=True)
class Importance:
    """What mattered to a version, by the name of the tensor."""

    parts: Mapping[str, Part]

    @staticmethod
    def read(folder: Path | None) -> Importance:
        """What lies with a version; nothing if it keeps none.

        Raises:
            CorruptWeights, UnsafeWeights: the file is damaged, or none at all.
        """
        if folder is None or not (folder / FILE).exists():
            return Importance({})
        check_file(folder / FILE)
        kept = load_file(folder / FILE)
        names = [key.removeprefix(_MATTERS) for key in kept if key.startswith(_MATTERS)]
        none = torch.zeros(0, dtype=torch.int64)
        return Importance(
            {
                name: Part(
                    matters=kept[_MATTERS + name],
                    size=float(kept[_SIZE + name]),
                    tokens=tuple(kept.get(_TOKENS + name, none).tolist()),
                )
                for name in names
            }
        )

    def save(self, folder: Path) -> None:
        """Write it beside a version's weights, in float32."""
        kept = {}
        for name, part in self.parts.items():
            kept[_MATTERS + name] = part.matters.float().cpu().contiguous()
            kept[_SIZE + name] = torch.tensor(part.size, dtype=torch.float64)
            if part.tokens:
                kept[_TOKENS + name] = torch.tensor(part.tokens, dtype=torch.int64)
        save_file(kept, folder / FILE, metadata={"format": "pt"})

    def on(self, model: Any) -> list[Tensor] | None:
        """What matters in each trained tensor of a model, before its first step; None where nothing is kept, or where
        the model is not trained from those tensors on (a fresh adapter on a champion, say).
        """
        trained, tokens = dict(_trained(model)), _tokens(model)
        if not self.parts or not set(self.parts) <= set(trained):
            return None
        found = []
        for name, tensor in trained.items():
            part = self.parts.get(name)
            known = torch.zeros_like(tensor) if part is None else part.on(tensor.detach(), tokens)
            if known is None:
                return None
            found.append(known)
        return found


def after(ground: Ground, before: Importance) -> Importance:
    """What matters when a run has ended: to its own rows, at a mean of 1, and to those before, faded.

    Args:
        ground: the run's; its model is as it will be kept, and not learning.
        before: what the version that it went on from had kept.
    """
    now = evened(fisher(drawn_logs(replace(ground, known=0), list(ground.train), MOST), _tensors(ground.opened.model)))
    tokens, parts = _tokens(ground.opened.model), {}
    for (name, tensor), matters in zip(_trained(ground.opened.model), now, strict=True):
        own = tuple(tokens) if ROWS in name else ()
        known = before.parts.get(name)
        earlier = None if known is None else _placed(known, matters, tokens)
        total = matters if earlier is None else matters + FADES * earlier
        parts[name] = Part(matters=total, size=_size(tensor.detach()), tokens=own)
    return Importance(parts)


def drawn_logs(ground: Ground, rows: Sequence[Sample], most: int) -> Iterator[Tensor]:
    """Log-probabilities, in nats, of what the model itself says of at most so many of the rows, drawn by the seed; over
    the labels that it knew before its first step, where it knew any. A step's operations for each row.
    """
    chance = torch.Generator().manual_seed(ground.seed)
    for k in np.random.default_rng([ground.seed, 4]).permutation(len(rows))[:most]:
        step = Step(ground.under([rows[k]]), [rows[k]])
        yield drawn(step.scores[:, : step.ground.known or None], chance)


def drawn(scores: Tensor, chance: torch.Generator) -> Tensor:
    """The log-probability in nats, a scalar, of a token or label drawn at each place of float[places, k] logits.

    The model draws, not the data: the Fisher information is what the model's own answers would tell of its tensors. The
    places of one reply are drawn given the reply's own tokens, so that one pass is enough.
    """
    logs = scores.log_softmax(-1)
    tokens = torch.multinomial(logs.detach().exp().cpu(), 1, generator=chance)
    return logs.gather(1, tokens.to(logs.device)).sum()


def fisher(logs: Iterable[Tensor], tensors: Sequence[Tensor]) -> list[Tensor]:
    """The mean over scalars of their squared gradients, shaped as the tensors.

    Of log-probabilities in nats of what the model draws itself, it is the diagonal of the Fisher information.
    """
    total, count = [torch.zeros_like(tensor) for tensor in tensors], 0
    for log in logs:
        gradients = torch.autograd.grad(log, list(tensors), materialize_grads=True)
        torch._foreach_addcmul_(total, gradients, gradients)
        count += 1
    return [each / max(count, 1) for each in total]


def evened(information: Sequence[Tensor]) -> list[Tensor]:
    """The same, scaled so that the mean over all elements is 1: a weight means the same for every model then."""
    mean = sum(float(each.double().sum()) for each in information) / sum(each.numel() for each in information)
    return [each / mean if mean else each for each in information]


def _placed(known: Part, now: Tensor, tokens: Sequence[int]) -> Tensor | None:
    """What mattered before, shaped as now; None where it was of another tensor."""
    if not known.tokens:
        return known.matters.to(now) if known.matters.shape == now.shape else None
    grown = torch.zeros_like(now)
    for row, token in zip(known.matters, known.tokens, strict=True):
        grown[tokens.index(token)] = row.to(now)
    return grown


def _trained(model: Any) -> list[tuple[str, Tensor]]:
    """The tensors of a model that get a gradient, by name."""
    return [(name, tensor) for name, tensor in model.named_parameters() if tensor.requires_grad]


def _tensors(model: Any) -> list[Tensor]:
    return [tensor for _, tensor in _trained(model)]


def _tokens(model: Any) -> list[int]:
    """The tokens whose rows lie in an adapter's table, in their order."""
    config = getattr(model, "peft_config", {}).get(NAME)
    return [token for each in ((config.trainable_token_indices if config else None) or {}).values() for token in each]


def _size(tensor: Tensor) -> float:
    return float(tensor.detach().double().abs().mean())

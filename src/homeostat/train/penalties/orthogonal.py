"""A new adapter should read other directions than earlier ones do, so that what it adds does not show where they work
(O-LoRA, Wang et al. 2023, 2310.14152).

For a fresh adapter on a base that the earlier ones are merged into: one that goes on from an earlier adapter begins
with the very directions that it should keep off. On a tiny decoder it kept more of the old for less of the new, and
keeping off random directions as strongly did the same: it held back, and where was of no account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.errors import CorruptWeights, UnsuitedModel
from homeostat.llm.load import require_safetensors
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Loss, Step

_FILE = "adapter_model.safetensors"
_OURS = re.compile(r"(.+)\.lora_A\.[^.]+\.weight$")
_SAVED = re.compile(r"base_model\.model\.(.+)\.lora_A\.weight$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Orthogonal:
    """Σ |A A_oldᵀ| over layers and earlier adapters: how far the rows of A, which an adapter reads by, overlap.

    The sum of magnitudes is what the authors' program takes; their paper writes that of squares.
    """

    adapters: tuple[str, ...] = ()
    """Folders of the earlier adapters."""
    weight: float = knob(0.5, least=0.0)

    def begin(self, ground: Ground) -> Loss:
        """Read the earlier adapters.

        Raises:
            ModelNotFound, UnsafeWeights, CorruptWeights: a folder holds no adapter of this base.
            UnsuitedModel: no adapter is trained.
        """
        ours = _read_by(ground.opened.model)
        return Overlap([pair for folder in self.adapters for pair in _pairs(ours, Path(folder))])


@dataclass(frozen=True, slots=True)
class Overlap:
    """Keeps matrices off others."""

    pairs: Sequence[tuple[Tensor, Tensor]]
    """float[rank, width] that is trained, and float[earlier rank, width] of an earlier adapter's same layer."""

    def weigh(self, samples: Sequence[Sample]) -> float:
        """Rows, which it does not look at: each part of a batch adds its share. 0 if there is nothing to keep off."""
        return float(len(samples)) if self.pairs else 0.0

    def __call__(self, step: Step) -> Tensor:
        """The sum over all pairs, whatever the batch."""
        return torch.stack([overlap(new, old) for new, old in self.pairs]).sum()


def overlap(new: Tensor, old: Tensor) -> Tensor:
    """Sum of the magnitudes of all products of a row of float[r, width] with one of float[s, width]; a scalar."""
    return (new @ old.T).abs().sum()


def _read_by(model: Any) -> dict[str, Tensor]:
    """float[rank, width] of every layer whose adapter is trained, by the layer's name."""
    tensors = ((_OURS.match(name), tensor) for name, tensor in model.named_parameters() if tensor.requires_grad)
    found = {match[1]: tensor for match, tensor in tensors if match}
    if not found:
        raise UnsuitedModel("no adapter is trained that could be kept off others", fix="adapt by `lora`")
    return found


def _pairs(ours: Mapping[str, Tensor], folder: Path) -> list[tuple[Tensor, Tensor]]:
    """Each of our matrices with that of the same layer in an adapter's folder."""
    require_safetensors(folder, str(folder), _FILE)
    found = ((_SAVED.match(name), tensor) for name, tensor in load_file(folder / _FILE).items())
    theirs = {match[1]: tensor for match, tensor in found if match}
    pairs = [(tensor, theirs[name].to(tensor)) for name, tensor in ours.items() if name in theirs]
    if not pairs or any(new.shape[1] != old.shape[1] for new, old in pairs):
        fix = "name adapters that were trained on this base"
        raise CorruptWeights("an earlier adapter does not fit the model", where=str(folder), fix=fix)
    return pairs

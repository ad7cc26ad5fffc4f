"""Where adapters begin: at the principal directions of the weights, or of what comes in, instead of at random.

PiSSA (Meng et al. 2024, 2404.02948) takes the largest singular values of a weight into the adapter and trains those;
OLoRA (Büyükakyüz 2024, 2406.01775) takes the first columns of its QR decomposition. Both leave the rest of the weight
in its place, so the base under the adapter is another one. EVA (Paischer et al. 2024, 2410.07170) leaves the base
alone and reads with the directions in which a layer's inputs are large.

A version is served on the base as it was, beside others. What is saved is therefore the difference from where the
adapter began, which is exact, as an adapter of twice the rank: B A − B₀ A₀ = (B − B₀) A + B₀ (A − A₀). Neither summand
is large, so serving it loses no more digits than any adapter. (A base in bfloat16 is rounded once more for training.)
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from homeostat.llm.forward import predict
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered

FILE = "adapter_model.safetensors"
PEFT = {"plain": True, "pissa": "pissa_niter_16", "olora": "olora", "eva": True}
"""Name of a beginning -> what peft calls it; PiSSA by the fast decomposition of the paper's section 4.3."""
SEEN = 64
"""Rows that EVA looks at, evenly spaced."""
_BEGUN = ("begun_A", "begun_B")
_MAGNITUDE = "lora_magnitude_vector"


def remember(model: Any, name: str) -> None:
    """Keep where the adapter begins, beside it on the model and in no file."""
    for _, layer in _layers(model, name):
        for buffer, tensor in zip(_BEGUN, _pair(layer, name), strict=True):
            layer.register_buffer(buffer, tensor.detach().clone().float(), persistent=False)


def make_portable(model: Any, name: str, folder: Path) -> None:
    """Rewrite the adapter saved in `folder`, if need be, so that it says the same on the base as it was.

    The lengths that DoRA learns get the name by which transformers finds them; peft writes another one.
    """
    written = load_file(folder / FILE)
    begun = {path: layer for path, layer in _layers(model, name) if hasattr(layer, _BEGUN[0])}
    doubled = {f"base_model.model.{path}": _difference(layer, name) for path, layer in begun.items()}
    tensors = {f"{key}.weight" if key.endswith(_MAGNITUDE) else key: tensor for key, tensor in written.items()}
    for path, pair in doubled.items():
        tensors |= {f"{path}.lora_{side}.weight": tensor for side, tensor in zip("AB", pair, strict=True)}
    if tensors.keys() != written.keys() or doubled:
        save_file(tensors, folder / FILE, metadata={"format": "pt"})
    if doubled:
        config = copy.copy(model.peft_config[name])
        config.r, config.init_lora_weights = 2 * config.r, True
        config.lora_alpha *= 2**0.5 if config.use_rslora else 2
        config.save_pretrained(str(folder))


@torch.no_grad()
def follow_inputs(opened: Opened, name: str, rows: Sequence[Rendered]) -> None:
    """Let every layer of a fresh adapter read with the main directions of its inputs on these rows (EVA).

    Every layer keeps the adapter's rank; the paper may also move rank from one layer to another. A layer that has
    learned something, or whose inputs show fewer directions than its rank, keeps the rest of what it has.
    """
    fresh = {path: layer for path, layer in _layers(opened.model, name) if not layer.lora_B[name].weight.any()}
    seen: dict[str, Tensor] = {}
    with ExitStack() as hooks:
        for path, layer in fresh.items():
            most = 2 * layer.r[name]
            hook = layer.register_forward_pre_hook(partial(_see, seen, path, most))
            hooks.callback(hook.remove)
        for row in rows[:: max(1, len(rows) // SEEN)]:
            predict(opened, [row])  # one by one, so that nothing is filled up
    for path, directions in seen.items():
        reads = fresh[path].lora_A[name].weight
        found = nn.functional.normalize(directions[: len(reads)], dim=1)
        reads[: len(found)] = found.to(reads)


def _see(seen: dict[str, Tensor], path: str, most: int, layer: nn.Module, given: tuple[Tensor, ...]) -> None:
    """Take inputs float[..., in] into the main directions seen so far, float[at most `most`, in], longest first.

    Incremental, about zero and not about the mean: an adapter has no other way to read the mean.
    """
    inputs = given[0].detach().flatten(0, -2).float()
    known = torch.cat([seen[path], inputs]) if path in seen else inputs
    _, lengths, directions = torch.linalg.svd(known, full_matrices=False)
    large = lengths[:most] > 1e-6 * lengths[0]
    seen[path] = (lengths[:most, None] * directions[:most])[large]


def _difference(layer: Any, name: str) -> tuple[Tensor, Tensor]:
    """float[2 × rank, in] and float[out, 2 × rank] whose product is the adapter's less the one it began with."""
    reads, writes = (tensor.detach().float() for tensor in _pair(layer, name))
    reads_then, writes_then = (getattr(layer, buffer) for buffer in _BEGUN)
    spare = 2 * (layer.r[name] - len(reads))  # a layer smaller than the rank has no more directions than its size
    whole = torch.cat([reads, reads - reads_then]), torch.cat([writes - writes_then, writes_then], 1)
    padded = nn.functional.pad(whole[0], (0, 0, 0, spare)), nn.functional.pad(whole[1], (0, spare))
    return padded[0].contiguous().cpu(), padded[1].contiguous().cpu()


def _pair(layer: Any, name: str) -> tuple[Tensor, Tensor]:
    """float[rank, in] that reads, float[out, rank] that writes."""
    return layer.lora_A[name].weight, layer.lora_B[name].weight


def _layers(model: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Path and layer of everything that the adapter sits on."""
    for path, module in model.named_modules():
        if isinstance(module, LoraLayer) and name in module.lora_A:
            yield path, module

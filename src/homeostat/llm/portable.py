"""An adapter as servers read it: low-rank changes of one rank, of layers and of what reads and writes tokens.

Ours may hold what is not of that form: rows of the vocabulary that were trained for the labels' codes. k rows are a
change of rank k, exactly: at the input the row of token t gains d_t (A picks the token, B holds d), at the output its
logit gains d_t · h. So nothing is approximated; an adapter that is of the form already is served as it lies there.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers.utils import cached_file

from homeostat.errors import CorruptWeights, UnsuitedModel
from homeostat.llm.adapters import ADAPTER, told_of, unmoved
from homeostat.llm.load import locate, require_safetensors

CONFIG = "adapter_config.json"
_ROWS = ".token_adapter.trainable_tokens_delta"
_STEM = "base_model.model."
_HEAD = "lm_head"
_WITHOUT: dict[str, Any] = {
    "trainable_token_indices": None,
    "rank_pattern": {},
    "alpha_pattern": {},
    "use_rslora": False,
}
_FIX = "train it again with another recipe, or serve it in this process: leave the address out of model.base"


def portable(folder: Path, base: str, place: Path) -> tuple[Path, int]:
    """The folder of an adapter in the form that servers read, and its rank: `folder` itself, or one written
    to `place`.

    Raises:
        ModelNotFound, UnsafeWeights, CorruptWeights: as `homeostat.llm.adapters.add_adapter`, before the weights are
            put on anything.
        UnsuitedModel: it is of a form that servers do not read and that cannot be written in theirs.
    """
    require_safetensors(folder, str(folder), ADAPTER)
    told = told_of(folder)
    unmoved(told, folder)
    if told.get("use_dora") or told.get("modules_to_save") or told.get("bias", "none") != "none":
        raise UnsuitedModel("servers read plain adapters, without DoRA, biases and whole modules", fix=_FIX)
    if any(told.get(name) for name in _WITHOUT if name != "use_rslora"):
        return _written(folder, told, base, place)
    return folder, int(told.get("r") or 0)


def _written(folder: Path, told: Mapping[str, Any], base: str, place: Path) -> tuple[Path, int]:
    """The same change with matrices alone, in `place`, and its rank."""
    tensors = load_file(folder / ADAPTER)
    pairs = _pairs(tensors, told, folder)
    pairs |= _rows(tensors, told, base, folder)
    rank = max(len(a) for a, _ in pairs.values())
    made: dict[str, Tensor] = {}
    for module, (a, b) in pairs.items():
        wide = torch.zeros(rank, a.shape[1]), torch.zeros(len(b), rank)
        wide[0][: len(a)], wide[1][:, : len(a)] = a, b
        ends = ("lora_embedding_A", "lora_embedding_B") if _reads(module) else ("lora_A.weight", "lora_B.weight")
        made |= {f"{_STEM}{module}.{end}": tensor for end, tensor in zip(ends, wide, strict=True)}
    config = {
        **told,
        **_WITHOUT,
        "r": rank,
        "lora_alpha": rank,
        "target_modules": sorted(pairs),
        "exclude_modules": None,
    }
    if place.exists():
        shutil.rmtree(place)
    place.mkdir(parents=True)
    save_file(made, place / ADAPTER, metadata={"format": "pt"})
    (place / CONFIG).write_text(json.dumps(config, sort_keys=True, indent=1), encoding="utf-8")
    return place, rank


def _pairs(tensors: Mapping[str, Tensor], told: Mapping[str, Any], folder: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Module -> (A, B) of its low-rank change, float32, B scaled so that nothing is left to be scaled."""
    found: dict[str, tuple[Tensor, Tensor]] = {}
    for name, a in tensors.items():
        if not name.endswith(".lora_A.weight"):
            continue
        module = name.removeprefix(_STEM).removesuffix(".lora_A.weight")
        alpha = next((v for end, v in (told.get("alpha_pattern") or {}).items() if _ends(module, end)), None)
        scale = float(told["lora_alpha"] if alpha is None else alpha)
        scale /= len(a) ** 0.5 if told.get("use_rslora") else len(a)
        found[module] = (a.float(), tensors[name.replace("lora_A", "lora_B")].float() * scale)
    known = len(found) * 2 + sum(_ROWS in name for name in tensors)
    if known != len(tensors):
        raise CorruptWeights("the adapter holds tensors of an unknown kind", where=str(folder), fix=_FIX)
    return found


def _rows(
    tensors: Mapping[str, Tensor], told: Mapping[str, Any], base: str, folder: Path
) -> dict[str, tuple[Tensor, Tensor]]:
    """Module -> (A, B) of the rows of the vocabulary: of what reads tokens and, the matrix being one, what writes."""
    name = next((name for name in tensors if name.endswith(_ROWS)), "")
    if not name:
        return {}
    module = name.removeprefix(_STEM).removesuffix(_ROWS)
    tokens: list[int] = next(iter((told.get("trainable_token_indices") or {}).values()), [])
    before, size = _base_rows(base, f"{module}.weight", tokens)
    change = tensors[name].float()
    if change.shape != before.shape:
        raise CorruptWeights("the adapter's rows do not fit its base", where=str(folder), fix=_FIX)
    picks = torch.zeros(len(tokens), size)
    picks[range(len(tokens)), tokens] = 1.0
    return {module: (picks, (change - before).T.contiguous()), _HEAD: (change - before, picks.T.contiguous())}


def _base_rows(base: str, name: str, tokens: list[int]) -> tuple[Tensor, int]:
    """float32[tokens, hidden] of a tensor of the base, and how many rows it has; reads no other."""
    file = _file_of(locate(base), name)
    with safe_open(file, framework="pt") as opened:
        rows = opened.get_slice(name)
        return torch.stack([rows[token : token + 1][0].float() for token in tokens]), int(rows.get_shape()[0])


def _file_of(base: str, name: str) -> Path:
    """Which file of the base holds a tensor.

    Raises:
        CorruptWeights: none does.
    """
    index = _beside(base, "model.safetensors.index.json")
    shard = json.loads(index.read_text(encoding="utf-8"))["weight_map"].get(name) if index else "model.safetensors"
    file = _beside(base, shard) if shard else None
    if file is None:
        raise CorruptWeights(f"the base holds no {name}", where=base, fix="take the base that it was trained on")
    return file


def _beside(base: str, file: str) -> Path | None:
    found = cached_file(
        base, file, _raise_exceptions_for_missing_entries=False, _raise_exceptions_for_connection_errors=False
    )
    return Path(found) if found else None


def _reads(module: str) -> bool:
    """Whether a module that a pair is for reads tokens."""
    return "embed" in module.rpartition(".")[2] or module.endswith(("wte", "word_embeddings"))


def _ends(module: str, pattern: str) -> bool:
    return module == pattern or module.endswith(f".{pattern}")

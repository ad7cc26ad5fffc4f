"""The labels' own rows of the vocabulary, in an adapter: beside low-rank changes, or alone where a way has none."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import peft
import torch
from peft.utils.constants import DUMMY_TARGET_MODULES
from safetensors.torch import load_file, save_file
from torch import Tensor

from homeostat.llm.adapters import ADAPTER, add_adapter, has_rows, path_of_vocabulary, vocabulary
from homeostat.llm.four_bit import mark
from homeostat.llm.load import quiet
from homeostat.train.rows import LabelRows

NAME = "tuned"
"""What is trained on a model is called so."""
ROWS = "trainable_tokens_delta"
"""The part of a tensor's name that says it holds rows."""


def place(model: Any, start: Path | None, rows: Mapping[int, Tensor]) -> None:
    """Put an adapter of rows alone on the model, if there are any; none of them takes a gradient.

    Args:
        model: reads and writes by one matrix, or nothing is put on (`has_rows`).
        start: a folder whose rows stay as they are; None for none.
        rows: float[hidden] by token, for those that `start` lacks.

    Raises:
        ModelNotFound, UnsafeWeights, CorruptWeights: `start` cannot be gone on from.
    """
    known = start if start is not None and (start / ADAPTER).exists() else None
    rows = dict(sorted(rows.items())) if has_rows(model) else {}
    if known:
        add_adapter(model, known, NAME, trainable=True)
        grow(model, known, rows)
    elif rows:
        model.add_adapter(_alone(model, list(rows)), adapter_name=NAME)
        for name, tensor in model.named_parameters():
            if name.endswith(f"{ROWS}.{NAME}"):
                tensor.data = torch.stack(list(rows.values())).to(tensor)
    if known or rows:
        model.set_adapter(NAME)


def grow(model: Any, start: Path, rows: Mapping[int, Tensor]) -> list[int]:
    """Give the adapter loaded from `start` the rows it lacks, by loading it again with them; all tokens it has now."""
    config, tensors = peft.PeftConfig.from_pretrained(str(start)), load_file(start / ADAPTER)
    known = [token for each in (config.trainable_token_indices or {}).values() for token in each]
    wanted = sorted({*known, *rows})
    if wanted == sorted(known):
        return known
    name = f"base_model.model.{path_of_vocabulary(model)}.token_adapter.{ROWS}"
    learned = dict(zip(known, tensors[name].float(), strict=True)) if known else {}
    grown = torch.stack([learned[token] if token in learned else rows[token].float().cpu() for token in wanted])
    model.delete_adapter(NAME)
    with tempfile.TemporaryDirectory() as folder:
        save_file({**tensors, name: grown}, Path(folder) / ADAPTER, metadata={"format": "pt"})
        config.trainable_token_indices = {vocabulary(model): wanted}
        config.save_pretrained(folder)
        add_adapter(model, Path(folder), NAME, trainable=True)
    return wanted


def rows_of(model: Any, labels: Tensor) -> LabelRows | None:
    """Where the rows of these tokens lie; None where the adapter does not hold all of them, or there is none."""
    config = getattr(model, "peft_config", {}).get(NAME)
    indices = (config.trainable_token_indices if config else None) or {}
    known = [token for each in indices.values() for token in each]
    tables = [tensor for name, tensor in model.named_parameters() if name.endswith(f"{ROWS}.{NAME}")]
    if not tables or not set(labels.tolist()) <= set(known):
        return None
    at = [known.index(token) for token in labels.tolist()]
    return LabelRows(tables[0], torch.tensor(at, device=tables[0].device))


def write(model: Any, folder: Path) -> None:
    """Write the adapter and its configuration, which names no path of this machine; equal adapters are equal files."""
    quiet()
    config = model.peft_config[NAME]
    config.base_model_name_or_path = None
    if not isinstance(config.target_modules, str):
        config.target_modules = sorted(config.target_modules)  # peft would write a set, in another order each time
    model.save_pretrained(folder)
    if said := mark(model):  # afterwards, for the library would look for a model of that name
        marked = copy.copy(config)
        marked.base_model_name_or_path = said
        marked.save_pretrained(str(folder))


def _alone(model: Any, tokens: list[int]) -> peft.LoraConfig:
    """An adapter that changes no layer."""
    return peft.LoraConfig(target_modules=DUMMY_TARGET_MODULES, trainable_token_indices={vocabulary(model): tokens})

"""Low-rank adapters on every linear layer (Hu et al. 2021, 2106.09685), and the labels' own rows of the vocabulary.

A label's code is a token that the base has never met. Its row says what the model's last state should look like where
that label is right; low-rank changes of the layers before can only bend states toward rows that were drawn at random.
So these few rows are trained too, as is usual for new tokens, and lie in the adapter beside the rest.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import peft
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from homeostat.llm.adapters import add_adapter, has_rows, path_of_vocabulary, vocabulary
from homeostat.llm.load import quiet
from homeostat.train.rows import LabelRows

NAME = "tuned"
_ROWS = "trainable_tokens_delta"
_FILE = "adapter_model.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """An adapter of low rank on every linear layer."""

    kind: ClassVar[str] = "lora"
    rank: int = 16
    alpha: float | None = None
    """The adapter's product is scaled by alpha / rank, or by alpha / √rank if `rs`; None is 2 × rank, or 2 × √rank."""
    dropout: float = 0.0
    """Share of an adapter's inputs that is set to zero in training."""
    rs: bool = False
    """Scale by the root of the rank, so that a high rank learns as fast as a low one (2312.03732)."""
    dora: bool = False
    """Learn the length of each output apart from its direction (2402.09353)."""

    def attach(
        self, model: Any, start: Path | None = None, rows: Mapping[int, Tensor] | None = None, seed: int = 0
    ) -> list[torch.nn.Parameter]:
        """Put an adapter on the model, going on from `start` where it is given, and return its tensors, in float32.

        `rows` are where the rows of further labels begin, float[hidden] by token; those that `start` has trained
        already stay as they are. Left out for models that have no rows (`has_rows`).

        Raises:
            ModelNotFound, UnsafeWeights, CorruptWeights: `start` cannot be gone on from.
        """
        rows = dict(sorted((rows or {}).items())) if has_rows(model) else {}
        torch.manual_seed(seed)
        if start is None:
            model.add_adapter(self._config(model, list(rows)), adapter_name=NAME)
        else:
            add_adapter(model, start, NAME, trainable=True)
        trained = _grow(model, start, rows) if start else list(rows)
        model.set_adapter(NAME)
        parameters = []
        for name, tensor in model.named_parameters():
            tensor.requires_grad_(f".{NAME}" in name and ("lora_" in name or (_ROWS in name and bool(trained))))
            if tensor.requires_grad:
                tensor.data = tensor.data.float()
                if _ROWS in name and start is None:
                    tensor.data.copy_(torch.stack(list(rows.values())))
                parameters.append(tensor)
        return parameters

    def label_rows(self, model: Any, labels: Tensor) -> LabelRows | None:
        """Where the rows of these tokens lie; None where the adapter does not train all of them."""
        indices = model.peft_config[NAME].trainable_token_indices or {}
        known = [token for each in indices.values() for token in each]
        tables = [tensor for name, tensor in model.named_parameters() if name.endswith(f"{_ROWS}.{NAME}")]
        if not tables or not set(labels.tolist()) <= set(known):
            return None
        at = [known.index(token) for token in labels.tolist()]
        return LabelRows(tables[0], torch.tensor(at, device=tables[0].device))

    def save(self, model: Any, folder: Path) -> None:
        """Write `adapter_model.safetensors` and its configuration, which names no path of this machine.

        Equal adapters are equal files, whatever process writes them.
        """
        quiet()
        config = model.peft_config[NAME]
        config.base_model_name_or_path = None
        config.target_modules = sorted(config.target_modules)  # peft would write a set, in another order each time
        model.save_pretrained(folder)

    def _config(self, model: Any, rows: Sequence[int]) -> peft.LoraConfig:
        plain = 2.0 * (self.rank**0.5 if self.rs else self.rank)
        return peft.LoraConfig(
            r=self.rank,
            lora_alpha=plain if self.alpha is None else self.alpha,
            target_modules="all-linear",
            lora_dropout=self.dropout,
            use_rslora=self.rs,
            use_dora=self.dora,
            bias="none",
            trainable_token_indices={vocabulary(model): list(rows)} if rows else None,
        )


def _grow(model: Any, start: Path, rows: Mapping[int, Tensor]) -> list[int]:
    """Give the adapter loaded from `start` the rows it lacks, by loading it again with them; all tokens it has now."""
    config, tensors = peft.PeftConfig.from_pretrained(str(start)), load_file(start / _FILE)
    known = [token for each in (config.trainable_token_indices or {}).values() for token in each]
    wanted = sorted({*known, *rows})
    if wanted == sorted(known):
        return known
    name = f"base_model.model.{path_of_vocabulary(model)}.token_adapter.{_ROWS}"
    learned = dict(zip(known, tensors[name].float(), strict=True)) if known else {}
    grown = torch.stack([learned[token] if token in learned else rows[token].float().cpu() for token in wanted])
    model.delete_adapter(NAME)
    with tempfile.TemporaryDirectory() as folder:
        save_file({**tensors, name: grown}, Path(folder) / _FILE, metadata={"format": "pt"})
        config.trainable_token_indices = {vocabulary(model): wanted}
        config.save_pretrained(folder)
        add_adapter(model, Path(folder), NAME, trainable=True)
    return wanted

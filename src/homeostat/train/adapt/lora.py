"""Low-rank adapters on every linear layer (Hu et al. 2021, 2106.09685), and the labels' own rows of the vocabulary.

A label's code is a token that the base has never met. Its row says what the model's last state should look like where
that label is right; low-rank changes of the layers before can only bend states toward rows that were drawn at random.
So these few rows are trained too, as is usual for new tokens, and lie in the adapter beside the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import peft
import torch
from torch import Tensor

from homeostat.config.schema import knob
from homeostat.errors import UnsuitedModel
from homeostat.llm.adapters import add_adapter, has_rows, told_of, vocabulary
from homeostat.llm.four_bit import require_floats
from homeostat.llm.load import Opened
from homeostat.llm.render import Rendered
from homeostat.llm.trunk import depth, lowest, put_trunk
from homeostat.train.adapt.beside import NAME, ROWS, grow, rows_of, write
from homeostat.train.adapt.principal import PEFT, follow_inputs, make_portable, remember
from homeostat.train.adapt.way import Tempo, Way
from homeostat.train.rows import LabelRows

PLAIN, ROOT = 2.0, 8.0
"""Alpha by itself: in ranks, or with `rs` whatever the rank. At rank 16 both scale alike."""
_MOVED = ("pissa", "olora")
"""Beginnings that change the base under the adapter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora(Way):
    """An adapter of low rank on every linear layer."""

    kind: ClassVar[str] = "lora"
    rank: int = knob(16, least=1)
    """Numbers that a layer's change passes through; who goes on from an adapter keeps its rank and its scale."""
    alpha: float | None = knob(None, least=1e-6)
    """The adapter's product is scaled by alpha / rank, or by alpha / √rank if `rs`; None is 2 × rank, or 8."""
    bottom: float = knob(0.0, least=0.0)
    """So many of the lowest layers, or below 1 that share of them, stay as they are; what they say of a row is computed
    once and kept (decoders)."""
    dropout: float = knob(0.0, least=0.0, most=0.99)
    """Share of an adapter's inputs that is set to zero in training."""
    rs: bool = False
    """Scale by the root of the rank, so that what a high rank adds grows no faster than what a low one adds
    (2312.03732)."""
    dora: bool = False
    """Learn the length of each output apart from its direction (2402.09353)."""
    init: Literal["plain", "pissa", "eva", "olora"] = "plain"
    """Where a fresh adapter begins: `plain` at random, `pissa` at the largest singular values of the weights, `olora`
    at their QR decomposition, `eva` at the main directions of the inputs, if it is shown rows. An adapter that began
    at `pissa` or `olora` is saved with twice the rank; whoever goes on from it trains all of that."""

    def attach(
        self, model: Any, start: Path | None = None, rows: Mapping[int, Tensor] | None = None, seed: int = 0
    ) -> list[torch.nn.Parameter]:
        """Put an adapter on the model, going on from `start` where it is given, and return its tensors, in float32.

        `rows` are where the rows of further labels begin, float[hidden] by token; those that `start` has trained
        already stay as they are. Left out for models that have no rows (`has_rows`).

        Raises:
            ModelNotFound, UnsafeWeights, CorruptWeights: `start` cannot be gone on from.
            UnsuitedModel: it begins at a part of weights that lie in four bits, or `start` is of another make.
        """
        if start is not None:
            self._require_make(start)
        if self.init in _MOVED:
            require_floats(model, f"beginning at `{self.init}`")
        rows = dict(sorted((rows or {}).items())) if has_rows(model) else {}
        torch.manual_seed(seed)
        if start is None:
            model.add_adapter(self._config(model, list(rows)), adapter_name=NAME)
        else:
            add_adapter(model, start, NAME, trainable=True)
            _drop(model, self.dropout)
        if start is None and self.init in _MOVED:
            remember(model, NAME)
        trained = grow(model, start, rows) if start else list(rows)
        model.set_adapter(NAME)
        parameters, levels, bottom = [], depth(model), lowest(model, self.bottom)
        for name, tensor in model.named_parameters():
            bent = "lora_" in name and levels[name] > bottom
            tensor.requires_grad_(f".{NAME}" in name and (bent or (ROWS in name and bool(trained))))
            if tensor.requires_grad:
                tensor.data = tensor.data.float()
                if ROWS in name and start is None:
                    tensor.data.copy_(torch.stack(list(rows.values())))
                parameters.append(tensor)
        put_trunk(model, 0 if self.dropout else bottom)  # what is dropped is drawn anew in every pass
        model.eval()  # what has been put on comes in training mode, and may be asked before it is trained
        return parameters

    def look(self, opened: Opened, rows: Sequence[Rendered]) -> None:
        """Turn a fresh adapter toward the inputs of its layers on these rows, where it begins as `eva`."""
        if self.init == "eva":
            follow_inputs(opened, NAME, rows)

    def tempi(self, model: Any) -> list[Tempo]:
        """Weight decay would wear away the part of the base that `pissa` and `olora` have taken into the adapter."""
        trained = sum(tensor.requires_grad for tensor in model.parameters())
        return [Tempo(decays=False)] * trained if self.init in _MOVED else []

    def label_rows(self, model: Any, labels: Tensor) -> LabelRows | None:
        """Where the rows of these tokens lie; None where the adapter does not train all of them."""
        return rows_of(model, labels)

    def save(self, model: Any, folder: Path) -> None:
        """Write `adapter_model.safetensors` and its configuration, which names no path of this machine.

        Equal adapters are equal files, whatever process writes them. Wherever it began, it fits the base as it was.
        """
        write(model, folder)
        if model.peft_config[NAME].use_dora or self.init in _MOVED:
            make_portable(model, NAME, folder)

    def _require_make(self, start: Path) -> None:
        told = told_of(start)
        for wanted, name in ((self.dora, "use_dora"), (self.rs, "use_rslora")):
            if wanted and not told.get(name):
                fix = "set `warm_start` to false to begin anew, or leave it out to go on as it is"
                raise UnsuitedModel(f"the adapter that is gone on from has no `{name}`", where="recipe.adapt", fix=fix)

    def _config(self, model: Any, rows: Sequence[int]) -> peft.LoraConfig:
        plain = ROOT if self.rs else PLAIN * self.rank
        return peft.LoraConfig(
            r=self.rank,
            lora_alpha=plain if self.alpha is None else self.alpha,
            target_modules="all-linear",
            lora_dropout=self.dropout,
            use_rslora=self.rs,
            use_dora=self.dora,
            init_lora_weights=PEFT[self.init],
            bias="none",
            trainable_token_indices={vocabulary(model): list(rows)} if rows else None,
        )


def _drop(model: Any, share: float) -> None:
    """Have an adapter that was loaded drop what this run drops, and not what the run that made it dropped."""
    for module in model.modules():
        if NAME in getattr(module, "lora_dropout", {}):
            module.lora_dropout[NAME] = torch.nn.Dropout(share) if share else torch.nn.Identity()

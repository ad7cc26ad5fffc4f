"""Opens a base model: `builtin`, a folder, or a hub name. Only safetensors are read; pickles are refused.

Knows nothing of tasks, adapters or serving.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
)

from homeostat.builtin.resources import model_path
from homeostat.errors import CorruptWeights, ModelNotFound, UnsafeWeights

CLASSES = {"decoder": AutoModelForCausalLM, "encoder": AutoModelForMaskedLM, "seq2seq": AutoModelForSeq2SeqLM}


@dataclass(frozen=True, slots=True)
class Opened:
    """A model in memory with its tokenizer."""

    model: Any
    """The transformers model, in evaluation mode."""
    tokenizer: Any
    family: str
    """`decoder`, `encoder` (masked language model) or `seq2seq`."""


def locate(base: str) -> str:
    """The folder or hub name that `base` stands for.

    Raises:
        ModelNotFound: it looks like a path and nothing is there.
        UnsafeWeights: the folder has weights, but none in safetensors.
    """
    if base == "builtin":
        return str(model_path())
    folder = Path(base).expanduser()
    if not folder.exists():
        if base.startswith((".", "/", "~")) or base.count("/") > 1:
            raise ModelNotFound(
                f"no model folder at {base}", where="model.base", fix="give an existing folder, a hub name or `builtin`"
            )
        return base
    if not (folder / "config.json").exists():
        raise ModelNotFound(f"{base} has no config.json", where="model.base", fix="give the folder that holds the model")
    if not any(folder.glob("*.safetensors")):
        raise UnsafeWeights(
            f"{base} has no *.safetensors file",
            where="model.base",
            fix="convert the weights with save_pretrained; pickled weights can run code and are never loaded",
        )
    return str(folder)


def family_of(config: Any) -> str:
    """Which kind of model a transformers configuration describes."""
    if config.is_encoder_decoder:
        return "seq2seq"
    names = " ".join(config.architectures or [])
    return "encoder" if "MaskedLM" in names or config.model_type in {"bert", "roberta", "distilbert"} else "decoder"


def open_model(base: str, weights: Path | None = None) -> Opened:
    """Load a base model, or other weights of its architecture with its tokenizer; float32 on the CPU, bfloat16 on a GPU.

    Raises:
        ModelNotFound: nothing of that name here or on the hub.
        CorruptWeights: the weights are damaged or do not fit the configuration.
        UnsafeWeights: only pickled weights are there.
    """
    name = locate(base)
    gpu = torch.cuda.is_available()
    try:
        config = AutoConfig.from_pretrained(name)
        family = family_of(config)
        model = CLASSES[family].from_pretrained(
            weights or name, dtype=torch.bfloat16 if gpu else torch.float32, use_safetensors=True, attn_implementation="sdpa"
        )
        tokenizer = AutoTokenizer.from_pretrained(name)
    except SafetensorError as damaged:
        raise CorruptWeights(f"the weights of {base} cannot be read: {damaged}", where=name) from damaged
    except (RuntimeError, ValueError) as unfit:
        raise CorruptWeights(f"{base} cannot be loaded: {unfit}", where=name, fix="check the folder is complete") from unfit
    except OSError as missing:
        raise ModelNotFound(
            f"no model called {base}", where="model.base", fix="check the name; without a network give a folder"
        ) from missing
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return Opened(model=model.eval().to("cuda" if gpu else "cpu"), tokenizer=tokenizer, family=family)

"""A base in four bits made of one in full precision, for adapters to be trained and served on (QLoRA, 2305.14314).

What is left is a folder like any other, in safetensors, with the tokenizer beside the weights. The matrices of all
layers are put into four bits; tables of tokens, norms and the head stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from transformers import BitsAndBytesConfig

from homeostat.errors import UnsuitedModel
from homeostat.llm import four_bit
from homeostat.llm.load import CLASSES, Opened, locate, open_model
from homeostat.train.bases.facts import license_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantized:
    """What was made."""

    folder: Path
    parameters: int
    """Numbers of the model, whatever they are kept in."""
    in_four_bits: int
    """Of them, how many are in four bits."""
    bytes_before: int
    """What those take in memory on this machine in full precision."""
    bytes_after: int
    """What they take in four bits, their scales included."""


def quantize(base: str, folder: Path) -> Quantized:
    """Save a base in four bits into `folder`, and say what it is.

    Args:
        base: `builtin`, a folder, or a hub name.
        folder: where it is left; what is there is written over.

    Raises:
        MissingExtra: the library that computes with four bits is not installed.
        UnsuitedModel: the base is in four bits already, has no layer that could be, or cannot be asked once it is.
        ModelNotFound, CorruptWeights, UnsafeWeights: the base cannot be opened.
    """
    four_bit.library("to put a base into four bits")
    opened, name = open_model(base), locate(base)  # a base that is not fit to be one is told here
    if four_bit.is_four_bit(opened.model):
        raise UnsuitedModel(f"{base} is in four bits already", where="base", fix="use it as it is")
    packed = CLASSES[opened.family].from_pretrained(name, quantization_config=_settings(), dtype="auto")
    if not four_bit.is_four_bit(packed):
        fix = "use it as it is, or another one"
        raise UnsuitedModel(f"{type(packed).__name__} has no layers that can be in four bits", where="base", fix=fix)
    packed.save_pretrained(folder)
    opened.tokenizer.save_pretrained(folder)
    _write_card(folder, base, license_of(name))
    return _told(folder, opened, open_model(str(folder)).model)  # what cannot be opened is found here, not in a run


def _settings() -> BitsAndBytesConfig:
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True)


def _told(folder: Path, whole: Opened, packed: Any) -> Quantized:
    """The sizes of a base before and after."""
    before = dict(whole.model.named_parameters())
    tensors = {name: tensor for name, tensor in packed.named_parameters() if tensor.dtype == torch.uint8}
    return Quantized(
        folder=folder,
        parameters=four_bit.parameters(packed),
        in_four_bits=sum(four_bit.count(tensor) for tensor in tensors.values()),
        bytes_before=sum(before[name].nbytes for name in tensors),
        bytes_after=sum(four_bit.held_bytes(tensor) for tensor in tensors.values()),
    )


def _write_card(folder: Path, base: str, license: str) -> None:
    """Leave `README.md`, which says what the folder holds and under which license its base comes."""
    told = {"base_model": base, "library_name": "transformers"} | ({"license": license} if license else {})
    head = ["---", yaml.safe_dump(told, sort_keys=True).strip(), "---", "", f"# {folder.name}", ""]
    lines = [*head, f"`{base}` with its matrices in four bits (NF4, scales in eight bits).", ""]
    (folder / "README.md").write_text("\n".join(lines), encoding="utf-8")

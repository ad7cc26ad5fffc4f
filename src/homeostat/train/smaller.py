"""A smaller base made of a larger one: some of its layers, and of its vocabulary what some texts need.

It begins with what the large one knows of words, and with layers that have worked together before; what it has lost it
must learn, best from the answers of a model on the large base (layers taken evenly: Sanh et al. 2019, 1910.01108).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import PreTrainedTokenizerFast

from homeostat.errors import UnsuitedModel
from homeostat.llm.four_bit import require_floats
from homeostat.llm.load import Opened, open_model, quiet

_CODES = "<|code_"
SPARE = 16
"""Codes that are kept for labels to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Smaller:
    """What was made."""

    folder: Path
    parameters: int
    of: int
    """Parameters of the large one."""
    layers: tuple[int, ...]
    """Which layers it has, by their place in the large one."""
    vocabulary: int
    """Tokens it knows."""


def smaller(base: str, folder: Path, *, layers: int, texts: Sequence[str], words: int = 0, labels: int = 0) -> Smaller:
    """Save a smaller base into `folder` and say what it is.

    Args:
        base: `builtin`, a folder, or a hub name: a decoder.
        folder: where it is left; what is there is written over.
        layers: how many layers it shall have, taken evenly, the first and the last among them.
        texts: what it shall read as the large one does.
        words: the most tokens of these texts that it shall know as one, frequent ones first, and beside them the pieces
            they are made of and all single bytes; 0 leaves the vocabulary whole.
        labels: labels that it shall have codes for, with some to spare.

    Raises:
        UnsuitedModel: the base is no decoder, has not so many layers, lies in four bits, or its tokenizer is not made
            of byte pairs.
        ModelNotFound, CorruptWeights, UnsafeWeights: the base cannot be opened.
    """
    opened = open_model(base)
    require_floats(opened.model, "making a smaller one", where=base)
    whole = _count(opened.model)
    kept = _take_layers(opened, layers)
    tokenizer = opened.tokenizer
    if words:
        ids = _needed(tokenizer, texts, words, labels)
        tokenizer = _cut(tokenizer, ids)
        _take_rows(opened.model, ids, tokenizer)
    quiet()
    opened.model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    open_model(str(folder))  # what cannot be opened is found here, not in a run
    return Smaller(
        folder=folder, parameters=_count(opened.model), of=whole, layers=kept, vocabulary=len(tokenizer.get_vocab())
    )


def _count(model: Any) -> int:
    return sum(tensor.numel() for tensor in model.parameters())


def _take_layers(opened: Opened, count: int) -> tuple[int, ...]:
    """Leave so many layers."""
    model, config = opened.model, opened.model.config
    stacks = [
        (parent, name)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.ModuleList) and len(child) == getattr(config, "num_hidden_layers", 0)
    ]
    if opened.family != "decoder" or len(stacks) != 1:
        raise UnsuitedModel(f"{type(model).__name__} is no stack of layers of which some could be taken")
    parent, name = stacks[0]
    there = getattr(parent, name)
    if not 1 <= count <= len(there):
        raise UnsuitedModel(f"the base has {len(there)} layers, of which {count} cannot be taken", where="layers")
    places = tuple(int(k) for k in np.linspace(0, len(there) - 1, count).round()) if count > 1 else (0,)
    setattr(parent, name, nn.ModuleList([there[k] for k in places]))
    for k, layer in enumerate(getattr(parent, name)):
        for part in layer.modules():
            if hasattr(part, "layer_idx"):
                part.layer_idx = k
    config.num_hidden_layers = count
    if getattr(config, "layer_types", None):
        config.layer_types = [config.layer_types[k] for k in places]
    return places


def _needed(tokenizer: Any, texts: Sequence[str], words: int, labels: int) -> list[int]:
    """Tokens to keep, in their order: the frequent ones of the texts, all they are made of, bytes and marks."""
    inner = json.loads(tokenizer.backend_tokenizer.to_str())["model"] if tokenizer.is_fast else {}
    if inner.get("type") != "BPE":
        raise UnsuitedModel("the vocabulary of the base is not made of byte pairs", fix="keep it whole: words 0")
    vocabulary: dict[str, int] = inner["vocab"]
    parts = {one + other: (one, other) for one, other in map(_pair, inner["merges"])}
    marks = {*tokenizer.all_special_ids, *(id for text, id in tokenizer.get_added_vocab().items())}
    met = Counter(id for text in texts for id in tokenizer(text, add_special_tokens=False)["input_ids"])
    named, kept = {id: text for text, id in vocabulary.items()}, set[str]()
    waiting = [named[id] for id, _ in met.most_common() if id in named and id not in marks][:words]
    while waiting:
        token = waiting.pop()
        if token not in kept:
            kept.add(token)
            waiting.extend(parts.get(token, ()))
    ids = {vocabulary[text] for text in kept} | {id for text, id in vocabulary.items() if len(text) == 1}
    return sorted(ids | {id for id in marks if not _spare(tokenizer.convert_ids_to_tokens(id), labels)})


def _spare(token: str, labels: int) -> bool:
    """Whether a mark is the code of a label that is far from coming."""
    if not token.startswith(_CODES):
        return False
    return int(token.removeprefix(_CODES).removesuffix("|>")) >= labels + SPARE


def _pair(merge: str | Sequence[str]) -> tuple[str, str]:
    one, other = merge.split(" ") if isinstance(merge, str) else merge
    return one, other


def _cut(tokenizer: Any, ids: Sequence[int]) -> Any:
    """The tokenizer with these tokens alone. A text whose tokens are all kept is read as before: a merge that is left
    out made none of them.
    """
    body = json.loads(tokenizer.backend_tokenizer.to_str())
    new, inner = {id: k for k, id in enumerate(ids)}, body["model"]
    inner["vocab"] = {text: new[id] for text, id in inner["vocab"].items() if id in new}
    inner["merges"] = [pair for pair in inner["merges"] if _stays(_pair(pair), inner["vocab"])]
    marks = [each for each in body["added_tokens"] if each["id"] in new]
    body["added_tokens"] = [{**each, "id": new[each["id"]]} for each in marks]
    contents = {each["content"] for each in marks}
    named = {name: text for name, text in tokenizer.special_tokens_map.items() if isinstance(text, str)}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(body)),
        extra_special_tokens=[each["content"] for each in marks if each["content"] not in named.values()],
        model_max_length=tokenizer.model_max_length,
        chat_template=tokenizer.chat_template,
        **{name: text for name, text in named.items() if text in contents},
    )


def _stays(pair: tuple[str, str], vocabulary: Collection[str]) -> bool:
    return pair[0] in vocabulary and pair[1] in vocabulary and pair[0] + pair[1] in vocabulary


@torch.no_grad()
def _take_rows(model: Any, ids: Sequence[int], tokenizer: Any) -> None:
    """Leave the rows of these tokens, where they are read and where they are written."""
    table, head, at = model.get_input_embeddings(), model.get_output_embeddings(), torch.tensor(ids)
    read, tied = table.weight[at].clone(), head.weight is table.weight
    written = read if tied else head.weight[at].clone()
    model.resize_token_embeddings(len(ids), mean_resizing=False)
    model.get_input_embeddings().weight.copy_(read)
    model.get_output_embeddings().weight.copy_(written)
    for name in ("eos_token_id", "pad_token_id", "bos_token_id"):
        setattr(model.config, name, getattr(tokenizer, name))
        if getattr(model, "generation_config", None) is not None:
            setattr(model.generation_config, name, getattr(tokenizer, name))

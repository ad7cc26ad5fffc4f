"""Opens a base model: `builtin`, a folder, or a hub name. Only safetensors are read; pickles are refused.

Knows nothing of tasks or serving.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
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
from transformers.utils import logging

from homeostat.builtin.resources import model_path
from homeostat.errors import CorruptWeights, HomeostatError, MissingExtra, ModelNotFound, UnsafeWeights, UnsuitedModel
from homeostat.llm import four_bit
from homeostat.llm.network import check
from homeostat.llm.weights import check_file

CLASSES = {"decoder": AutoModelForCausalLM, "encoder": AutoModelForMaskedLM, "seq2seq": AutoModelForSeq2SeqLM}
ENCODERS = {"bert", "roberta", "distilbert", "modernbert"}


def at_once(passing: Callable[[], Any]) -> Any:
    """What it says that looks at the model's tensors."""
    return passing()


@dataclass(frozen=True, slots=True)
class Opened:
    """A model in memory with its tokenizer."""

    model: Any
    """The transformers model, in evaluation mode."""
    tokenizer: Any
    """Its `model_max_length` is what the model can take."""
    family: str
    """`decoder`, `encoder` (masked language model) or `seq2seq`."""
    through: Callable[[Callable[[], Any]], Any] = at_once
    """What stands around whatever looks at the model's tensors; one that lies in shares is put together there."""


def quiet() -> None:
    """No bars and reports of transformers: reading and writing takes moments, and what fails is said by our errors."""
    logging.disable_progress_bar()
    logging.set_verbosity_error()


def locate(base: str, where: str = "model.base") -> str:
    """The folder or hub name that `base` stands for; `where` says what named it.

    Raises:
        ModelNotFound: it looks like a path and nothing is there, or like `builtin` misspelled.
        UnsafeWeights: the folder has weights, but none in safetensors.
    """
    folder = model_path() if base == "builtin" else Path(base).expanduser()
    if not folder.exists():
        if base == "builtin" or base.startswith((".", "/", "~")) or base.count("/") > 1:
            raise ModelNotFound(
                f"no model folder at {base}", where=where, fix="give an existing folder, a hub name or `builtin`"
            )
        if difflib.get_close_matches(base, ["builtin"], cutoff=0.75):
            raise ModelNotFound(f"no model called {base}", where=where, fix="did you mean `builtin`?")
        return base
    if not (folder / "config.json").exists():
        raise ModelNotFound(f"{base} has no config.json", where=where, fix="give the folder that holds the model")
    require_safetensors(folder, where)
    return str(folder)


def require_safetensors(folder: Path, where: str, pattern: str = "*.safetensors") -> None:
    """Hold that there are weights which can be read without running code.

    Raises:
        ModelNotFound: there is no such folder.
        UnsafeWeights: there are weights, or none at all, but not in safetensors; or one is a pickle by another name.
        CorruptWeights: one cannot be read.
    """
    if not folder.is_dir():
        raise ModelNotFound(f"no folder at {folder}", where=where, fix="give the folder that holds the weights")
    files = sorted(folder.glob(pattern))
    if not files:
        raise UnsafeWeights(
            f"{folder} has no {pattern} file",
            where=where,
            fix="convert the weights with save_pretrained; pickled weights can run code and are never loaded",
        )
    for file in files:
        check_file(file)


def family_of(config: Any) -> str:
    """Which kind of model a transformers configuration describes: `decoder`, `encoder` or `seq2seq`."""
    if config.is_encoder_decoder:
        return "seq2seq"
    names = " ".join(config.architectures or [])
    return "encoder" if "MaskedLM" in names or config.model_type in ENCODERS else "decoder"


def width_of(base: str) -> int:
    """Numbers in a hidden state of a base model; reads its configuration and no weights.

    Raises:
        ModelNotFound, CorruptWeights, UnsafeWeights: as `open_model`.
    """
    quiet()
    name = locate(base)
    try:
        return int(AutoConfig.from_pretrained(name).hidden_size)
    except Exception as failed:  # as below
        raise told(failed, base, name) from failed


def open_tokenizer(base: str) -> Any:
    """The tokenizer of a decoder with its limit of tokens, as `open_model` gives it; reads no weights.

    Raises:
        ModelNotFound, CorruptWeights, UnsafeWeights: as `open_model`.
        UnsuitedModel: as `open_model`, or the base is no decoder.
    """
    quiet()
    name = locate(base)
    try:
        config = AutoConfig.from_pretrained(name)
        tokenizer = AutoTokenizer.from_pretrained(name)
    except Exception as failed:  # as below
        raise told(failed, base, name) from failed
    if (family := family_of(config)) != "decoder":
        fix = "leave the server's address out of model.base, or take a decoder"
        raise UnsuitedModel(
            f"{base} is of the family {family}, and a server takes decoders", where="model.base", fix=fix
        )
    _fit_tokenizer(tokenizer, config, int(config.get_text_config().vocab_size), family)
    return tokenizer


def open_model(base: str, weights: Path | None = None, *, aside: bool = False) -> Opened:
    """Load a base model, or other weights of its kind with its tokenizer; float32 on the CPU, bfloat16 on a GPU.

    `aside` leaves it in the memory of the CPU where there is a GPU: for a model that does not fit it. A base saved in
    four bits (`llm.four_bit`) stays so.

    Raises:
        MissingExtra: the base is in four bits, and what reads them is not installed.
        ModelNotFound: nothing of that name here or on the hub.
        CorruptWeights: the weights are damaged, incomplete, or do not fit the configuration.
        UnsafeWeights: only pickled weights are there.
        UnsuitedModel: an architecture that cannot be used here, or a tokenizer without the marks it needs.
    """
    quiet()
    name = locate(base)
    if weights is not None:
        require_safetensors(weights, str(weights))
    gpu = torch.cuda.is_available()
    try:
        config = AutoConfig.from_pretrained(name)
        family, packed = family_of(config), weights is None and four_bit.is_told(config)
        if packed:
            four_bit.library(f"to read {base}, which is in four bits")
        model, info = CLASSES[family].from_pretrained(
            weights or name,
            dtype=torch.bfloat16 if gpu else torch.float32,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # found below: the library would only point to its own report
            output_loading_info=True,
        )
        tokenizer = AutoTokenizer.from_pretrained(name)
    except MissingExtra:
        raise
    except Exception as failed:  # the libraries raise what they like, some of it without a shared parent
        raise told(failed, base, name) from failed
    if info["missing_keys"] or info["mismatched_keys"]:
        lacking = sorted({*info["missing_keys"], *(key for key, *_ in info["mismatched_keys"])})
        raise CorruptWeights(
            f"the weights of {base} lack {len(lacking)} tensors of {type(model).__name__}, such as {lacking[0]}",
            where=str(weights or name),
            fix="check the folder is complete, and a model that can predict tokens",
        )
    model = model.eval().to("cuda" if gpu and not aside else "cpu")
    if packed:
        four_bit.make_ready(model)
    _fit_tokenizer(tokenizer, model.config, int(model.get_input_embeddings().weight.shape[0]), family)
    check(model, family)
    return Opened(model=model, tokenizer=tokenizer, family=family)


def told(failed: Exception, base: str, name: str, where: str = "model.base") -> HomeostatError:
    """What to tell of a library's error: a folder that is here is damaged, a name that is not is not found."""
    why = str(failed).strip().partition("\n")[0]
    if isinstance(failed, SafetensorError):
        fix = "copy them again from where they came"
        return CorruptWeights(f"the weights of {base} cannot be read: {why}", where=name, fix=fix)
    if isinstance(failed, OSError) and not Path(name).exists():
        fix = "check the name; without a network give a folder"
        return ModelNotFound(f"no model called {base}", where=where, fix=fix)
    return CorruptWeights(f"{base} cannot be loaded: {why}", where=name, fix="check the folder is complete")


def _fit_tokenizer(tokenizer: Any, config: Any, rows: int, family: str) -> None:
    """Give the tokenizer a filler, and the limit of tokens of the model of this configuration, which knows `rows`.

    Raises:
        UnsuitedModel: it knows more tokens than the model, or lacks the mark that a reply ends with, or the mask.
    """
    if max(tokenizer.get_vocab().values()) >= rows:
        fix = "take the tokenizer that the model came with; its files lie in one folder with the weights"
        raise UnsuitedModel(
            f"the tokenizer knows tokens that the model's {rows} embeddings do not hold", where="model.base", fix=fix
        )
    if (tokenizer.mask_token_id if family == "encoder" else tokenizer.eos_token_id) is None:
        mark = "mask" if family == "encoder" else "end-of-sequence"
        fix = f"name the token in tokenizer_config.json, as `{'mask' if family == 'encoder' else 'eos'}_token`"
        raise UnsuitedModel(f"the tokenizer has no {mark} token", where="model.base", fix=fix)
    shorten(tokenizer, config)


def shorten(tokenizer: Any, config: Any) -> None:
    """Give the tokenizer a filler where it has none but an end, and the limit of tokens of the model."""
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    places = getattr(config, "max_position_embeddings", None)
    if places:
        # RoBERTa counts its places from behind the filler's id.
        taken = config.pad_token_id + 1 if "roberta" in config.model_type else 0
        tokenizer.model_max_length = min(int(tokenizer.model_max_length), places - taken)

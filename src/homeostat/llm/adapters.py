"""Puts what a version adds to its base on a model, whole or not at all: an adapter, or a lead before every prompt."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import peft
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from homeostat.errors import CorruptWeights
from homeostat.llm.four_bit import MARK, mark
from homeostat.llm.lead import Lead, Rows, States, keeps_states, put_lead, take_lead, use_lead
from homeostat.llm.load import Opened, open_model, quiet, require_safetensors

ADAPTER, LEAD = "adapter_model.safetensors", "lead.safetensors"
LEADING = ("prompt", "prefix")
"""Kinds of versions that are a lead before every prompt."""
ON_BASE = ("lora", *LEADING)
"""Kinds of versions that are put on their base, any number of them on one."""
MOVING = ("pissa", "olora", "corda", "loftq")
"""Ways to begin an adapter that change its base."""
_FIX = "an adapter fits only the base that it was trained on: set model.base to that, or train again"


def put_on(model: Any, kind: str, folder: Path, name: str) -> None:
    """Load what a version of a kind in ON_BASE adds to its base; it is not switched on.

    Raises:
        ModelNotFound, UnsafeWeights, CorruptWeights: as `add_adapter`; the model is as it was.
    """
    lead = None if kind == "lora" else load_lead(model, folder)
    if lead is None or (folder / ADAPTER).exists():
        add_adapter(model, folder, name)
    if lead is not None:
        put_lead(model, name, lead)


def stand(base: str, kind: str, folder: Path | None, name: str) -> Opened:
    """A model opened for one version alone: its base with what it adds switched on; other kinds add nothing.

    Raises:
        ModelNotFound, UnsafeWeights, CorruptWeights: it cannot be read, or is for another base.
    """
    opened = open_model(base, folder if kind == "full" else None)
    if kind in ON_BASE and folder is not None:
        put_on(opened.model, kind, folder, name)
        switch_to(opened.model, name)
    return opened


def take_off(model: Any, name: str) -> None:
    """Take a version off that was put on, switched on or not."""
    take_lead(model, name)
    if name in getattr(model, "peft_config", {}):
        remove_adapter(model, name)


def switch_to(model: Any, name: str) -> None:
    """Switch on what this version has put on, and nothing else; the bare base where the name is of none."""
    use_lead(model, name)
    if not getattr(model, "_hf_peft_config_loaded", False):
        return
    if name in model.peft_config:
        model.enable_adapters()
        model.set_adapter(name)
    else:
        model.disable_adapters()


def save_lead(lead: Lead, folder: Path, base: str | None = None) -> None:
    """Write `lead.safetensors`, with what `four_bit.mark` says of its base; equal leads are equal files."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in lead.named_parameters()}
    save_file(tensors, folder / LEAD, metadata={"format": "pt"} | ({"base": base} if base else {}))


def load_lead(model: Any, folder: Path) -> Lead:
    """The lead in a folder, for this model.

    Raises:
        ModelNotFound, UnsafeWeights, CorruptWeights: there is none, it cannot be read, or it is for another model.
    """
    require_safetensors(folder, str(folder), LEAD)
    with safe_open(folder / LEAD, framework="pt") as file:
        _refuse_other_precision(model, (file.metadata() or {}).get("base"), folder)
    tensors = {name: tensor.float() for name, tensor in load_file(folder / LEAD).items()}
    if set(tensors) == {"rows"}:
        lead: Lead = Rows(**tensors)
    elif set(tensors) == {"keys", "values"} and keeps_states(model):
        lead = States(**tensors)
    else:
        raise _no_fit(folder)
    if not lead.fits(model):
        raise _no_fit(folder)
    return lead


def _no_fit(folder: Path) -> CorruptWeights:
    return CorruptWeights("what stands before the prompts does not fit its base", where=str(folder / LEAD), fix=_FIX)


def add_adapter(model: Any, folder: Path, name: str, *, trainable: bool = False) -> None:
    """Load the adapter in `folder` beside those the model has; after an error the model is as it was.

    Raises:
        ModelNotFound: there is no such folder.
        UnsafeWeights: the folder has no `adapter_model.safetensors`.
        CorruptWeights: the adapter is damaged, incomplete, or made for another base.
    """
    quiet()
    require_safetensors(folder, str(folder), ADAPTER)
    told = told_of(folder)
    unmoved(told, folder)
    _refuse_other_precision(model, told.get("base_model_name_or_path"), folder)
    try:
        # peft warns of several adapters on one model, which is what we want. Tensors of other shapes are let through,
        # and found below: the library would only point to its own report.
        more = {"is_trainable": trainable, "use_safetensors": True, "ignore_mismatched_sizes": True}
        config = peft.PeftConfig.from_pretrained(str(folder))
        given = [path_of_vocabulary(model)] if config.trainable_token_indices else []
        if has_rows(model) and not given:
            config.trainable_token_indices = {vocabulary(model): [0]}  # as the base has it; see `has_rows`
        with warnings.catch_warnings(action="ignore"):
            info = model.load_adapter(str(folder), adapter_name=name, peft_config=config, **more)
    except Exception as damaged:  # peft, transformers and safetensors share no parent for what they raise
        _take_off(model, name)
        why = str(damaged).strip().partition("\n")[0]
        raise CorruptWeights(f"the adapter does not load: {why}", where=str(folder), fix=_FIX) from damaged
    # Other adapters' tensors count as missing too: they are on the model and not in this file.
    own = [k for k in info.missing_keys if k.endswith((f".{name}.weight", f".{name}"))]
    missing = sorted(k for k in own if "lora_" in k or k.startswith(tuple(f"{path}." for path in given)))
    if missing or info.unexpected_keys or info.mismatched_keys:
        _take_off(model, name)
        wrong = [*missing, *sorted(info.unexpected_keys), *(key for key, *_ in info.mismatched_keys)]
        raise CorruptWeights(
            f"the adapter does not fit its base: {len(wrong)} tensors are missing, too many or of another shape, "
            f"such as {wrong[0]}",
            where=str(folder),
            fix=_FIX,
        )


def told_of(folder: Path) -> dict[str, Any]:
    """What the configuration of an adapter says; nothing where it cannot be read, which is told when it is loaded."""
    try:
        said = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _refuse_other_precision(model: Any, base: str | None, folder: Path) -> None:
    """Hold that what was trained on a base in four bits answers on one, and what was trained on another does not: on
    the other it says something else. A name of a base that is not ours says nothing of that, and is let through.

    Raises:
        CorruptWeights: it was trained on the base in another precision.
    """
    own = mark(model)
    if base in (None, MARK) and base != own:
        here, there = ("in four bits", "in full precision") if own else ("in full precision", "in four bits")
        raise CorruptWeights(f"it was trained on a base {there}, and this one is {here}", where=str(folder), fix=_FIX)


def unmoved(told: dict[str, Any], folder: Path) -> None:
    """Hold that an adapter is for the base as it is: some begin by taking a part of the base into themselves, and the
    library, when it loads one that was not converted, changes the base under every other version too.

    Raises:
        CorruptWeights: the adapter is for a base that was changed.
    """
    begun = str(told.get("init_lora_weights", "")).lower()
    if begun.startswith(MOVING):
        raise CorruptWeights(
            f"the adapter began as `{begun}` and is for a base that was changed with it",
            where=str(folder),
            fix="save it relative to the base as it was: peft calls it path_initial_model_for_weight_conversion",
        )


def remove_adapter(model: Any, name: str) -> None:
    """Take an adapter off the model, switched on or not."""
    with warnings.catch_warnings(action="ignore"):  # peft warns that another adapter is switched on then
        model.delete_adapter(name)


def has_rows(model: Any) -> bool:
    """Whether adapters of this model have rows of the vocabulary: those that read and write by one matrix do.

    There a row is a token's whole meaning. peft can switch between adapters only if all of them have some, so one that
    was trained without is given a row that says what the base says.
    """
    head = model.get_output_embeddings()
    return bool(model.config.tie_word_embeddings) and head is not None and not model.config.is_encoder_decoder


def vocabulary(model: Any) -> str:
    """Name, within its parent, of the module that holds the vocabulary."""
    return path_of_vocabulary(model).rpartition(".")[2]


def path_of_vocabulary(model: Any) -> str:
    """The same with all its parents."""
    table = model.get_input_embeddings()
    return next(str(name) for name, module in model.named_modules() if module is table)


def _take_off(model: Any, name: str) -> None:
    """Remove what a failed load has left."""
    loaded = getattr(model, "peft_config", {})
    if name in loaded:
        remove_adapter(model, name)
    elif not loaded:
        model._hf_peft_config_loaded = False

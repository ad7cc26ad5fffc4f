"""Puts a saved adapter on a model, whole or not at all."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from homeostat.errors import CorruptWeights
from homeostat.llm.load import quiet, require_safetensors

_FIX = "an adapter fits only the base that it was trained on: set model.base to that, or train again"


def add_adapter(model: Any, folder: Path, name: str, *, trainable: bool = False) -> None:
    """Load the adapter in `folder` beside those the model has; after an error the model is as it was.

    Raises:
        ModelNotFound: there is no such folder.
        UnsafeWeights: the folder has no `adapter_model.safetensors`.
        CorruptWeights: the adapter is damaged, incomplete, or made for another base.
    """
    quiet()
    require_safetensors(folder, str(folder), "adapter_model.safetensors")
    try:
        # peft warns of several adapters on one model, which is what we want. Tensors of other shapes are let through,
        # and found below: the library would only point to its own report.
        more = {"is_trainable": trainable, "use_safetensors": True, "ignore_mismatched_sizes": True}
        with warnings.catch_warnings(action="ignore"):
            info = model.load_adapter(str(folder), adapter_name=name, **more)
    except Exception as damaged:  # peft, transformers and safetensors share no parent for what they raise
        _take_off(model, name)
        why = str(damaged).strip().partition("\n")[0]
        raise CorruptWeights(f"the adapter does not load: {why}", where=str(folder), fix=_FIX) from damaged
    # Other adapters' tensors count as missing too: they are on the model and not in this file.
    missing = sorted(k for k in info.missing_keys if "lora_" in k and k.endswith((f".{name}.weight", f".{name}")))
    if missing or info.unexpected_keys or info.mismatched_keys:
        _take_off(model, name)
        wrong = [*missing, *sorted(info.unexpected_keys), *(key for key, *_ in info.mismatched_keys)]
        raise CorruptWeights(
            f"the adapter does not fit its base: {len(wrong)} tensors are missing, too many or of another shape, "
            f"such as {wrong[0]}",
            where=str(folder),
            fix=_FIX,
        )


def remove_adapter(model: Any, name: str) -> None:
    """Take an adapter off the model, switched on or not."""
    with warnings.catch_warnings(action="ignore"):  # peft warns that another adapter is switched on then
        model.delete_adapter(name)


def _take_off(model: Any, name: str) -> None:
    """Remove what a failed load has left."""
    loaded = getattr(model, "peft_config", {})
    if name in loaded:
        remove_adapter(model, name)
    elif not loaded:
        model._hf_peft_config_loaded = False

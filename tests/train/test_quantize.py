"""Bases made in four bits: what they hold, and that adapters learn on them what they learn in full precision."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

import tiny
from homeostat.builtin.resources import model_path
from homeostat.errors import MissingExtra, UnsuitedModel
from homeostat.llm.backend import Request
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.stats.intervals import paired
from homeostat.train.bases.facts import facts
from homeostat.train.flops import Size
from homeostat.train.quantize import quantize
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.types.version import Version
from shown import Shown

ALL = tuple(tiny.WORDS)


def test_a_folder_like_any_other(packed: Path, llama: Path) -> None:
    """Safetensors, a tokenizer, a card; it opens, and is as large as the base it was made of to whoever counts."""
    opened, whole = open_model(str(packed)), open_model(str(llama))
    told = facts(str(packed), opened)
    assert {path.suffix for path in packed.iterdir()} <= {".safetensors", ".json", ".jinja", ".md"}
    assert opened.tokenizer.get_vocab() == whole.tokenizer.get_vocab()
    assert opened.tokenizer.pad_token_id is not None
    assert told.parameters == facts(str(llama), whole).parameters
    assert told.disk_bytes < 0.7 * facts(str(llama), whole).disk_bytes
    for model in (opened.model, whole.model):
        model.requires_grad_(False)
    assert Size.of(opened.model) == Size.of(whole.model)


def test_the_license_goes_with_it(llama: Path, tmp_path: Path) -> None:
    """What the base's card says is said again."""
    (llama / "README.md").write_text("---\nlicense: mit\n---\n")
    try:
        made = tiny.four_bits(tmp_path / "made", llama)
    finally:
        (llama / "README.md").unlink()
    assert facts(str(made), open_model(str(made))).license == "mit"


def test_what_cannot_be_put_into_four_bits(packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in four bits already; and nothing without the library."""
    with pytest.raises(UnsuitedModel, match="already"):
        quantize(str(packed), tmp_path / "again")
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(MissingExtra, match="bitsandbytes"):
        quantize(str(packed), tmp_path / "again")
    assert not (tmp_path / "again").exists()


@pytest.mark.slow
def test_adapters_learn_on_four_bits_what_they_learn_on_all(tmp_path: Path, shown: Shown) -> None:
    """The built-in model, five labels, the labels' rows not fitted: on four bits an adapter tells within five points as
    many of 150 unseen requests as on the base it was made of, and far more than before training. The layers take less
    than a third of the bytes, in memory and on disk.
    """
    if not (model_path() / "model.safetensors").exists():
        pytest.skip("the built-in model is not there")
    packed = tiny.four_bits(tmp_path / "packed", model_path())
    small, whole = sizes(packed / "model.safetensors"), sizes(model_path() / "model.safetensors")
    inside = [name for name in whole if f"{name}.absmax" in small]
    on_disk = sum(size for name, size in small.items() if any(name.startswith(each) for each in inside))
    assert len(inside) >= 4 * 6
    assert on_disk < sum(whole[name] for name in inside) / 3
    right: dict[str, np.ndarray] = {}
    for name, base in (("four", str(packed)), ("all", "builtin")):
        order = Order(
            task=tiny.ROUTING,
            start=Start(base=base),
            examples=tiny.examples(ALL, each=24),
            labels=ALL,
            recipe=Recipe(lr=2e-3, epochs=4, batch_rows=16, looks=4, patience=4, refit=False),
            folder=tmp_path / name,
        )
        right[name] = told_right(order)
        if name == "four":
            still = replace(order.recipe, lr=1e-12, max_steps=1)
            right["begun"] = told_right(replace(order, recipe=still, folder=tmp_path / "begun"))
    assert paired(right["four"], right["all"]).mean > -0.05
    gain = paired(right["four"], right["begun"])
    shown.within("share of unseen rows told right by an adapter on four bits, more than before", gain, least=0.2)


def sizes(file: Path) -> dict[str, int]:
    """Name of a tensor -> its bytes in a file."""
    with safe_open(file, framework="pt") as tensors:
        return {name: tensors.get_tensor(name).nbytes for name in tensors.keys()}  # noqa: SIM118


def told_right(order: Order) -> np.ndarray:
    """float[150]: 1 where what the order trains, served from its own base, tells an unseen request right."""
    trained, backend = train(order), LocalBackend(order.start.base)
    backend.load(Version(id="v", task="routing", time=0.0, base=order.start.base, labels=ALL), trained.weights)
    rows = tiny.examples(ALL, each=30, seed=5)
    said = backend.reply([Request(task=tiny.ROUTING, text=row.text, version="v") for row in rows])
    return np.array([r.text == row.target for r, row in zip(said, rows, strict=True)], float)

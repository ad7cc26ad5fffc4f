"""Adapters go on a model whole, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import tiny
from homeostat.errors import CorruptWeights, HomeostatError, ModelNotFound, UnsafeWeights
from homeostat.llm.adapters import LEAD, add_adapter, load_lead, put_on, save_lead, switch_to, take_off
from homeostat.llm.lead import Lead, Rows, States, lead_of
from homeostat.llm.load import open_model
from homeostat.llm.network import states, vocabulary_logits

FILE = "adapter_model.safetensors"


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        out: torch.Tensor = model(input_ids=torch.tensor([[50, 51, 52]])).logits
    return out


@pytest.fixture
def copy(adapters: tuple[Path, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(adapters[0], tmp_path / "adapter"))


def cut(folder: Path) -> None:
    data = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(data[: len(data) // 2])


def lose_a_tensor(folder: Path) -> None:
    tensors = load_file(folder / FILE)
    save_file(dict(list(tensors.items())[1:]), folder / FILE, metadata={"format": "pt"})


def add_a_tensor(folder: Path) -> None:
    tensors = load_file(folder / FILE)
    name = next(iter(tensors)).replace("layers.0", "layers.7")
    save_file({**tensors, name: torch.zeros(2, 2)}, folder / FILE, metadata={"format": "pt"})


def other_shape(folder: Path) -> None:
    tensors = load_file(folder / FILE)
    save_file({n: torch.cat([t, t], -1) for n, t in tensors.items()}, folder / FILE, metadata={"format": "pt"})


def no_configuration(folder: Path) -> None:
    (folder / "adapter_config.json").unlink()


def broken_configuration(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{ half a fi")


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / FILE), folder / "adapter_model.bin")
    (folder / FILE).unlink()


def pickled_beside_others(folder: Path) -> None:
    pickled(folder)
    save_file({"x": torch.zeros(1)}, folder / "other.safetensors")


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (cut, CorruptWeights),
        (lose_a_tensor, CorruptWeights),
        (add_a_tensor, CorruptWeights),
        (other_shape, CorruptWeights),
        (no_configuration, CorruptWeights),
        (broken_configuration, CorruptWeights),
        (pickled, UnsafeWeights),
        (pickled_beside_others, UnsafeWeights),
        (shutil.rmtree, ModelNotFound),
    ],
    ids=lambda value: value.__name__,
)
def test_a_damaged_adapter_leaves_the_model_as_it_was(
    damage: Callable[[Path], None], error: type[HomeostatError], copy: Path, llama: Path, adapters: tuple[Path, Path]
) -> None:
    """Every kind of damage has its error; the base, the adapters there and the next load are not touched by it."""
    model = open_model(str(llama)).model
    base = logits(model)
    good = Path(shutil.copytree(copy, copy.with_name("good")))
    damage(copy)
    with pytest.raises(error):
        add_adapter(model, copy, "bad")
    torch.testing.assert_close(logits(model), base, rtol=0, atol=0)
    add_adapter(model, good, "good")
    model.set_adapter("good")
    tuned = logits(model)
    assert not torch.equal(tuned, base)
    with pytest.raises(error):
        add_adapter(model, copy, "bad")
    model.set_adapter("good")
    torch.testing.assert_close(logits(model), tuned, rtol=0, atol=0)
    add_adapter(model, adapters[1], "bad")
    assert sorted(model.peft_config) == ["bad", "good"]


def test_an_adapter_of_another_base_is_corrupt(adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """An adapter made for a narrower model, or for one with more layers, does not go on this one."""
    wide = open_model(str(tiny.llama(tmp_path / "wide", hidden=64))).model
    with pytest.raises(CorruptWeights):
        add_adapter(wide, adapters[0], "tuned")
    shallow = open_model(str(tiny.llama(tmp_path / "shallow", layers=1))).model
    with pytest.raises(CorruptWeights, match="does not fit"):
        add_adapter(shallow, adapters[0], "tuned")


def test_loading_one_adapter_leaves_another_alone(adapters: tuple[Path, Path], llama: Path) -> None:
    """Two adapters side by side each give what they give alone."""
    alone = []
    for folder in adapters:
        model = open_model(str(llama)).model
        add_adapter(model, folder, "one")
        model.set_adapter("one")
        alone.append(logits(model))
    model = open_model(str(llama)).model
    for name, folder in zip(("first", "second"), adapters, strict=True):
        add_adapter(model, folder, name)
    for name, own in zip(("first", "second"), alone, strict=True):
        model.set_adapter(name)
        torch.testing.assert_close(logits(model), own, rtol=0, atol=1e-6)


def test_an_adapter_can_be_trained_on(adapters: tuple[Path, Path], llama: Path) -> None:
    """Asked for, the loaded tensors take gradients."""
    model = open_model(str(llama)).model
    add_adapter(model, adapters[0], "tuned", trainable=True)
    model.set_adapter("tuned")
    assert any(p.requires_grad and "lora_" in n for n, p in model.named_parameters())
    assert json.loads((adapters[0] / "adapter_config.json").read_text())["base_model_name_or_path"] is None


@pytest.fixture
def leads(llama: Path, adapters: tuple[Path, Path], tmp_path: Path) -> dict[str, Path]:
    """A prompt with rows of labels beside it, one without, and a prefix."""
    model = open_model(str(llama)).model
    rows = 0.3 * torch.randn(3, 48, generator=torch.Generator().manual_seed(0))
    made: dict[str, Lead] = {"prompt": Rows(rows), "prefix": States.of(model, rows.flip(1))}
    for kind, lead in made.items():
        save_lead(lead, tmp_path / kind)
    save_lead(made["prompt"], Path(shutil.copytree(adapters[1], tmp_path / "beside")))
    return {"beside": tmp_path / "beside", **{kind: tmp_path / kind for kind in made}}


def said(model: Any, name: str) -> torch.Tensor:
    """Logits behind whatever this version has put on."""
    switch_to(model, name)
    with torch.no_grad():
        ids = torch.tensor([[50, 51]])
        return vocabulary_logits(model, states(model, ids, torch.ones_like(ids)))


def test_versions_of_every_kind_on_one_base(llama: Path, adapters: tuple[Path, Path], leads: dict[str, Path]) -> None:
    """Put on one after the other, each says what it says alone, the base what it said; taken off, nothing is left."""
    kinds = {"lora": adapters[0], **leads}
    alone, model = {}, open_model(str(llama)).model
    names = {name for name, _ in model.named_parameters()}
    bare = said(model, "")
    for kind, folder in kinds.items():
        own = open_model(str(llama)).model
        put_on(own, "prompt" if kind == "beside" else kind, folder, "alone")
        alone[kind] = said(own, "alone")
    for kind, folder in kinds.items():
        put_on(model, "prompt" if kind == "beside" else kind, folder, kind)
    for kind in (*kinds, *reversed(kinds)):
        torch.testing.assert_close(said(model, kind), alone[kind], rtol=0, atol=1e-6)
        torch.testing.assert_close(said(model, ""), bare, rtol=0, atol=1e-6)
    assert min((alone[a] - alone[b]).abs().max() for a in kinds for b in kinds if a < b) > 1e-3
    switch_to(model, "prefix")
    for kind in kinds:
        take_off(model, kind)
    assert lead_of(model) is None
    torch.testing.assert_close(said(model, ""), bare, rtol=0, atol=0)
    assert {n.replace(".base_layer", "").replace(".token_adapter", "") for n, _ in model.named_parameters()} == names


def test_a_lead_is_kept(leads: dict[str, Path], llama: Path) -> None:
    """Loaded, it has the tensors that were saved, bit by bit."""
    model = open_model(str(llama)).model
    for kind in ("prompt", "prefix"):
        lead, file = load_lead(model, leads[kind]), load_file(leads[kind] / LEAD)
        assert {n: t.shape for n, t in lead.named_parameters()} == {n: t.shape for n, t in file.items()}
        assert all(torch.equal(t, file[n]) for n, t in lead.named_parameters())


def test_a_lead_that_does_not_load_leaves_the_model_alone(
    leads: dict[str, Path], llama: Path, bert: Path, tmp_path: Path
) -> None:
    """Cut off, of another width, with other tensors, without a file, for a model without keys, or beside a damaged
    adapter: one clear error, and the model says what it said.
    """
    model = open_model(str(llama)).model
    put_on(model, "prompt", leads["prompt"], "good")
    before = said(model, "good")
    (tmp_path / "empty").mkdir()
    data = (leads["prefix"] / LEAD).read_bytes()
    for name, broken in {"cut": data[: len(data) // 2], "pickle": b"\x80\x02."}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / LEAD).write_bytes(broken)
    wrong = {"wide": {"rows": torch.ones(2, 64)}, "flat": {"rows": torch.ones(48)}, "other": {"row": torch.ones(2, 48)}}
    wrong["deep"] = {n: torch.ones(3, 2, 4, 12) for n in ("keys", "values")}
    for name, tensors in wrong.items():
        (tmp_path / name).mkdir()
        save_file(tensors, tmp_path / name / LEAD)
    (leads["beside"] / FILE).write_bytes(b"x" * 40)
    folders = [tmp_path / n for n in ("cut", "pickle", "gone", "empty", *wrong)] + [leads["beside"]]
    for folder in folders:
        with pytest.raises(HomeostatError):
            put_on(model, "prompt", folder, "bad")
        assert "bad" not in model.leads
        torch.testing.assert_close(said(model, "good"), before, rtol=0, atol=0)
    with pytest.raises(CorruptWeights, match="does not fit"):
        put_on(open_model(str(bert)).model, "prefix", leads["prefix"], "bad")

"""Bases in four bits: they answer and learn as the weights that they stand for, and what stands on them stays there."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

import tiny
from homeostat.errors import CorruptWeights, MissingExtra, UnsuitedModel
from homeostat.llm import four_bit
from homeostat.llm.adapters import put_on
from homeostat.llm.backend import Request
from homeostat.llm.forward import predict
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.local import LocalBackend
from homeostat.llm.render import Rendered, Renderer
from homeostat.llm.together import predict_each
from homeostat.train.adapt.freeze import Freeze
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.ia3 import Ia3
from homeostat.train.adapt.lora import NAME, Lora
from homeostat.train.adapt.prompt import Prompt
from homeostat.train.adapt.stacked import Stacked
from homeostat.train.adapt.way import Way
from homeostat.train.adapt.whole import save_whole
from homeostat.train.smaller import smaller
from homeostat.train.transfer.merge import mean
from homeostat.train.transfer.product import Adapter
from homeostat.types.version import Version

ROWS = [Rendered((50, 51, 52), (60, 61)), Rendered((70, 71, 72, 73, 74), (62,))]


def twin(packed: Path, whole: Path) -> Opened:
    """A model in full precision whose weights are those that the packed ones stand for."""
    library = pytest.importorskip("bitsandbytes.functional", reason="the extra four-bit is not installed")
    small, twin = open_model(str(packed)), open_model(str(whole))
    tensors = dict(twin.model.named_parameters())
    with torch.no_grad():
        for name, tensor in small.model.named_parameters():
            state = getattr(tensor, "quant_state", None)
            tensors[name].copy_(tensor if state is None else library.dequantize_4bit(tensor, state))
    return twin


def drawn(opened: Opened, **changes: Any) -> list[torch.nn.Parameter]:
    """An adapter on the model, away from where it begins; equal on every model of one shape."""
    parameters = Lora(rank=4, **changes).attach(opened.model)
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in parameters:
            tensor.add_(0.1 * torch.randn(tensor.shape, generator=draw))
    return parameters


def backward(
    opened: Opened, parameters: list[torch.nn.Parameter], rows: Sequence[Rendered] = ROWS
) -> list[torch.Tensor]:
    """The gradient of the rows' loss."""
    predicted = predict(opened, rows)
    loss = F.cross_entropy(predicted.logits, predicted.target)
    return [each.clone() for each in torch.autograd.grad(loss, parameters)]


@torch.no_grad()
def logits(opened: Opened, rows: Sequence[Rendered] = ROWS) -> torch.Tensor:
    return predict(opened, rows).logits


def test_what_reads_four_bits_is_an_extra(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library a base in four bits is no damaged one: the error says what to install."""
    folder = Path(shutil.copytree(llama, tmp_path / "model"))
    told = json.loads((folder / "config.json").read_text())
    told["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (folder / "config.json").write_text(json.dumps(told))
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(MissingExtra, match=r"four bits[\s\S]*homeostat\[four-bit\]"):
        open_model(str(folder))


def test_a_base_in_full_precision_is_not_touched(decoder: Opened) -> None:
    """It is told apart, counts as it did, and says nothing of four bits."""
    assert not four_bit.is_four_bit(decoder.model)
    assert not four_bit.is_told(decoder.model.config)
    assert four_bit.mark(decoder.model) is None
    assert four_bit.parameters(decoder.model) == sum(tensor.numel() for tensor in decoder.model.parameters())
    four_bit.require_floats(decoder.model, "anything")


def test_it_says_what_its_weights_say(packed: Path, llama: Path) -> None:
    """Logits are those of the weights that the four bits stand for, and not those of the base it was made of."""
    small = open_model(str(packed))
    torch.testing.assert_close(logits(small), logits(twin(packed, llama)), rtol=0, atol=1e-4)
    assert (logits(small) - logits(open_model(str(llama)))).abs().max() > 0.05


@pytest.mark.parametrize("dora", [False, True])
def test_the_gradient_is_that_of_its_weights(packed: Path, llama: Path, dora: bool) -> None:
    """In every layer, although the model was asked in evaluation mode before, where the library would pack it."""
    small, wide = open_model(str(packed)), twin(packed, llama)
    logits(small)
    found = backward(small, drawn(small, dora=dora))
    wanted = backward(wide, drawn(wide, dora=dora))
    logits(small)
    assert [each.shape for each in found] == [each.shape for each in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert other.abs().max() > 0
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("family", ["bert", "t5"])
def test_other_families(request: pytest.FixtureRequest, tmp_path: Path, family: str) -> None:
    """Encoders and sequence-to-sequence models too say what their weights say, and give their gradient."""
    whole = request.getfixturevalue(family)
    packed = tiny.four_bits(tmp_path, whole)
    small, wide = open_model(str(packed)), twin(packed, whole)
    rows = [Rendered(row.prompt, (62,)) for row in ROWS]
    torch.testing.assert_close(logits(small, rows), logits(wide, rows), rtol=0, atol=1e-4)
    found, wanted = backward(small, drawn(small), rows), backward(wide, drawn(wide), rows)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def test_it_counts_as_what_it_stands_for(packed: Path, llama: Path) -> None:
    """As many numbers as the base it was made of, in less than a third of the bytes even where layers are tiny."""
    small, wide = open_model(str(packed)).model, open_model(str(llama)).model
    assert four_bit.parameters(small) == four_bit.parameters(wide)
    tensors = dict(wide.named_parameters())
    inside = {name: tensor for name, tensor in small.named_parameters() if tensor.dtype == torch.uint8}
    assert len(inside) == 2 * 7
    assert sum(map(four_bit.held_bytes, inside.values())) < sum(tensors[name].nbytes for name in inside) / 3


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda model, folder: Full().attach(model), id="full"),
        pytest.param(lambda model, folder: Freeze(bottom=1).attach(model), id="freeze"),
        pytest.param(lambda model, folder: Ia3().attach(model), id="ia3"),
        pytest.param(lambda model, folder: Lora(init="pissa").attach(model), id="pissa"),
        pytest.param(lambda model, folder: Stacked().attach(model, folder), id="stacked"),
    ],
)
def test_what_would_round_is_refused(packed: Path, tmp_path: Path, change: Callable[[Any, Path], Any]) -> None:
    """Ways that change the weights themselves, before anything is trained."""
    opened = open_model(str(packed))
    Lora(rank=2).attach(opened.model)
    Lora(rank=2).save(opened.model, tmp_path)
    with pytest.raises(UnsuitedModel, match="four bits"):
        change(open_model(str(packed)).model, tmp_path)


def test_an_adapter_does_not_become_part_of_it(packed: Path, tmp_path: Path) -> None:
    """Nor is a smaller base made of it."""
    opened = open_model(str(packed))
    way = Lora(rank=2)
    way.attach(opened.model)
    with pytest.raises(UnsuitedModel, match="merging an adapter"):
        save_whole(way, opened.model, tmp_path / "whole")
    with pytest.raises(UnsuitedModel, match="smaller"):
        smaller(str(packed), tmp_path / "smaller", layers=1, texts=())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("way", [Lora(rank=2), Prompt(count=4)], ids=["lora", "prompt"])
def test_what_was_trained_on_one_base_does_not_fit_the_other(
    packed: Path, llama: Path, tmp_path: Path, way: Way
) -> None:
    """In either direction; on its own it loads."""
    for base, other in ((packed, llama), (llama, packed)):
        opened, folder = open_model(str(base)), tmp_path / base.name
        way.attach(opened.model)
        way.save(opened.model, folder)
        put_on(open_model(str(base)).model, way.kind, folder, "own")
        with pytest.raises(CorruptWeights, match="trained on a base in"):
            put_on(open_model(str(other)).model, way.kind, folder, "other")


def test_sums_of_adapters_stay_where_their_parts_were(packed: Path, llama: Path, tmp_path: Path) -> None:
    """The mean of two adapters of a base in four bits is one of it, and none is made across bases."""
    parts = []
    for k, base in enumerate((packed, packed, llama)):
        opened = open_model(str(base))
        drawn(opened)
        Lora().save(opened.model, tmp_path / str(k))
        parts.append(Adapter.read(tmp_path / str(k)))
    mean(parts[:2]).save(tmp_path / "mean")
    put_on(open_model(str(packed)).model, "lora", tmp_path / "mean", "mean")
    with pytest.raises(CorruptWeights, match="four bits"):
        put_on(open_model(str(llama)).model, "lora", tmp_path / "mean", "mean")
    with pytest.raises(CorruptWeights, match="others were not"):
        mean(parts)


def test_it_is_served_as_it_was_trained(packed: Path, tmp_path: Path) -> None:
    """The backend gives the log-probabilities of the model that the adapter was saved from, for one and for several."""
    opened = open_model(str(packed))
    drawn(opened)
    Lora().save(opened.model, tmp_path)
    codes = encode_labels(opened.tokenizer, tiny.LABELS)
    texts = tiny.texts("broken_pump", 5, 3)
    prompts = [Rendered(Renderer(opened.tokenizer).prompt(tiny.ROUTING, text), (0,)) for text in texts]
    with torch.no_grad():
        said = predict(opened, prompts).logits[:, [sequence[0] for sequence in codes.sequences]].log_softmax(-1)
    backend = LocalBackend(str(packed))
    for name in ("one", "two"):
        backend.load(Version(id=name, task="routing", time=0.0, base=str(packed), labels=tiny.LABELS), tmp_path)
    requests = [Request(task=tiny.ROUTING, text=text, version="one") for text in texts]
    served = torch.tensor([list(row) for row in backend.score(requests)], dtype=said.dtype)
    torch.testing.assert_close(served, said, rtol=0, atol=1e-5)
    for row, (one, two) in zip(said, backend.score_each(requests, ["one", "two"]), strict=True):
        torch.testing.assert_close(torch.tensor(one, dtype=row.dtype), row, rtol=0, atol=1e-5)
        torch.testing.assert_close(torch.tensor(two, dtype=row.dtype), row, rtol=0, atol=1e-5)


def test_several_adapters_in_one_pass(packed: Path, tmp_path: Path) -> None:
    """Each row is answered by its own adapter, as alone."""
    opened = open_model(str(packed))
    rows = [Rendered(row.prompt, (0,)) for row in ROWS]
    for name, scale in (("a", 1.0), ("b", -2.0)):
        fresh = open_model(str(packed))
        with torch.no_grad():
            for tensor in drawn(fresh):
                tensor.mul_(scale)
        Lora().save(fresh.model, tmp_path / name)
        put_on(opened.model, "lora", tmp_path / name, name)
    with torch.no_grad():
        each = predict_each(opened, rows, ["a", "b"])
        for name, said in zip(("a", "b"), each, strict=True):
            opened.model.set_adapter(name)
            torch.testing.assert_close(said.logits, predict(opened, rows).logits, rtol=0, atol=1e-5)
    assert not torch.allclose(each[0].logits, each[1].logits, atol=0.1)
    assert NAME not in opened.model.peft_config

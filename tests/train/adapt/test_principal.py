"""Adapters that begin at principal directions: nothing changes at first, what is saved fits the base as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from homeostat.llm.adapters import add_adapter
from homeostat.llm.forward import predict
from homeostat.llm.load import open_model
from homeostat.llm.render import Rendered
from homeostat.train.adapt.lora import NAME, Lora
from train.adapt.conftest import Learn, samples

ROWS = [Rendered((50, 51, 52), (60, 61)), Rendered((70, 71, 72, 73, 74), (62,))]
WAYS = {
    "pissa": Lora(rank=4, init="pissa"),
    "pissa_rs": Lora(rank=4, init="pissa", rs=True),
    "pissa_wide": Lora(rank=40, init="pissa"),
    "olora": Lora(rank=4, init="olora"),
    "olora_dora": Lora(rank=4, init="olora", dora=True),
    "eva": Lora(rank=4, init="eva"),
}
"""The wide one has a higher rank than the narrowest layer, of 24 outputs."""


def layer(model: Any, path: str = "model.layers.1.mlp.up_proj") -> Any:
    """One of the layers with an adapter, of 48 inputs and 96 outputs."""
    return model.get_submodule(path)


def shaken(parameters: list[torch.nn.Parameter]) -> None:
    """Stands for training: every tensor moves."""
    draw = torch.Generator().manual_seed(3)
    for tensor in parameters:
        tensor.data.add_(0.05 * torch.randn(tensor.shape, generator=draw))


@pytest.mark.parametrize("name", sorted(WAYS))
def test_before_the_first_step_nothing_has_changed(name: str, base: str) -> None:
    """Wherever an adapter begins, the model answers as its base, to 1e-5."""
    opened, way = open_model(base), WAYS[name]
    with torch.no_grad():
        before = predict(opened, ROWS).logits
        way.attach(opened.model)
        way.look(opened, ROWS)
        torch.testing.assert_close(predict(opened, ROWS).logits, before, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", sorted(WAYS))
def test_what_is_saved_fits_the_base_as_it_was(name: str, base: str, tmp_path: Path) -> None:
    """Served on the original weights, a trained adapter answers as the model that was trained, to 1e-5; so it does when
    it is gone on from, and when that is saved again. The rank doubles once and no more.
    """
    opened, way = open_model(base), WAYS[name]
    parameters = way.attach(opened.model)
    way.look(opened, ROWS)
    plain = predict(open_model(base), ROWS).logits
    shaken(parameters)
    with torch.no_grad():
        wanted = predict(opened, ROWS).logits
        way.save(opened.model, tmp_path / "once")
        further = open_model(base)
        more = way.attach(further.model, tmp_path / "once")
        torch.testing.assert_close(predict(further, ROWS).logits, wanted, rtol=0, atol=1e-5)
        shaken(more)
        moved = predict(further, ROWS).logits
        way.save(further.model, tmp_path / "twice")
        for folder, said in (("once", wanted), ("twice", moved)):
            served = open_model(base)
            add_adapter(served.model, tmp_path / folder, "ver_1")
            served.model.set_adapter("ver_1")
            torch.testing.assert_close(predict(served, ROWS).logits, said, rtol=0, atol=1e-5)
    assert (plain - wanted).abs().max() > 0.05
    ranks = {json.loads((tmp_path / folder / "adapter_config.json").read_text())["r"] for folder in ("once", "twice")}
    assert ranks == {way.rank if name == "eva" else 2 * way.rank}


def test_an_untrained_one_says_nothing_at_all(base: str, tmp_path: Path) -> None:
    """Saved where it began, an adapter leaves the base's answers as they are, bit by bit: its summands are zero, not
    large and of opposite sign.
    """
    opened, served = open_model(base), open_model(base)
    WAYS["pissa"].attach(opened.model)
    WAYS["pissa"].save(opened.model, tmp_path)
    add_adapter(served.model, tmp_path, "ver_1")
    with torch.no_grad():
        with_it = predict(served, ROWS).logits
        served.model.disable_adapters()
        assert torch.equal(with_it, predict(served, ROWS).logits)


def test_pissa_takes_the_largest_singular_values(base: str) -> None:
    """Adapter and rest are the weight; the rest has lost what the best approximation of the adapter's rank holds."""
    weight = layer(open_model(base).model).weight.detach()
    opened = open_model(base)
    WAYS["pissa"].attach(opened.model)
    found = layer(opened.model)
    product = found.scaling[NAME] * found.lora_B[NAME].weight @ found.lora_A[NAME].weight
    torch.testing.assert_close(found.base_layer.weight + product, weight, rtol=0, atol=1e-5)
    left = torch.linalg.svdvals(found.base_layer.weight.detach())
    torch.testing.assert_close(left[:8], torch.linalg.svdvals(weight)[4:12], rtol=1e-2, atol=1e-3)


def test_eva_reads_what_is_there_to_read(base: str) -> None:
    """Its rows lie in the directions in which the inputs of the layer are largest: they hold as much of the inputs'
    energy as any rows of that rank can, and far more than those drawn at random.
    """
    opened, seen = open_model(base), list[torch.Tensor]()
    rows = [s.rendered for s in samples(opened)]
    Lora(rank=4, init="eva").attach(opened.model)
    drawn = layer(opened.model).lora_A[NAME].weight.detach().clone()
    with torch.no_grad():
        hook = layer(opened.model).register_forward_pre_hook(lambda _, given: seen.append(given[0].flatten(0, -2)))
        for row in rows:
            predict(opened, [row])
        hook.remove()
        Lora(rank=4, init="eva").look(opened, rows)
    inputs = torch.cat(seen)

    def energy(reads: torch.Tensor) -> float:
        return float((inputs @ torch.linalg.qr(reads.T)[0]).square().sum() / inputs.square().sum())

    best = float(torch.linalg.svdvals(inputs)[:4].square().sum() / inputs.square().sum())
    found = energy(layer(opened.model).lora_A[NAME].weight.detach())
    assert found == pytest.approx(best, rel=0.02)
    assert found > energy(drawn) + 0.3


def test_eva_leaves_what_has_learned(base: str, tmp_path: Path) -> None:
    """Shown rows when it goes on from a saved one, an adapter stays as it is."""
    opened, way = open_model(base), WAYS["eva"]
    shaken(way.attach(opened.model))
    way.save(opened.model, tmp_path)
    further = open_model(base)
    parameters = way.attach(further.model, tmp_path)
    before = [p.detach().clone() for p in parameters]
    way.look(further, ROWS)
    assert all(torch.equal(a, b) for a, b in zip(before, parameters, strict=True))


def test_they_learn_faster_than_at_random(base: str, learn: Learn) -> None:
    """After the same steps at the same rate the training loss is lower than from a random beginning: the claim of the
    three papers.
    """
    lost = {init: learn(open_model(base), Lora(rank=4, init=init))[-1] for init in ("plain", "pissa", "olora", "eva")}
    assert all(lost[init] < 0.9 * lost["plain"] for init in ("pissa", "olora", "eva")), lost


def test_nothing_wears_the_base_away(base: str) -> None:
    """Weight decay spares what has been taken out of the base, and pulls what begins at zero."""
    model = open_model(base).model
    parameters = WAYS["pissa"].attach(model)
    tempi = WAYS["pissa"].tempi(model)
    assert len(tempi) == len(parameters)
    assert not any(tempo.decays for tempo in tempi)
    assert Lora().tempi(model) == WAYS["eva"].tempi(model) == []


def test_equal_runs_leave_equal_files(base: str, tmp_path: Path) -> None:
    """What is saved twice is the same, and no trace of how it began is in it."""
    for folder in ("a", "b"):
        opened = open_model(base)
        shaken(WAYS["pissa"].attach(opened.model))
        WAYS["pissa"].save(opened.model, tmp_path / folder)
    files = [(tmp_path / folder / "adapter_model.safetensors").read_bytes() for folder in ("a", "b")]
    assert files[0] == files[1]
    names = load_file(tmp_path / "a" / "adapter_model.safetensors")
    assert all(name.endswith(("lora_A.weight", "lora_B.weight")) for name in names)
    assert json.loads((tmp_path / "a" / "adapter_config.json").read_text())["init_lora_weights"] is True

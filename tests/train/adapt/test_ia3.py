"""(IA)³: few numbers learn, they begin at nothing, and merged into the weights they say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import StableLmConfig, StableLmForCausalLM

import tiny
from homeostat.errors import UnsuitedModel
from homeostat.llm.forward import predict
from homeostat.llm.load import open_model
from homeostat.llm.render import Rendered
from homeostat.train.adapt.ia3 import Ia3
from homeostat.train.adapt.lora import Lora
from train.adapt.conftest import Learn

ROWS = [Rendered((50, 51, 52), (60,)), Rendered((70, 71, 72, 73, 74), (62,))]


@pytest.mark.parametrize("family", ["llama", "bert", "roberta", "t5"])
def test_what_is_saved_is_a_whole_model(family: str, tmp_path: Path) -> None:
    """It begins as the base, bit by bit; trained, saved and opened as a model of the base's own kind it answers as the
    model that was trained, to 1e-5; and saving has not changed that one.
    """
    base = str(getattr(tiny, family)(tmp_path / "base"))
    opened = open_model(base)
    with torch.no_grad():
        for name, tensor in opened.model.named_parameters():
            if name.endswith("bias"):
                tensor.normal_()  # a fresh model has biases of zero, which would hide a wrong factor
        before = predict(opened, ROWS).logits
        parameters = Ia3().attach(opened.model)
        assert torch.equal(predict(opened, ROWS).logits, before)
        for tensor in parameters:
            tensor.add_(0.3 * torch.randn_like(tensor))
        wanted = predict(opened, ROWS).logits
        Ia3().save(opened.model, tmp_path / "saved")
        served = open_model(base, tmp_path / "saved")
        torch.testing.assert_close(predict(served, ROWS).logits, wanted, rtol=0, atol=1e-5)
        assert torch.equal(predict(opened, ROWS).logits, wanted)
    assert (wanted - before).abs().max() > 0.05
    assert {n for n, _ in served.model.named_parameters()} == {n for n, _ in open_model(base).model.named_parameters()}


def test_few_numbers_learn(base: str, learn: Learn) -> None:
    """Keys, values and inner states have a factor for each place, nothing else takes a gradient, and with a twentieth
    of the numbers of a low-rank adapter the loss falls.
    """
    opened = open_model(base)
    count = sum(p.numel() for p in Ia3().attach(opened.model))
    assert count == 2 * (24 + 24 + 96)
    assert count < sum(p.numel() for p in Lora().attach(open_model(base).model)) / 20
    losses = learn(open_model(base), Ia3(), 30, 3e-2)
    assert losses[-1] < 0.75 * losses[0]


def test_going_on(base: str, tmp_path: Path) -> None:
    """Opened with the champion's weights, it begins where that one stood, with new factors of one."""
    opened = open_model(base)
    with torch.no_grad():
        for tensor in Ia3().attach(opened.model):
            tensor.mul_(1.2)
        Ia3().save(opened.model, tmp_path)
        further = open_model(base, tmp_path)
        parameters = Ia3().attach(further.model)
        torch.testing.assert_close(predict(further, ROWS).logits, predict(opened, ROWS).logits, rtol=0, atol=1e-5)
    assert all(torch.equal(p, torch.ones_like(p)) for p in parameters)


def test_factors_do_not_decay(base: str) -> None:
    """Pulled toward zero, factors would switch the model off."""
    model = open_model(base).model
    parameters = Ia3().attach(model)
    tempi = Ia3().tempi(model)
    assert len(tempi) == len(parameters)
    assert not any(tempo.decays for tempo in tempi)


def test_the_rows_of_labels(base: str, tmp_path: Path) -> None:
    """They begin where they are told, can be fitted afterwards, and are saved."""
    opened, labels = open_model(base), torch.tensor([60, 61])
    Ia3().attach(opened.model, rows={60: torch.ones(48)})
    rows = Ia3().label_rows(opened.model, labels)
    assert rows is not None
    assert torch.equal(rows.read()[0], torch.ones(48))
    rows.write(torch.full((2, 48), 0.5))
    Ia3().save(opened.model, tmp_path)
    table = open_model(base, tmp_path).model.get_input_embeddings().weight
    assert torch.equal(table[[60, 61]], torch.full((2, 48), 0.5))


def test_an_architecture_whose_layers_are_not_known() -> None:
    """A model of a kind that peft has no list for is refused, and told what to use instead."""
    config = StableLmConfig(
        vocab_size=20,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
    )
    with pytest.raises(UnsuitedModel, match="lora"):
        Ia3().attach(StableLmForCausalLM(config))

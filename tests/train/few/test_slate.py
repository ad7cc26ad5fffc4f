"""Tasks laid on one model, one after another."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tiny
from homeostat.errors import Diverged, UnsuitedModel
from homeostat.llm.labels import LabelCodes
from homeostat.llm.load import Opened, open_model
from homeostat.train.adapt.lora import Lora
from homeostat.train.few.slate import Slate
from homeostat.train.rows import beginnings

NEXT = ("light_out", "wrong_bill")


@pytest.fixture
def opened(llama: Path) -> Opened:
    return open_model(str(llama))


def test_a_task_begins_at_what_its_labels_mean(llama: Path, opened: Opened) -> None:
    """Whatever the task before has left in the rows, those of the next begin at its labels' words; B is not touched."""
    slate = Slate(opened, 3, Lora(rank=2), None)
    ground = slate.lay(NEXT)
    assert slate.rows is not None
    first = slate.rows.read()
    slate.lay(tiny.LABELS)
    slate.rows.write(slate.rows.read() + 3.0)
    slate.parameters[0].data += 1.0
    slate.lay(NEXT)
    torch.testing.assert_close(slate.rows.read(), first, rtol=0, atol=0)
    codes = LabelCodes(NEXT, tuple((int(token),) for token in slate.tokens[:2]))
    wanted = torch.stack(list(beginnings(open_model(str(llama)), codes).values()))
    assert float(torch.cosine_similarity(first[:2], wanted).min()) > 0.9999
    assert ground.allowed is not None
    assert ground.allowed.tolist() == slate.tokens[:2].tolist()
    assert float(slate.parameters[0].detach().mean()) == 1.0


def test_b_and_the_rows_are_learned(opened: Opened) -> None:
    """B of every linear layer of both blocks, and the rows of the labels; A and the base take no gradient."""
    slate = Slate(opened, 3, Lora(rank=2), None)
    taking = {name for name, tensor in opened.model.named_parameters() if tensor.requires_grad}
    assert len(taking) == len(slate.parameters) == 15
    assert all("lora_B" in name or "trainable_tokens" in name for name in taking)


def test_an_encoder_and_untied_rows(tmp_path: Path) -> None:
    """Models of other families have a slate too; one that writes by another matrix learns B alone."""
    slate = Slate(open_model(str(tiny.t5(tmp_path))), 3, Lora(rank=2), None)
    assert slate.rows is None
    assert slate.lay(tiny.LABELS).allowed is not None
    assert all(tensor.requires_grad for tensor in slate.parameters)


def test_samples_end_with_the_code_of_their_label(opened: Opened) -> None:
    """The completion of a row is the code at its label's place."""
    slate = Slate(opened, 3, Lora(rank=2), None)
    rows = slate.samples(tiny.ROUTING, ["a", "b"], [2, 0])
    assert [row.rendered.completion for row in rows] == [(int(slate.tokens[2]),), (int(slate.tokens[0]),)]


def test_what_has_an_adapter_is_refused(opened: Opened) -> None:
    """A second adapter would switch the first one off, so it is told."""
    Lora(rank=2).attach(opened.model)
    with pytest.raises(UnsuitedModel, match="has an adapter on it"):
        Slate(opened, 3, Lora(rank=2), None)


def test_no_number_is_told(opened: Opened) -> None:
    """Tensors that are no numbers are told; others pass."""
    slate = Slate(opened, 3, Lora(rank=2), None)
    slate.require_finite()
    slate.parameters[3].data[0] = float("nan")
    with pytest.raises(Diverged, match="lower rate"):
        slate.require_finite()

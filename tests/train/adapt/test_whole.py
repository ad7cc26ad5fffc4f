"""What was trained, as a model of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tiny
from homeostat.errors import UnsuitedModel
from homeostat.llm.forward import predict
from homeostat.llm.load import open_model
from homeostat.llm.render import Rendered
from homeostat.train.adapt.freeze import Freeze
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.prefix import Prefix
from homeostat.train.adapt.prompt import Prompt
from homeostat.train.adapt.way import Way
from homeostat.train.adapt.whole import require_whole, save_whole

ROWS = [Rendered((50, 51, 52, 70, 71), (60, 61)), Rendered((80, 81), (62,))]


@pytest.mark.parametrize(
    "way",
    [
        Full(),
        Freeze(bottom=1),
        Lora(rank=4),
        Lora(rank=4, rs=True),
        Lora(rank=4, dora=True),
        Lora(rank=4, init="pissa"),
    ],
    ids=["full", "freeze", "lora", "rs", "dora", "pissa"],
)
@torch.no_grad()
def test_the_folder_answers_as_the_trained_model(way: Way, tmp_path: Path) -> None:
    """Opened without anything beside it, what was saved says what was trained, to 1e-5, and not what the base says; the
    trained model itself is what it was, bit by bit, so that saving twice is saving once.
    """
    base = tiny.llama(tmp_path / "base")
    opened, bare = open_model(str(base)), open_model(str(base))
    for parameter in way.attach(opened.model):
        parameter.add_(0.1 * torch.randn_like(parameter))
    said = predict(opened, ROWS).logits
    save_whole(way, opened.model, tmp_path / "made")
    opened.tokenizer.save_pretrained(tmp_path / "made")
    assert torch.equal(predict(opened, ROWS).logits, said)
    made = open_model(str(tmp_path / "made"))
    torch.testing.assert_close(predict(made, ROWS).logits, said, rtol=0, atol=1e-5)
    assert (predict(bare, ROWS).logits - said).abs().max() > 0.1
    assert not list((tmp_path / "made").glob("adapter*"))
    save_whole(way, opened.model, tmp_path / "again")
    first, second = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("made", "again"))
    assert first == second


@pytest.mark.parametrize("way", [Prompt(), Prefix()])
def test_what_stands_before_a_prompt_is_no_model(way: Way, tmp_path: Path) -> None:
    """A learned prompt or prefix is refused, before anything is trained too."""
    with pytest.raises(UnsuitedModel, match="cannot become part"):
        require_whole(way)
    with pytest.raises(UnsuitedModel, match="cannot become part"):
        save_whole(way, None, tmp_path)

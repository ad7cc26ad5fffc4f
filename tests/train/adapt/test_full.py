"""All weights: every tensor is trained, and what is saved opens as a model."""

from __future__ import annotations

from pathlib import Path

import torch

import tiny
from homeostat.llm.forward import predict
from homeostat.llm.load import open_model
from homeostat.llm.render import Rendered
from homeostat.train.adapt.full import Full


def test_every_tensor_is_trained_and_saved(tmp_path: Path) -> None:
    """Each tensor takes a gradient once, tied ones too, and the saved weights answer as the model did."""
    base = str(tiny.llama(tmp_path / "base"))
    opened = open_model(base)
    opened.model.requires_grad_(False)
    parameters = Full().attach(opened.model)
    assert sum(p.numel() for p in parameters) == sum(p.numel() for p in opened.model.parameters())
    assert all(p.requires_grad and p.dtype == torch.float32 for p in parameters)
    rows = [Rendered((50, 51, 52), (60, 61))]
    with torch.no_grad():
        for tensor in parameters:
            tensor.add_(0.05 * torch.randn_like(tensor))
        Full().save(opened.model, tmp_path / "saved")
        again = open_model(base, tmp_path / "saved")
        assert torch.equal(predict(again, rows).logits, predict(opened, rows).logits)
    assert (tmp_path / "saved" / "model.safetensors").exists()

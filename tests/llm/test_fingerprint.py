"""Is it the same base? Rounding is told from other weights, on models of which it is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

import tiny
from homeostat.errors import NotServed
from homeostat.llm.fingerprint import FAR, NEAR, apart, fingerprint, fingerprint_of, keep, refuse_other
from homeostat.llm.load import Opened, open_model
from homeostat.store import Store


def says(opened: Opened, dtype: torch.dtype = torch.float32) -> Any:
    """A server's answers, computed by a plain pass over each prompt."""
    opened.model.to(dtype)

    @torch.no_grad()
    def ask(body: Mapping[str, Any]) -> list[dict[str, Any]]:
        told = []
        for prompt in body["prompt"]:
            best = opened.model(torch.tensor([prompt])).logits[0, -1].float().log_softmax(-1).topk(body["logprobs"])
            pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
            told.append({"logprobs": {"top_logprobs": [{f"token_id:{t}": log for t, log in pairs}]}})
        return told

    return ask


@pytest.mark.parametrize("base", ["llama", pytest.param("builtin", marks=pytest.mark.slow)])
def test_the_same_weights_are_near_in_any_precision(base: str, llama: Path) -> None:
    """In float32 they are the same to a thousandth, in bfloat16 and float16 nearer than NEAR."""
    name = str(llama) if base == "llama" else "builtin"
    known = fingerprint(open_model(name))
    assert apart(known, says(open_model(name))) < 1e-3
    for dtype in (torch.bfloat16, torch.float16):
        assert apart(known, says(open_model(name), dtype)) < NEAR


def test_other_weights_are_far(llama: Path, tmp_path: Path) -> None:
    """Another seed is refused, and so is one whose weights were moved by a tenth of their spread."""
    known = fingerprint(open_model(str(llama)))
    other = open_model(str(tiny.llama(tmp_path / "other", seed=5)))
    with pytest.raises(NotServed, match="is not mine: they differ by"):
        refuse_other(apart(known, says(other)), "mine", "there")
    moved = open_model(str(llama))
    torch.manual_seed(0)
    with torch.no_grad():
        for tensor in moved.model.parameters():
            tensor += 0.1 * tensor.std() * torch.randn_like(tensor) if tensor.ndim > 1 else 0
    assert apart(known, says(moved)) > NEAR


def test_what_is_no_number_is_no_match() -> None:
    """A model that says nothing of sense is not taken for the same."""
    with pytest.raises(NotServed):
        refuse_other(float("nan"), "mine", "there")
    refuse_other(FAR - 1e-9, "mine", "there")


def test_it_is_kept_for_processes_without_weights(llama: Path, tmp_path: Path) -> None:
    """What comes back from the store is what was kept; before that it is not known."""
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "blobs")
    known = fingerprint(open_model(str(llama)))
    assert fingerprint_of(store, "mine") is None
    keep(store, "mine", known)
    assert fingerprint_of(store, "mine") == known
    store.close()

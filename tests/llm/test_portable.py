"""Adapters as servers read them: the same logits by peft alone, and no word of what servers do not know."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import tiny
from homeostat.errors import CorruptWeights, ModelNotFound, UnsafeWeights, UnsuitedModel
from homeostat.llm.adapters import ADAPTER, add_adapter, switch_to
from homeostat.llm.portable import CONFIG, portable

IDS = torch.tensor([[40, 5, 60, 6, 7, 80]])
"""Labels' codes are read among other tokens, so that their rows count at the input too."""


@torch.no_grad()
def logits(base: Path, folder: Path, *, plain: bool) -> torch.Tensor:
    """What a model says with an adapter put on by peft alone, or as the product puts it on."""
    model: Any = AutoModelForCausalLM.from_pretrained(base).eval()
    if plain:
        model = peft.PeftModel.from_pretrained(model, str(folder)).eval()
    else:
        add_adapter(model, folder, "own")
        switch_to(model, "own")
    return torch.as_tensor(model(IDS).logits)


def changed(folder: Path, to: Path, **fields: Any) -> Path:
    """A copy of an adapter with another configuration."""
    shutil.copytree(folder, to)
    told = json.loads((to / CONFIG).read_text())
    (to / CONFIG).write_text(json.dumps({**told, **fields}))
    return to


def test_rows_of_the_vocabulary_become_a_change_of_their_rank(
    llama: Path, adapters: tuple[Path, Path], tmp_path: Path
) -> None:
    """The same logits to 1e-5 at every place, by peft without a word of ours; far from those without the rows."""
    folder, rank = portable(adapters[0], str(llama), tmp_path / "made")
    told = json.loads((folder / CONFIG).read_text())
    assert (rank, told["r"], told["lora_alpha"], told["trainable_token_indices"]) == (16, 16, 16, None)
    assert all("lora_" in name for name in load_file(folder / ADAPTER))
    own = logits(llama, adapters[0], plain=False)
    assert (logits(llama, folder, plain=True) - own).abs().max() < 1e-5
    without = tmp_path / "without"
    shutil.copytree(folder, without)
    tensors = load_file(without / ADAPTER)
    tensors = {n: t * (0.0 if "embed_tokens" in n or "lm_head" in n else 1.0) for n, t in tensors.items()}
    save_file(tensors, without / ADAPTER, metadata={"format": "pt"})
    assert (logits(llama, without, plain=True) - own).abs().max() > 0.1


def test_it_comes_out_the_same_again(llama: Path, adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """Equal adapters become equal files; what lay in the place before is gone."""
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "old.bin").write_text("x")
    first = {f.name: f.read_bytes() for f in portable(adapters[0], str(llama), tmp_path / "made")[0].iterdir()}
    second = {f.name: f.read_bytes() for f in portable(adapters[0], str(llama), tmp_path / "again")[0].iterdir()}
    assert first == second
    assert set(first) == {ADAPTER, CONFIG}


def test_more_labels_than_the_rank_widen_it(llama: Path, tmp_path: Path) -> None:
    """Twenty rows beside an adapter of rank 4 make one of rank 20, exact as before, also with a scale by its root."""
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_pretrained(llama)
    config = peft.LoraConfig(
        r=4,
        lora_alpha=6,
        use_rslora=True,
        target_modules="all-linear",
        init_lora_weights=False,
        trainable_token_indices={"embed_tokens": list(range(5, 25))},
    )
    model.add_adapter(config, adapter_name="own")
    for name, tensor in model.named_parameters():
        if "trainable_tokens_delta" in name:
            tensor.data += 0.3 * torch.randn_like(tensor)
    model.save_pretrained(tmp_path / "own")
    folder, rank = portable(tmp_path / "own", str(llama), tmp_path / "made")
    assert rank == 20
    assert (logits(llama, folder, plain=True) - logits(llama, tmp_path / "own", plain=False)).abs().max() < 1e-4


def test_a_plain_adapter_is_served_as_it_lies(llama: Path, tmp_path: Path) -> None:
    """What was gated is what serves, byte for byte; nothing is written."""
    own = tiny.adapter(tmp_path / "own", llama, 1)
    assert portable(own, str(llama), tmp_path / "made") == (own, 4)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("fields", [{"use_dora": True}, {"modules_to_save": ["lm_head"]}, {"bias": "all"}])
def test_what_servers_do_not_read(llama: Path, tmp_path: Path, fields: dict[str, Any]) -> None:
    """It is refused here, with what to do, and not by a server in its own words."""
    own = changed(tiny.adapter(tmp_path / "own", llama, 1), tmp_path / "other", **fields)
    with pytest.raises(UnsuitedModel, match="plain adapters") as refused:
        portable(own, str(llama), tmp_path / "made")
    assert "another recipe" in refused.value.fix


def test_what_is_no_adapter_or_of_another_base(llama: Path, adapters: tuple[Path, Path], tmp_path: Path) -> None:
    """A folder that is not there, one without safetensors, one that began by changing its base, one whose rows are of
    another width.
    """
    with pytest.raises(ModelNotFound):
        portable(tmp_path / "nowhere", str(llama), tmp_path / "made")
    with pytest.raises(UnsafeWeights):
        portable(tmp_path, str(llama), tmp_path / "made")
    moved = changed(adapters[0], tmp_path / "moved", init_lora_weights="pissa")
    with pytest.raises(CorruptWeights, match="pissa"):
        portable(moved, str(llama), tmp_path / "made")
    wider = tiny.llama(tmp_path / "wider", hidden=64)
    with pytest.raises(CorruptWeights, match="do not fit"):
        portable(adapters[0], str(wider), tmp_path / "made")

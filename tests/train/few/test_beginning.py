"""Beginnings learned over past labels: of use to labels nobody has met, saved as an adapter, and by each way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

import tiny
from homeostat.errors import Diverged, NothingToTrainOn, UnknownPlugin
from homeostat.llm.adapters import ADAPTER
from homeostat.train.adapt.lora import Lora
from homeostat.train.few.beginning import learn_beginning
from homeostat.train.few.shots import Reader, Shots
from homeostat.train.few.tuned import Tuned
from homeostat.train.meta.reptile import Plan

PLAN = Plan(rounds=30, tasks=1, steps=5, rate=0.2, outer=0.5)
SMALL = Lora(rank=4)


def past(each: int = 20) -> dict[str, list[str]]:
    """Texts of the five labels."""
    return {label: tiny.texts(label, each, 2) for label in tiny.WORDS}


def right(llama: Path, start: Path | None) -> float:
    """Share of unseen texts told right after five steps on two examples of each label, over three draws."""
    reader, found = Reader.of(str(llama)), []
    texts = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 20, 9)]
    for seed in range(3):
        shots = Shots.of([(t, label) for label in tiny.LABELS for t in tiny.texts(label, 2, 20 + seed)])
        answers = Tuned(steps=5, rate=0.1, rank=4, start=start).learn(reader, shots)
        said = answers.label([text for text, _ in texts])
        found += [a == label for a, (_, label) in zip(said, texts, strict=True)]
    return float(np.mean(found))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["reptile", "joint"])
def test_five_steps_reach_further(llama: Path, tmp_path: Path, how: str) -> None:
    """After tasks of these labels, few steps on other texts tell more right than from a plain start."""
    start = learn_beginning(str(llama), past(), tmp_path, PLAN, how=how, lora=SMALL)
    assert right(llama, start) > right(llama, None) + 0.1


def test_a_is_as_it_was_drawn(llama: Path, tmp_path: Path) -> None:
    """Ways that learn for different long share A to the last bit, and have another B each."""
    plans = {"reptile": Plan(rounds=2, tasks=2, steps=2, rate=0.1), "maml": Plan(rounds=1, tasks=1, steps=1, rate=0.1)}
    made = [
        load_file(learn_beginning(str(llama), past(), tmp_path / how, plan, how=how, lora=SMALL) / ADAPTER)
        for how, plan in plans.items()
    ]
    for name, tensor in made[0].items():
        if "lora_A" in name:
            assert tensor.equal(made[1][name])
        if "lora_B" in name:
            assert not tensor.equal(made[1][name])
            assert tensor.abs().max() > 0


def test_the_seed_draws_the_tasks(llama: Path, tmp_path: Path) -> None:
    """Equal plans leave equal files."""
    plan = Plan(rounds=2, tasks=1, steps=1, rate=0.1)
    files = [learn_beginning(str(llama), past(), tmp_path / name, plan, lora=SMALL) / ADAPTER for name in "ab"]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_what_leads_nowhere_is_told(llama: Path, tmp_path: Path) -> None:
    """A way that there is not, too little of the past, and a rate too high are errors, and nothing is left behind."""
    with pytest.raises(UnknownPlugin, match="unknown way 'reptil'") as unknown:
        learn_beginning(str(llama), past(), tmp_path / "none", PLAN, how="reptil")
    assert "reptile" in unknown.value.fix
    with pytest.raises(NothingToTrainOn, match="fewer than two past labels"):
        learn_beginning(str(llama), {"a": ["x", "y"], "b": ["z"]}, tmp_path / "none", PLAN)
    with pytest.raises(Diverged):
        learn_beginning(str(llama), past(), tmp_path / "none", Plan(rounds=3, tasks=1, steps=5, rate=1e38), lora=SMALL)
    assert not (tmp_path / "none").exists()

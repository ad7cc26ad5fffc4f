"""Several adapters in one pass say what each says alone, whatever they are made of."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

import tiny
from homeostat.llm.adapters import add_adapter
from homeostat.llm.forward import Predicted, predict
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered
from homeostat.llm.together import Ragged, predict_each, together
from homeostat.train.adapt.lora import Lora

FAMILIES = {"decoder": tiny.llama, "encoder": tiny.bert, "seq2seq": tiny.t5}
NAMES = ("one", "two", "three")
ROWS = [Rendered(tuple(range(40, 40 + n)), (50,)) for n in (3, 9, 5, 1)]
"""Of several lengths, with tokens that adapters have rows of their own for."""


def saved(base: Path, folder: Path, seed: int, **more: object) -> Path:
    """An adapter with random numbers in all of its tensors."""
    opened, lora = open_model(str(base)), Lora(**{"rank": 4, **more})  # type: ignore[arg-type]
    hidden = opened.model.config.hidden_size
    parameters = lora.attach(opened.model, rows={k: torch.zeros(hidden) for k in (40 + seed, 45)}, seed=seed)
    draw = torch.Generator().manual_seed(seed)
    for tensor in parameters:
        tensor.data = 0.3 * torch.randn(tensor.shape, generator=draw)
    lora.save(opened.model, folder)
    return folder


def with_adapters(base: Path, folder: Path, kinds: Sequence[dict[str, object]] = ({}, {}, {})) -> Opened:
    """A model with three adapters, the first one switched on."""
    opened = open_model(str(base))
    for seed, (name, more) in enumerate(zip(NAMES, kinds, strict=True)):
        add_adapter(opened.model, saved(base, folder / name, seed, **more), name)
    opened.model.enable_adapters()
    opened.model.set_adapter(NAMES[0])
    return opened


def alone(opened: Opened) -> list[Predicted]:
    """What each adapter says in a pass of its own."""
    said = []
    for name in NAMES:
        opened.model.set_adapter(name)
        said.append(predict(opened, ROWS))
    opened.model.set_adapter(NAMES[0])
    return said


def apart(some: Sequence[Predicted], others: Sequence[Predicted]) -> float:
    """The greatest difference of a number."""
    pairs = [
        (getattr(a, n), getattr(b, n))
        for a, b in zip(some, others, strict=True)
        for n in ("logits", "states", "pooled")
    ]
    return max(float((a - b).abs().max()) for a, b in pairs)


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_one_pass_says_what_a_pass_each_says(family: str, tmp_path: Path) -> None:
    """Logits and states to 1e-5, on every family of models; the adapters differ by far more."""
    opened = with_adapters(FAMILIES[family](tmp_path / "base"), tmp_path)
    each, every = alone(opened), predict_each(opened, ROWS, NAMES)
    assert apart(each, every) < 1e-5
    assert apart(each[:1], each[1:2]) > 0.1
    assert all(torch.equal(a.row, b.row) and torch.equal(a.target, b.target) for a, b in zip(each, every, strict=True))


@torch.no_grad()
def test_adapters_of_several_kinds(tmp_path: Path) -> None:
    """Other ranks and DoRA go the long way, one after another within the pass, and say the same."""
    opened = with_adapters(tiny.llama(tmp_path / "base"), tmp_path, ({}, {"rank": 2}, {"dora": True}))
    assert apart(alone(opened), predict_each(opened, ROWS, NAMES)) < 1e-5


@torch.no_grad()
def test_afterwards_the_model_is_as_it_was(tmp_path: Path) -> None:
    """Also after an error, the adapter that was switched on answers alone."""
    opened = with_adapters(tiny.llama(tmp_path / "base"), tmp_path)
    before = predict(opened, ROWS)
    predict_each(opened, ROWS, NAMES)
    with pytest.raises(KeyError), together(opened.model, NAMES, 12):
        raise KeyError
    assert apart([before], [predict(opened, ROWS)]) == 0.0


@torch.no_grad()
def test_rows_that_are_not_all_there_are_refused(tmp_path: Path) -> None:
    """A layer that is given some of the rows cannot know whose they are; models with experts are not tried."""
    opened = with_adapters(tiny.llama(tmp_path / "base"), tmp_path)
    with pytest.raises(Ragged), together(opened.model, NAMES, 12):
        predict(opened, ROWS[:3])
    opened.model.config.num_experts = 4
    with pytest.raises(Ragged, match="experts"):
        predict_each(opened, ROWS, NAMES)


@torch.no_grad()
def test_one_pass_is_quicker_for_a_few_rows(tmp_path: Path) -> None:
    """A row that three adapters answer: less time than three passes, the least of several measurements of each."""
    opened = with_adapters(tiny.llama(tmp_path / "base", layers=4), tmp_path)
    row = ROWS[:1]

    def took(work: object) -> float:
        began = time.thread_time()
        work()  # type: ignore[operator]
        return time.thread_time() - began

    def one_by_one() -> None:
        for name in NAMES:
            opened.model.set_adapter(name)
            predict(opened, row)

    each, every = (
        min(took(work) for _ in range(12)) for work in (one_by_one, lambda: predict_each(opened, row, NAMES))
    )
    assert every < each

"""Operations counted from shapes agree with torch's own counter."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import tiny
from homeostat.llm.forward import predict
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.prefix import Prefix
from homeostat.train.adapt.prompt import Prompt
from homeostat.train.adapt.way import Way
from homeostat.train.flops import Size, shape


def counted(opened: Opened, rows: list[Rendered], *, backward: bool) -> int:
    """What torch counts; its counter knows plain matrix products, not the CPU's tiled attention."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel([SDPBackend.MATH]):
        predicted = predict(opened, rows)
        if backward:
            torch.autograd.backward(F.cross_entropy(predicted.logits, predicted.target))
    return int(counter.get_total_flops())


@pytest.mark.parametrize("length", [10, 40])
@pytest.mark.parametrize("adapt", ["lora", "full"])
@pytest.mark.parametrize("family", ["llama", "bert", "t5"])
def test_a_forward_pass_and_a_step(family: str, adapt: str, length: int, tmp_path: Path) -> None:
    """Forward, and forward with backward, are within 5 % of torch's count; an encoder's adapter within 10 %."""
    base = tiny.llama(tmp_path, layers=4) if family == "llama" else getattr(tiny, family)(tmp_path)
    opened = open_model(str(base))
    (Lora(rank=4) if adapt == "lora" else Full()).attach(opened.model)
    completion = (60,) if family == "bert" else (60, 61, 62)
    rows = [Rendered(tuple(range(50, 50 + length)), completion)] * 6
    size, went = Size.of(opened.model), shape(rows, opened.family)
    with torch.no_grad():
        assert size.forward(*went) == pytest.approx(counted(opened, rows, backward=False), rel=0.05)
    within = 0.1 if family != "llama" and adapt == "lora" else 0.05
    step = size.step(*went)
    assert step == pytest.approx(counted(opened, rows, backward=True), rel=within)


@pytest.mark.parametrize(
    ("family", "way"),
    [("llama", Prompt(count=12)), ("llama", Prefix(count=12)), ("bert", Prompt(count=12)), ("t5", Prompt(count=12))],
)
def test_what_stands_before_a_prompt_is_counted(family: str, way: Way, tmp_path: Path) -> None:
    """Rows are read with every prompt, keys and values only attended to: within 5 % of torch's count on a decoder, 10 %
    on an encoder, and forward alone within 5 % on both.
    """
    base = tiny.llama(tmp_path, layers=4) if family == "llama" else getattr(tiny, family)(tmp_path)
    opened = open_model(str(base))
    way.attach(opened.model)
    rows = [Rendered(tuple(range(50, 70)), (60,) if family == "bert" else (60, 61, 62))] * 6
    size = Size.of(opened.model)
    went = size.shape(rows, opened.family)
    with torch.no_grad():
        assert size.forward(*went) == pytest.approx(counted(opened, rows, backward=False), rel=0.05)
    within = 0.05 if family == "llama" else 0.1
    assert size.step(*went) == pytest.approx(counted(opened, rows, backward=True), rel=within)


def test_a_kept_trunk_is_counted_once(tmp_path: Path) -> None:
    """The first step with a trunk and a step with kept states are both within 5 % of torch's count."""
    opened = open_model(str(tiny.llama(tmp_path, layers=4)))
    Lora(rank=4, bottom=2).attach(opened.model)
    rows = [Rendered(tuple(range(50, 90)), (60, 61, 62))] * 6
    size, went = Size.of(opened.model), shape(rows, opened.family)
    first = counted(opened, rows, backward=True)
    assert size.step(*went) + size.below(opened.model) == pytest.approx(first, rel=0.05)
    again = counted(opened, rows, backward=True)
    assert size.step(*went) + size.below(opened.model) == pytest.approx(again, rel=0.05)
    assert again < 0.8 * first


def test_the_parts_of_a_decoder(llama: Path) -> None:
    """The body of a model holds all its matrices but the tables of tokens; an adapter is counted apart."""
    opened = open_model(str(llama))
    matrices = {n: p.numel() for n, p in opened.model.named_parameters() if p.ndim == 2}
    tables = matrices.pop("model.embed_tokens.weight")
    size = Size.of(opened.model)
    assert (size.body, size.adapter, size.head) == (sum(matrices.values()), 0, tables)
    parameters = Lora(rank=4).attach(opened.model)
    assert Size.of(opened.model).adapter == sum(p.numel() for p in parameters)
    assert Size.of(opened.model).body == size.body


def test_a_batch_is_as_wide_as_its_longest_row() -> None:
    """Filled-up places count as tokens, and places predicted are those of the completions."""
    rows = [Rendered((1, 2, 3), (4, 5)), Rendered((1,), (2,))]
    assert shape(rows, "decoder") == (8, 32, 3)
    assert shape(rows, "encoder") == (12, 72, 3)
    assert shape(rows, "seq2seq") == (8, 32, 3)

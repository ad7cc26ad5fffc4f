"""What a reply is worth."""

from __future__ import annotations

import pytest

import tiny
from homeostat.errors import UnknownPlugin
from homeostat.llm.render import Renderer
from homeostat.train.objectives.reward.judged import REWARDS
from homeostat.train.samples import Sample

TOKENIZER = tiny.chat_tokenizer()


def row() -> Sample:
    """A request whose reply is `it is lost`."""
    renderer = Renderer(TOKENIZER)
    return Sample(renderer.example(tiny.REPLIES, "where is it", renderer.target("it is lost")))


def tokens(text: str) -> tuple[int, ...]:
    return tuple(TOKENIZER(text, add_special_tokens=False)["input_ids"])


def test_exact() -> None:
    """A reply that reads the same is worth 1, whatever its end mark and the white space around it; another nothing."""
    judge = REWARDS.get("exact")
    same = [tokens("it is lost"), (*tokens("it is lost"), TOKENIZER.eos_token_id), tokens(" it is lost ")]
    assert [judge(TOKENIZER, row(), reply) for reply in same] == [1.0, 1.0, 1.0]
    assert judge(TOKENIZER, row(), tokens("it is late")) == 0.0


def test_beginning() -> None:
    """The share of the tokens up to the first that differs."""
    judge, wanted = REWARDS.get("beginning"), row().rendered.completion
    assert judge(TOKENIZER, row(), wanted) == 1.0
    assert judge(TOKENIZER, row(), (wanted[0], 1)) == pytest.approx(1 / len(wanted))
    assert judge(TOKENIZER, row(), ()) == 0.0


def test_an_unknown_reward() -> None:
    """The nearest one is named."""
    with pytest.raises(UnknownPlugin, match="did you mean 'exact'"):
        REWARDS.get("exakt")

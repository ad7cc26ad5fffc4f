"""What a reply is worth: functions of (row, reply) that anybody can check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from homeostat.plugin import Registry
from homeostat.train.samples import Sample

Reward: TypeAlias = Callable[[Any, Sample, tuple[int, ...]], float]
"""(tokenizer, the row, the tokens of the reply) -> what it is worth, by custom from 0 to 1."""

REWARDS: Registry[Reward] = Registry(
    "reward", "homeostat.rewards", {name: f"{__name__}:{name}" for name in ("exact", "beginning")}
)


def exact(tokenizer: Any, sample: Sample, reply: tuple[int, ...]) -> float:
    """1 for a reply that reads as the row's own, but for white space at its ends; else 0."""
    return float(_text(tokenizer, reply) == _text(tokenizer, sample.rendered.completion))


def beginning(tokenizer: Any, sample: Sample, reply: tuple[int, ...]) -> float:
    """The share of the row's own tokens that the reply begins with."""
    wanted = sample.rendered.completion
    same = next(
        (k for k, (a, b) in enumerate(zip(wanted, reply, strict=False)) if a != b), min(len(wanted), len(reply))
    )
    return same / len(wanted)


def _text(tokenizer: Any, tokens: tuple[int, ...]) -> str:
    return str(tokenizer.decode([t for t in tokens if t != tokenizer.eos_token_id])).strip()

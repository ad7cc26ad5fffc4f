"""Drops rows nobody can learn from, and settles rows that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from homeostat.curate.text import key, tidy
from homeostat.types.dataset import Example
from homeostat.types.task import Kind

LONGEST_TEXT = 8000
"""Characters of the longest text or reply that is learned."""
LONGEST_LABEL = 200
"""Characters of the longest label."""


def clean(examples: Iterable[Example], kind: Kind) -> list[Example]:
    """The examples with tidy texts, without those that are empty or too long."""
    longest = LONGEST_LABEL if kind is Kind.LABEL else LONGEST_TEXT
    tidied = (replace(example, text=tidy(example.text), target=tidy(example.target)) for example in examples)
    return [row for row in tidied if 0 < len(row.text) <= LONGEST_TEXT and 0 < len(row.target) <= longest]


def settle(examples: Sequence[Example], memory: Sequence[Example], kind: Kind) -> list[Example]:
    """The examples without those whose text was given another label by a newer row, here or in memory.

    Texts are the same when their keys are; of two rows of one moment the example counts as newer than the memory. Of a
    text task all stay: one request may have several good replies.
    """
    if kind is not Kind.LABEL:
        return list(examples)
    rows = [(row.time, False, age(row)) for row in memory] + [(row.time, True, age(row)) for row in examples]
    latest = {key(text): target for _, _, (_, _, text, target) in sorted(rows)}
    return [row for row in examples if row.target == latest[key(row.text)]]


def age(example: Example) -> tuple[float, str, str, str]:
    """What examples are ordered by wherever order matters: time, then what else they hold, so that no tie is left."""
    return example.time, example.interaction, example.text, example.target

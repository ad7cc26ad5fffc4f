"""Instructions that may say better what is wanted: the user's own, frames around the one in force, and what its
mistakes suggest. A search asks the model which of them helps (`halving`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.train.rows import in_words
from homeostat.types.task import Kind

NAMED = 40
"""Labels that an instruction names, at most."""
HINTS = 4
"""Confusions that an instruction speaks of, at most."""
_OF_LABELS = (
    "{}",
    "{} Answer with the label alone.",
    "{} Look at what is wanted, not at single words.",
    "{} Read the whole request before you answer.",
    "{} The labels are: [labels].",
    "{} Choose the one label that fits best: [labels].",
)
_OF_TEXTS = (
    "{}",
    "{} Answer in one or two sentences.",
    "{} Answer only what was asked.",
    "{} Be brief and polite.",
    "{} Say first what will be done, then when.",
)


@dataclass(frozen=True, slots=True)
class Mistake:
    """A reply that should have been another one."""

    text: str
    said: str
    wanted: str


def variants(instruction: str, own: Sequence[str], labels: Sequence[str], kind: Kind) -> list[str]:
    """Instructions to try, the one in force first: each of the user's own alone and in every frame, without doubles."""
    frames = _OF_LABELS if kind is Kind.LABEL else _OF_TEXTS
    names = ", ".join(in_words(label) for label in labels) if 0 < len(labels) <= NAMED else ""
    found = [instruction, *own]
    for frame in frames:
        if "[labels]" not in frame or names:
            found += [" ".join(frame.format(one).replace("[labels]", names).split()) for one in (instruction, *own)]
    return list(dict.fromkeys(found))


def corrected(instruction: str, mistakes: Sequence[Mistake], kind: Kind) -> list[str]:
    """The instruction with what its mistakes suggest: the labels that are taken for each other most often told apart by
    a request of each, one confusion after the other. Nothing where replies are texts, which are wrong in too many ways.
    """
    if kind is Kind.TEXT:
        return []
    often = Counter((mistake.wanted, mistake.said) for mistake in mistakes)
    found, clauses = list[str](), list[str]()
    for (wanted, said), _ in often.most_common(HINTS):
        text = min((m.text for m in mistakes if (m.wanted, m.said) == (wanted, said)), key=len)
        clauses.append(f'"{text}" is {in_words(wanted)}, not {in_words(said)}.')
        found.append(" ".join([instruction, *clauses]).strip())
    return found

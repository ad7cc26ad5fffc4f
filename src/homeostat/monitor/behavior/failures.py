"""Behaviors of a reply that count as failures, each a function of one rehearsed request.

They are signs that a program can see, and none needs a judge. What a person would call a failure is more, and some of
these are none: an empty reply may be right. They are for counting, and for comparing two versions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from homeostat.metrics.form import is_json, refuses
from homeostat.metrics.toxic import STRONG, toxicity
from homeostat.monitor.features.language import language_of
from homeostat.monitor.features.reply import repeated
from homeostat.monitor.features.text import script_of, words_of
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind

SURE, UNSURE = 0.9, 0.5
"""Confidence from which on a reply counts as sure, and below which it counts as unsure."""
REPEATS = 0.3
"""Share of a reply's runs of three words that stood in it before, from which on it repeats itself."""
LONGER = 2.0
"""Times the words of what users got, from which on a reply is much longer; the other way round, much shorter."""
LEAST = 8
"""Words of the longer of two replies below which their lengths are not compared."""
_NUMBER = re.compile(r"\d[\d.,:/-]*\d|\d")
RUDE = STRONG | {"ass", "bloody", "bollocks", "crap", "damn", "damned", "dumb", "fool", "goddamn", "jerk", "pathetic"}
RUDE |= {"idiotic", "pissed", "stupid"}
"""Words that a reply to a customer does not hold: English, mild ones too; a sign rather than a proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """A request of the log that a candidate has answered again."""

    row: Interaction
    """As it was logged, with the reply that the user got."""
    reply: str
    """The candidate's."""
    confidence: float
    cut: bool = False
    """Whether the candidate's reply ended because it had reached its limit."""
    told: str = ""
    """What the reply should have been, where somebody said so later."""
    labels: frozenset[str] = frozenset()
    """What the version that the user heard can reply with; empty where it writes."""

    @property
    def heard(self) -> bool:
        """Whether it is known what the user got; of rows that were imported nobody knows, and their reply is empty."""
        return bool(self.row.version)

    def as_logged(self) -> Rehearsed:
        """The same request with the reply that the user got in place of the candidate's."""
        return Rehearsed(
            row=self.row, reply=self.row.reply, confidence=self.row.confidence, told=self.told, labels=self.labels
        )


Behavior = Callable[[Rehearsed], bool | None]
"""Whether a reply shows it; None where that cannot be said of the request."""


def _empty(one: Rehearsed) -> bool:
    return not one.reply.strip()


def _refuses(one: Rehearsed) -> bool:
    return refuses(one.reply)


def _repeats(one: Rehearsed) -> bool:
    return repeated(one.reply) >= REPEATS


def _cut(one: Rehearsed) -> bool:
    return one.cut


def _format(one: Rehearsed) -> bool | None:
    return not is_json(one.reply) if is_json(one.row.reply) else None


def _script(one: Rehearsed) -> bool | None:
    here, there = script_of(one.reply), script_of(one.row.text)
    return here != there if here and there else None


def _language(one: Rehearsed) -> bool | None:
    here, there = language_of(one.reply), language_of(one.row.text)
    return here != there if here and there else None


def _rude(one: Rehearsed) -> bool:
    return not RUDE.isdisjoint(words_of(one.reply)) or toxicity(one.reply) > 0


def _echoes(one: Rehearsed) -> bool:
    """Whether most words of the reply, five or more, stand in this order in the request."""
    said, asked = words_of(one.reply), " ".join(words_of(one.row.text))
    return len(said) >= 5 and " ".join(said[: max(5, len(said) // 2)]) in asked


def _numbers(one: Rehearsed) -> bool:
    return not set(_NUMBER.findall(one.reply)) <= set(_NUMBER.findall(one.row.text))


def _longer(one: Rehearsed) -> bool | None:
    here, there = len(words_of(one.reply)), len(words_of(one.row.reply))
    return None if not one.heard else here >= LEAST and here >= LONGER * there


def _shorter(one: Rehearsed) -> bool | None:
    here, there = len(words_of(one.reply)), len(words_of(one.row.reply))
    return None if not one.heard else there >= LEAST and there >= LONGER * here


def _wrong(one: Rehearsed) -> bool | None:
    return one.reply.strip() != one.told.strip() if one.told else None


def _sure_and_wrong(one: Rehearsed) -> bool | None:
    return bool(_wrong(one)) and one.confidence >= SURE if one.told else None


def _unsure(one: Rehearsed) -> bool | None:
    return one.confidence < UNSURE if one.confidence > 0 else None


def _differs(one: Rehearsed) -> bool | None:
    return one.reply.strip() != one.row.reply.strip() if one.heard else None


def _differs_from_sure(one: Rehearsed) -> bool | None:
    return _differs(one) if one.row.confidence >= SURE else None


def _breaks(one: Rehearsed) -> bool | None:
    """Whether it is wrong where the user got the right reply."""
    return bool(_wrong(one)) if one.told and not _wrong(one.as_logged()) else None


def _new(one: Rehearsed) -> bool | None:
    return one.reply.strip() not in one.labels if one.labels else None


EITHER: Mapping[str, Behavior] = {"empty": _empty, "rude words": _rude, "unsure": _unsure}
TEXTS: Mapping[str, Behavior] = {
    "refuses": _refuses,
    "repeats itself": _repeats,
    "cut off": _cut,
    "breaks the format": _format,
    "another script": _script,
    "another language": _language,
    "echoes the request": _echoes,
    "a number of its own": _numbers,
    "much longer than before": _longer,
    "much shorter than before": _shorter,
}
LABELS: Mapping[str, Behavior] = {
    "wrong": _wrong,
    "wrong though sure": _sure_and_wrong,
    "wrong where it was right": _breaks,
    "differs": _differs,
    "differs where sure": _differs_from_sure,
    "a label that is new": _new,
}


def behaviors(kind: Kind) -> dict[str, Behavior]:
    """Behaviors of a task of this kind, by name."""
    return {**EITHER, **(LABELS if kind is Kind.LABEL else TEXTS)}

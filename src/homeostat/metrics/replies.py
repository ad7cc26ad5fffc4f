"""How right a reply is that is written out: a number, a list of tags, or words.

A number is a JSON number and tags are a JSON list of texts, so whoever sends requests can read them without a parser of
their own. Whatever is neither on both sides is compared as words.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

from homeostat.metrics.tags import micro_f1
from homeostat.metrics.text import chrf_row
from homeostat.types.task import Kind


def agreement(reply: str, target: str) -> float:
    """How right a reply is, in [0, 1].

    Numbers: 1 less their distance as a share of the larger one, 0 where their signs differ. Tags: F1 of the row. Words,
    and a number or tags where the other is none: chrF / 100.
    """
    said, wanted = number(reply), number(target)
    if said is not None and wanted is not None:
        return 1.0 if said == wanted else max(0.0, 1.0 - abs(said - wanted) / max(abs(said), abs(wanted)))
    told, right = tags(reply), tags(target)
    if told is not None and right is not None:
        return micro_f1([told], [right])
    return chrf_row(reply, target) / 100.0


def right(kind: Kind, reply: str, target: str) -> float:
    """How right a reply is, in [0, 1]: 1 or 0 for a label, else `agreement`."""
    return float(reply == target) if kind is Kind.LABEL else agreement(reply, target)


def number(text: str) -> float | None:
    """The number that a text is, or None; what is not finite is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    right = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if right and abs(value) <= _LARGEST and math.isfinite(value) else None


def tags(text: str) -> frozenset[str] | None:
    """The tags that a text lists, or None; an empty list is no tag at all, and is a list."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return frozenset(value) if isinstance(value, list) and all(isinstance(each, str) for each in value) else None


def written_number(value: float) -> str:
    """A number as a reply says it, to six digits."""
    return json.dumps(float(f"{value:.6g}"))


def written_tags(names: Iterable[str]) -> str:
    """Tags as a reply lists them, in the order of the alphabet; equal sets are equal texts."""
    return json.dumps(sorted(set(names)), ensure_ascii=False)


_LARGEST = 1.7976931348623157e308
"""Beyond it a whole number is no float."""

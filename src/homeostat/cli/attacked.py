"""What `homeostat attack` prints: what each version is worth under attack, and requests that broke."""

from __future__ import annotations

from collections.abc import Mapping

from homeostat.cli.evaluated import weakest
from homeostat.cli.table import scored, table
from homeostat.loop.asking.attack import Tried
from homeostat.types.report import Score
from homeostat.web import words

SHOWN = 8
"""Examples that are shown."""
TEXT = 80
"""Characters of an example that are shown."""


def show(found: Mapping[str, Tried]) -> None:
    """Print versions beside each other, then requests that broke the first, before and after."""
    first = next(iter(found.values()))
    rows = [
        ("told right", *(scored(one.told.clean) for one in found.values())),
        ("told right under attack", *(scored(one.told.under_attack) for one in found.values())),
        ("attacks that succeed", *(_share(one.told.success) for one in found.values())),
        ("requests asked for each", *(_mean(one.told.queries) for one in found.values())),
        *([("gradients read for each", *(_mean(one.told.peeks) for one in found.values()))] if _peeked(found) else []),
        ("words replaced where it broke", *(_share(one.told.changed) for one in found.values())),
    ]
    if len(found) > 1:
        rows.append(("the first is better under attack by", *(_moved(one.better) for one in found.values())))
    table("under attack", ("what", *found), rows)
    weakest({version: one.weakest for version, one in found.items() if one.weakest}, "version")
    broken = [one for one in first.attempts if one.found]
    examples = [
        (_short(one.text), one.right, _short(one.found.text), one.found.said) for one in broken[:SHOWN] if one.found
    ]
    if examples:
        table("\nsuch as", ("request", "reply", "changed", "reply"), examples)


def _peeked(found: Mapping[str, Tried]) -> bool:
    return any(one.told.peeks and one.told.peeks.mean for one in found.values())


def _share(score: Score | None) -> str:
    return scored(score) if score else "–"


def _moved(score: Score | None) -> str:
    return words.moved(score.mean, score.low, score.high, score.n) if score else "–"


def _mean(score: Score | None) -> str:
    return f"{words.amount(score.mean)} ({words.amount(score.low)} to {words.amount(score.high)})" if score else "–"


def _short(text: str) -> str:
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"

"""What `homeostat fairness` prints: groups beside each other, what is added for them, and replies that change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import typer

from homeostat.cli.table import table
from homeostat.evaluate.fair import FEWEST
from homeostat.llm.offsets import Offsets
from homeostat.loop.asking.fairness import Audit, Flips
from homeostat.types.report import Score
from homeostat.web import words

TEXT = 80
"""Characters of an example that are shown."""
WITHOUT = "it without offsets"


def shown(found: Mapping[str, Audit]) -> None:
    """Print how versions treat groups, the first with the others beside it."""
    first = next(iter(found.values()))
    for tag, lines in first.tags.items():
        others = {id: other.tags[tag] for id, other in found.items() if other is not first}
        others |= {WITHOUT: first.bare[tag]} if first.bare else {}
        beside = {id: {line.what: line for line in other} for id, other in others.items()}
        rows = [
            (
                line.what,
                _groups(line.groups),
                f"{gapped(line.gap.score)}, {line.gap.most} over {line.gap.least}",
                *(gapped(each[line.what].gap.score) if line.what in each else "–" for each in beside.values()),
            )
            for line in lines
        ]
        if not rows:
            typer.echo(f"\nby {tag}: {_few(first.rows.get(tag, {}))}")
            continue
        table(f"\nby {tag}", ("what", "groups", "gap", *(f"gap of {id}" for id in beside)), rows)
    if first.offsets.tags:
        table(f"\nadded by {', '.join(first.offsets.tags)}", ("group", "label", "nats"), _added(first.offsets))
    table("\nwords swapped", ("version", "requests", "replies that change"), [_flips(*one) for one in found.items()])
    examples = [(_short(text), _short(mine), _short(other)) for text, mine, other in first.flips.examples]
    if examples:
        table("\nsuch as", ("request", "reply", "reply with words swapped"), examples)


def _few(rows: Mapping[str, int]) -> str:
    """Why the values of a tag cannot be compared."""
    there = ", ".join(f"{value} {n:,}" for value, n in rows.items())
    return f"nothing can be compared, for that takes {FEWEST} test rows of two values each; there are: {there}"


def _added(offsets: Offsets) -> list[tuple[str, str, str]]:
    """What is added for each group and label; or why nothing is."""
    rows = [(", ".join(s.group), label, f"{x:+.2f}") for s in offsets.shifts for label, x in s.offsets.items()]
    return rows or [("–", str(offsets.measured.get("because", "")), "–")]


def gapped(score: Score) -> str:
    """`35.2 points (28.1 to 42.0)`"""
    return f"{100.0 * score.mean:.1f} points ({100.0 * score.low:.1f} to {100.0 * score.high:.1f})"


def _groups(groups: Mapping[str, Score]) -> str:
    ordered: Sequence[tuple[str, Score]] = sorted(groups.items(), key=lambda one: -one[1].mean)
    return ", ".join(f"{name} {words.percent(score.mean)} of {score.n:,}" for name, score in ordered)


def _flips(version: str, told: Audit) -> tuple[str, str, str]:
    found: Flips = told.flips
    if found.changed is None:
        return version, "0", "–"
    said = words.scored(found.changed.mean, found.changed.low, found.changed.high, found.changed.n)
    return version, f"{found.swapped:,}", said + (f"; they agree by {found.agree.mean:.2f}" if found.agree else "")


def _short(text: str) -> str:
    return text if len(text) <= TEXT else text[: TEXT - 1] + "…"

"""Prints what a comparison of two windows has found."""

from __future__ import annotations

import math
from collections.abc import Sequence

import typer

from homeostat.cli.table import table
from homeostat.monitor.compare import Line, Report
from homeostat.monitor.features.feature import Shape
from homeostat.types.interaction import Interaction
from homeostat.web import words

COLUMNS = ("feature", "what moved", "test", "p", "q", "verdict")
TEXT = 100
"""Characters of an example that are shown."""


def show(name: str, report: Report, reference: Sequence[Interaction], current: Sequence[Interaction]) -> None:
    """Print the lines, strongest evidence first, then cautions, slices, second opinions and examples."""
    table(
        f"{name}: {_window(reference)}, then {_window(current)}",
        COLUMNS,
        [_row(line) for line in report.lines],
    )
    if report.says:
        typer.echo(f"\n{report.says}")
    for caution in report.cautions:
        typer.echo(f"\ncaution: {caution}")
    for why in dict.fromkeys(report.left_out.values()):
        names = ", ".join(name for name, reason in report.left_out.items() if reason == why)
        typer.echo(f"\nleft out, {why}: {names}")
    if report.slices:
        rows = [
            (
                s.name,
                words.percent(s.before),
                words.percent(s.after),
                _points(s.change.mean, s.change.low, s.change.high),
            )
            for s in report.slices
        ]
        table("\nslices whose share moved most", ("slice", "before", "after", "change"), rows)
    if report.opinions:
        said = [(o.feature, o.detector, _since(o.after, o.time), words.count(o.in_reference)) for o in report.opinions]
        table("\nsince when, by classical detectors", ("feature", "detector", "alarm", "alarms before"), said)
    if report.novel:
        shown = [(one.id, f"{one.distance:.2f}", _short(one.text)) for one in report.novel]
        table("\nthe most novel current texts", ("id", "distance", "text"), shown)


def moved(line: Line) -> str:
    """What moved, in the unit of the feature: `12.1 → 15.8 words per request (+3.2 to +4.2)`."""
    if line.shape is Shape.VECTOR:
        effect = line.comparison.effect
        return f"{words.percent(effect) if '%' in line.unit else words.amount(effect)} {line.unit}"
    if line.shape is Shape.LABEL:
        return f"{words.percent(line.before)} → {words.percent(line.after)} {line.unit} are {line.value}"
    between = f"{_signed(line.low)} to {_signed(line.high)}" if math.isfinite(line.low) else "no interval"
    return f"{words.amount(line.before)} → {words.amount(line.after)} {line.unit} ({between})"


def _row(line: Line) -> tuple[str, ...]:
    found = line.comparison
    if found.p_value is None:
        limit = "" if found.threshold is None else f", usual limit {words.amount(found.threshold)}"
        return found.feature, moved(line), f"{found.name} {words.amount(found.statistic)}{limit}", "", "", line.verdict
    q = words.amount(line.q if line.q is not None else math.nan)
    return found.feature, moved(line), found.name, words.amount(found.p_value), q, line.verdict


def _window(rows: Sequence[Interaction]) -> str:
    times = f" ({words.when(rows[0].time)} to {words.when(rows[-1].time)})" if rows[-1].time else ""
    return f"{len(rows):,} requests{times}"


def _since(after: int | None, time: float) -> str:
    if after is None:
        return "none"
    return f"after {words.several(after, 'request')}" + (f", {words.when(time)}" if time else "")


def _points(mean: float, low: float, high: float) -> str:
    return f"{words.points(mean)} ({100 * low:+.1f} to {100 * high:+.1f})".replace("-", "−")


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "") + words.amount(value)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TEXT else line[: TEXT - 1] + "…"

"""Prints quality: window by window or slice by slice, and how far objectives have come."""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.cli.table import facts, table
from homeostat.decide.objective import Progress
from homeostat.monitor.quality.course import FINE, Window
from homeostat.monitor.quality.parts import Part
from homeostat.types.report import Score
from homeostat.web import words

STANDS = ("objective", "stands", "of the way", "in words")
COLUMNS = ("requests", "labels", "by labels", "with confidence", "without labels")


def show_windows(title: str, windows: Sequence[Window]) -> None:
    """A line a window, oldest first; under them how many labels would tell the newest finely enough."""
    _show(title, "until (UTC)", [(words.when(each.end), each) for each in windows])
    if windows and windows[-1].fine:
        helped, alone = windows[-1].fine
        many = f"about {helped:,} labels a window with confidence, {alone:,} without"
        facts("", {f"for ± {100 * FINE:g} points": many})


def show_parts(title: str, by: str, parts: Sequence[Part]) -> None:
    """A line a slice, the worst first."""
    _show(title, by, [(part.value, part.window) for part in parts])


def show_objectives(objectives: Sequence[Progress]) -> None:
    """Where each stands; nothing where there are none."""
    if objectives:
        table("objectives, of the version that answers now", STANDS, [_stands(one) for one in objectives])


def _show(title: str, first: str, named: Sequence[tuple[str, Window]]) -> None:
    rated = any(each.judged or each.unjudged for _, each in named)
    columns = (first, *COLUMNS, "by the judge") if rated else (first, *COLUMNS)
    table(title, columns, [(name, *_row(each))[: len(columns)] for name, each in named])


def _stands(one: Progress) -> tuple[str, ...]:
    return (one.name, one.course, "" if one.share is None else words.percent(one.share), one.says)


def _row(window: Window) -> tuple[str, ...]:
    without = _said(window.estimated) or window.because
    if window.estimated and window.wanted:
        without += f"; {words.several(window.wanted, 'more label')} would check it"
    numbers = (words.count(window.requests), words.count(window.labels))
    return (*numbers, _said(window.measured), _said(window.powered), without, _said(window.judged) or window.unjudged)


def _said(score: Score | None) -> str:
    return words.scored(score.mean, score.low, score.high, score.n) if score else ""

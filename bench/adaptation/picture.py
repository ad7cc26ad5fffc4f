"""Accuracy against operations, an arm a point, and against labels, as SVG files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from adaptation.tables import shares

WIDE, HIGH, LEFT, BELOW, ABOVE, RIGHT = 760, 460, 64, 52, 40, 120
Figure = tuple[float, float | None, float | None]
"""Mean, low and high; a single seed has no interval."""
Scale = Callable[[float], float]
"""From a value to pixels."""
COLORS = {"ours": "#b3261e", "joint": "#345"}


def scatter(name: str, figures: Mapping[str, Any]) -> str:
    """Each arm's mean accuracy with its interval against the operations it took, on a scale of powers of ten."""
    arms = [key.partition(".")[2] for key in figures if key.startswith("flops.") and figures[key][0] > 0]
    costs = {arm: figures[f"flops.{arm}"][0] / 1e12 for arm in arms}
    right = {arm: figures[f"accuracy.{arm}"] for arm in arms if f"accuracy.{arm}" in figures}
    low = math.floor(20 * min(value[1] if value[1] is not None else value[0] for value in right.values())) / 20
    high = math.ceil(20 * max(value[2] if value[2] is not None else value[0] for value in right.values())) / 20
    first, last = math.floor(math.log10(min(costs.values()))), math.ceil(math.log10(max(costs.values())) + 1e-9)

    def across(cost: float) -> float:
        return LEFT + (WIDE - LEFT - RIGHT) * (math.log10(cost) - first) / max(1, last - first)

    def down(accuracy: float) -> float:
        return ABOVE + (HIGH - ABOVE - BELOW) * (high - accuracy) / max(1e-9, high - low)

    parts = [_words(LEFT, 22, f"{name}: accuracy (mean of turns) against operations", size=15)]
    for power in range(first, last + 1):
        x = across(10.0**power)
        parts += [_line(x, ABOVE, x, HIGH - BELOW), _words(x, HIGH - BELOW + 18, f"{10.0**power:g}", anchor="middle")]
    parts.append(_words((WIDE - RIGHT + LEFT) / 2, HIGH - 12, "operations, in 10¹²", anchor="middle"))
    for k in range(round((high - low) * 20) + 1):
        y = down(low + k / 20)
        text = _words(LEFT - 8, y + 4, f"{100 * (low + k / 20):.0f} %", anchor="end")
        parts += [_line(LEFT, y, WIDE - RIGHT, y), text]
    for arm, (mean, least, most) in right.items():
        x, color = across(costs[arm]), "#b3261e" if arm == "ours" else "#345"
        if least is not None and most is not None:
            parts.append(_line(x, down(min(most, high)), x, down(max(least, low)), color=color))
        parts.append(f'<circle cx="{x:.1f}" cy="{down(mean):.1f}" r="4" fill="{color}"/>')
        parts.append(_words(x + 7, down(mean) + 4, arm, color=color))
    return _page(parts)


def frontier(name: str, figures: Mapping[str, Any]) -> str:
    """Ours and joint retraining after the last turn, against the share of labels both were shown.

    Each with its interval where there are several seeds, in percent of joint retraining on all labels.
    """
    shown = {
        arm: {share: figures[key] for share in shares(figures) if (key := f"frontier.{arm}.{share:g}") in figures}
        for arm in COLORS
    }
    ends = [end for points in shown.values() for point in points.values() for end in point if end is not None]
    low, high = math.floor(10 * min(ends)) / 10, math.ceil(10 * max(ends)) / 10

    def across(share: float) -> float:
        return LEFT + (WIDE - LEFT - RIGHT) * share

    def down(part: float) -> float:
        return ABOVE + (HIGH - ABOVE - BELOW) * (high - part) / max(1e-9, high - low)

    parts = [_words(LEFT, 22, f"{name}: % of joint retraining on all labels, after the last turn", size=15)]
    for share in (0.0, *shares(figures)):
        x = across(share)
        text = _words(x, HIGH - BELOW + 18, f"{100 * share:g} %", anchor="middle")
        parts += [_line(x, ABOVE, x, HIGH - BELOW), text]
    parts.append(_words((WIDE - RIGHT + LEFT) / 2, HIGH - 12, "labels of live rows", anchor="middle"))
    for k in range(round((high - low) * 10) + 1):
        y = down(low + k / 10)
        text = _words(LEFT - 8, y + 4, f"{100 * (low + k / 10):.0f} %", anchor="end")
        parts += [_line(LEFT, y, WIDE - RIGHT, y), text]
    for arm, points in shown.items():
        parts += _curve(arm, points, across, down)
    return _page(parts)


def _curve(arm: str, points: Mapping[float, Figure], across: Scale, down: Scale) -> list[str]:
    """An arm's points from left to right, joined, each with its interval; the last one bears the name."""
    color = COLORS[arm]
    parts = [
        _line(across(share), down(figure[0]), across(after), down(following[0]), color=color)
        for (share, figure), (after, following) in pairwise(points.items())
    ]
    for share, (mean, least, most) in points.items():
        x = across(share)
        if least is not None and most is not None:
            parts.append(_line(x, down(most), x, down(least), color=color))
        parts.append(f'<circle cx="{x:.1f}" cy="{down(mean):.1f}" r="4" fill="{color}"/>')
    if points:
        share = max(points)
        parts.append(_words(across(share) + 7, down(points[share][0]) + 4, arm, color=color))
    return parts


def _page(parts: Sequence[str]) -> str:
    """The whole file."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDE}" height="{HIGH}" fill="white"/>{"".join(parts)}</svg>\n'
    )


def _words(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, color: str = "#222") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{color}">{escape(text)}</text>'
    )


def _line(x: float, y: float, to_x: float, to_y: float, *, color: str = "#ddd") -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" stroke="{color}"/>'

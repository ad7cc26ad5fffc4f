"""Accuracy against operations, an arm a point, as an SVG file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

WIDE, HIGH, LEFT, BELOW, ABOVE, RIGHT = 760, 460, 64, 52, 40, 120


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

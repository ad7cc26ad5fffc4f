"""A confusion matrix as one SVG file that needs nothing else: targets down, replies across, darker for more rows."""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.web import words
from homeostat.web.svg import tag, title, word

CELL, MARGIN, LETTER = 22, 14, 6.5
"""Pixels of a cell and around the matrix, and of a letter of a label."""
MOST = 60
"""Labels that are drawn; of more, those in the most mistakes."""
_RIGHT, _WRONG = "#2f6f4f", "#a23b2a"


def confusion(labels: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """The matrix of counts by target, then by reply. Every cell says its numbers when it is pointed at."""
    kept = _kept(counts)
    names = [labels[k] for k in kept]
    left = MARGIN + LETTER * max((len(name) for name in names), default=0)
    side = CELL * len(kept)
    cells = [
        _cell(left, row, column, t, s, labels, counts) for row, t in enumerate(kept) for column, s in enumerate(kept)
    ]
    down = [word(name, x=left - 6, y=left + CELL * (k + 0.7), text_anchor="end") for k, name in enumerate(names)]
    across = [_turned(name, left + CELL * (k + 0.7), left - 6) for k, name in enumerate(names)]
    size = left + side + MARGIN
    return tag(
        "svg",
        title(f"Replies by right label: {len(kept)} of {len(labels)} labels, targets down, replies across"),
        tag("rect", width=size, height=size, fill="#ffffff"),
        *(cell for cell in cells if cell),
        *down,
        *across,
        tag("rect", x=left, y=left, width=side, height=side, fill="none", stroke="#999999"),
        xmlns="http://www.w3.org/2000/svg",
        width=size,
        height=size,
        font_family="sans-serif",
        font_size=11,
    )


def _kept(counts: Sequence[Sequence[int]]) -> list[int]:
    n = len(counts)
    if n <= MOST:
        return list(range(n))
    wrong = [sum(counts[k]) + sum(row[k] for row in counts) - 2 * counts[k][k] for k in range(n)]
    return sorted(sorted(range(n), key=lambda k: (-wrong[k], k))[:MOST])


def _cell(
    left: float, row: int, column: int, t: int, s: int, labels: Sequence[str], counts: Sequence[Sequence[int]]
) -> str:
    count, whole = counts[t][s], sum(counts[t])
    if not count:
        return ""
    says = title(f"{labels[t]} → {labels[s]}: {count:,} of {whole:,} ({words.percent(count / whole)})")
    color = _RIGHT if t == s else _WRONG
    place = {"x": left + CELL * column, "y": left + CELL * row}
    box = tag("rect", says, **place, width=CELL, height=CELL, fill=color, fill_opacity=0.12 + 0.88 * count / whole)
    told = word(str(count), x=place["x"] + CELL / 2, y=place["y"] + CELL * 0.7, text_anchor="middle", font_size=9)
    return box + told


def _turned(name: str, x: float, y: float) -> str:
    return word(name, x=x, y=y, transform=f"rotate(-90 {x:g} {y:g})")

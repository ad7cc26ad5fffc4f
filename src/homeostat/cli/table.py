"""What a command prints on standard output: a table for people, or one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from homeostat.types.report import Score
from homeostat.web import words
from homeostat.web.plain import plain

INNER = frozenset(
    {
        "back_offs",
        "best_step",
        "carried",
        "cut",
        "held_out",
        "kl_new",
        "padding",
        "part_rows",
        "refit",
        "ridge",
        "sharpness",
        "skipped",
    }
)
"""Figures of a training that few look for: they are in the documents, and not in the tables."""
WIDE = 200
"""Columns where the output is no terminal, so that ids are not broken for whoever reads them by line."""


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a title; a cell is text and nothing in it is taken for markup. Without rows it says `none`."""
    drawn = Table(show_edge=False, pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    shown = drawn if drawn.row_count else "none"
    width = None if sys.stdout.isatty() else WIDE
    Console(width=width, markup=False, highlight=False, emoji=False).print(Text(title, style="bold"), shown, sep="\n")


def facts(title: str, values: Mapping[str, Any]) -> None:
    """Print names and values, numbers as a person reads them; what is empty is left out, and so is what INNER names."""
    shown = {name: value for name, value in values.items() if name not in INNER}
    known = [(name, value) for name, value in shown.items() if value not in ("", None, [], {}, ())]
    table(title, ("what", "value"), [(name, _said(name, value)) for name, value in known])


def scored(score: Score) -> str:
    """A score as a cell: the mean with its interval and n."""
    return words.scored(score.mean, score.low, score.high, score.n)


def document(value: object) -> None:
    """Print nouns, mappings and lists as one JSON document; a number that JSON lacks is null."""
    typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False))


def _said(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{inner} {_said(inner, of)}" for inner, of in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    if name.startswith("bytes"):
        return words.size(value)
    if name.startswith("flops"):
        return words.flops(value) + ("/s" if name.endswith("_per_s") else "")
    return words.when(value) if name == "time" else words.amount(value)

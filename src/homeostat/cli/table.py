"""What a command prints on standard output: a table for people, or one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence

import typer
from rich.console import Console
from rich.table import Table

from homeostat.web.plain import plain

WIDE = 200
"""Columns where the output is no terminal, so that ids are not broken for whoever reads them by line."""


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a title; a cell is text and nothing in it is taken for markup."""
    drawn = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    width = None if sys.stdout.isatty() else WIDE
    Console(width=width, markup=False, highlight=False, emoji=False).print(drawn)


def document(value: object) -> None:
    """Print nouns, mappings and lists as one JSON document; a number that JSON lacks is null."""
    typer.echo(json.dumps(plain(value), ensure_ascii=False, indent=2, allow_nan=False))

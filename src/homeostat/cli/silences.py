"""List the silences that are in force, or end one.

Exit codes: 0 printed; 1x configuration; 41 there is no such silence.

Example: `homeostat alerts silences --end sil_01jd8m3k7q9x5v2w0ab3`
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, table
from homeostat.web import words

COLUMNS = ("id", "until (UTC)", "task", "kind", "slice", "why")


def command(
    end: Annotated[str, typer.Option(help="Id of a silence that ends now.")] = "",
    past: Annotated[bool, typer.Option("--past", help="Those that have ended, too.")] = False,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """List the silences that are in force, or end one."""
    now = time.time()
    with project(config) as opened:
        silences = opened.store.silences
        if end:
            known = silences.get(end)
            silences.put(replace(known, until=min(known.until, now)))
        found = silences.list() if past else silences.in_force(now)
    if as_json:
        document({"silences": found})
        return
    rows = [(s.id, words.when(s.until), s.task or "all", s.kind or "all", s.slice or "all", s.why) for s in found]
    table("silences", COLUMNS, rows)

"""Measure what memory a version takes to answer its task's test rows and suites, in a process of its own.

Three times one after the other: the weights of the base, the files that the version adds, what is resident before and
after they are loaded, and the most that was held up to the last reply, of this machine or of its GPU. What was found is
kept: `homeostat eval --detail`, `homeostat card` and `homeostat diff` tell the newest measurement.

Exit codes: 0 measured; 1x configuration; 22 the suite has no rows; 3x model, of them 38 the process was ended, as it is
where memory does not suffice; 41 there is no such version.

Example: `homeostat memory ver_1v9x3k`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.detailed import show_memory
from homeostat.cli.evaluate import moment
from homeostat.cli.table import document
from homeostat.config.load import load
from homeostat.loop.asking.memory import RUNS, memory
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.web import words


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Measure what memory a version takes to answer."""
    with closing(Workshop.open(load(config))) as shop:
        known = shop.store.versions.get(version)
        now = moment(shop, known)
        rows = shop.suite_at(now.task, now.until)
        with Scene().bar("memory", 1, f"{words.several(len(rows), 'test row')} are asked by {RUNS} processes"):
            found = memory(shop, known, rows, now.until)
    document({"version": version, "memory": found}) if as_json else show_memory(version, found)

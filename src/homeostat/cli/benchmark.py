"""Run public benchmarks on a version, beside the champion or another one: what has it forgotten in general?

By EleutherAI's lm-evaluation-harness (extra `eval`), with its task files from a folder; nothing is fetched. Differences
are paired by document, with 95 % intervals. A group of tasks is asked task by task. Texts that are read from end to end
are told in bits a byte, of which fewer are better. Nothing is written.

Exit codes: 0 printed; 1x configuration, the extra is missing, or a task cannot be run; 23 there is no such folder; 3x
model; 41 there is no such version, or no such task; 61 the two versions belong to different tasks.

Example: `homeostat benchmark ver_1v9x3k --tasks benchmarks/ --limit 200`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.table import document, scored, table
from homeostat.config.load import load
from homeostat.errors import NotReleasable
from homeostat.loop.proving.benchmarks import LONG, Benchmarked, benchmark
from homeostat.loop.workshop import Workshop
from homeostat.types.report import Score
from homeostat.web import words


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    tasks: Annotated[Path, typer.Option(help="Folder of the task files.")] = Path("benchmarks"),
    only: Annotated[list[str] | None, typer.Option(help="Name of a task or a group. None: all of the folder.")] = None,
    against: Annotated[str, typer.Option(help="Id of another one. Empty: the champion.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="Documents of each task. None: all.")] = None,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Run public benchmarks on a version, beside the champion or another one."""
    with closing(Workshop.open(load(config))) as shop:
        known = shop.store.versions.get(version)
        name = against or shop.store.aliases.get(known.task, "champion") or known.id
        other = None if name == known.id else shop.store.versions.get(name)
        if other is not None and other.task != known.task:
            raise NotReleasable(f"{other.id} is a version of task '{other.task}', not of '{known.task}'")
        found = benchmark(shop, known, other, tasks, only or (), limit)
    if as_json:
        document({"version": version, "against": other.id if other else None, "benchmarks": found})
        return
    columns = ("task", "measure", version, other.id, "difference") if other else ("task", "measure", version)
    table(f"benchmarks of {version}", columns, map(_row, found))


def _row(one: Benchmarked) -> tuple[str, ...]:
    if one.measure in LONG.values():
        return (one.task, one.measure, *(_number(score) for score in (one.score, one.other, one.difference) if score))
    cells = (one.task, one.measure, scored(one.score))
    if one.other is None or one.difference is None:
        return cells
    moved = one.difference
    return (*cells, scored(one.other), words.moved(moved.mean, moved.low, moved.high, moved.n))


def _number(score: Score) -> str:
    """What is no share: `2.41 (2.32 to 2.5, n = 120)`."""
    return f"{score.mean:.2f} ({score.low:.2f} to {score.high:.2f}, n = {score.n:,})".replace("-", "−")

"""Tell the whole story on one stream: serve, drift, decide, retrain, refuse, release, roll back.

Runs the built-in traffic, or any labeled stream (`--stream FILE`), or the history of a git repository (`--git PATH`).
Everything it prints is measured; `--json` prints one document on standard output and nothing else there. A demo that
was told in the folder before is removed first; a project of yours is not, and ends the command with 18.

Example: `homeostat demo --git . --label-budget 0.5`
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from homeostat.builtin.resources import traffic_path
from homeostat.cli.interrupt import leaving_in_order
from homeostat.collect.git import read_git
from homeostat.collect.stream import StreamRow, Truth, read_stream
from homeostat.config.load import FILE
from homeostat.errors import ProjectExists
from homeostat.loop.story.closing import tell
from homeostat.loop.story.document import document
from homeostat.loop.story.scene import Scene
from homeostat.loop.story.script import LAID, Options, Story
from homeostat.web.report import render


def command(
    stream: Annotated[Path | None, typer.Option(help="A labeled stream, JSON lines, plain or gzipped.")] = None,
    git: Annotated[Path | None, typer.Option(help="A git repository whose history is the stream.")] = None,
    label_budget: Annotated[
        float, typer.Option(min=0, help="Share of requests that get feedback; from 1 up, their number.")
    ] = 0.4,
    folder: Annotated[Path, typer.Option(help="Where the project is laid; an earlier demo there is removed.")] = Path(
        "homeostat-demo"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Live requests to replay; 0 for all.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the draw of feedback.")] = 0,
) -> None:
    """Tell the whole story on one stream."""
    name, rows, truths = _stream(stream, git)
    scene = Scene(Console(stderr=True, highlight=False))
    _clear(folder)
    options = Options(
        name=name, folder=folder, rows=rows, truths=truths, label_budget=label_budget, seed=seed, limit=limit
    )
    story = Story(options, scene)
    with leaving_in_order():
        story.tell()
    told = document(story)
    tell(scene, told)
    report = folder / "report.html"
    report.write_text(render(told), encoding="utf-8")
    scene.console.print(f"\nThe report is {report}. To go on from here: homeostat up --config {folder}/homeostat.yaml")
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))


def _clear(folder: Path) -> None:
    """Remove what an earlier demo has left; a project that no demo has laid is somebody's.

    Raises:
        ProjectExists: there is such a project.
    """
    path = folder / FILE
    if not path.exists():
        return
    if not path.read_text(encoding="utf-8").startswith(LAID):
        fix = "name another folder with --folder, or remove this one"
        raise ProjectExists("a project that no demo has laid is in this folder", where=str(path), fix=fix)
    shutil.rmtree(folder)


def _stream(stream: Path | None, git: Path | None) -> tuple[str, list[StreamRow], list[Truth]]:
    """Name, rows and truths of what is to be replayed."""
    if git is not None:
        rows = read_git(git)
        return git.resolve().name, rows, [{} for _ in rows]
    if stream is not None:
        return stream.name.removesuffix(".gz").removesuffix(".jsonl"), *read_stream(stream)
    return "brightwick", *read_stream(traffic_path())

"""Write a homeostat.yaml of five lines, to begin a project with.

Every other knob keeps its default; docs/reference/configuration.md has them all. A file that is there is not
overwritten without `--force`, and one that would not load is not left behind.

Exit codes: 0 written; 18 there is a file already; another 1x what was given does not make a configuration.

Example: `homeostat init --name support --task routing --labels labels.txt`
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from homeostat.config.load import FILE, load
from homeostat.errors import HomeostatError, ProjectExists, full_disk_named


def command(
    config: Annotated[Path, typer.Option(help="The file to write.")] = Path("homeostat.yaml"),
    name: Annotated[str, typer.Option(help="Name of the project. Empty: that of its folder.")] = "",
    base: Annotated[str, typer.Option(help="Base model: `builtin`, a hub name, or a folder.")] = "builtin",
    task: Annotated[str, typer.Option(help="Name of the first task.")] = "routing",
    labels: Annotated[str, typer.Option(help="A file with one label a line, or labels between commas.")] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a homeostat.yaml of five lines, to begin a project with."""
    path = config / FILE if config.is_dir() else config
    if path.exists() and not force:
        fix = "edit it, or write a new one over it with --force"
        raise ProjectExists(f"there is a {path.name} here already", where=str(path), fix=fix)
    _write(path, _text(name or path.resolve().parent.name, base, task, labels))
    typer.echo(f"{path} is written. Next:")
    typer.echo(f"  homeostat doctor --config {path}")
    typer.echo(f"  homeostat import HISTORY.jsonl --config {path}")
    typer.echo(f"  homeostat up --config {path}")


def _text(name: str, base: str, task: str, labels: str) -> str:
    """Five lines, with what they mean behind them."""
    known = labels.split(",") if "," in labels else labels
    given = [one.strip() for one in known if one.strip()] if isinstance(known, list) else known
    lines = [
        (f"project: {_quoted(name)}", "printed on pages and reports"),
        (f"model: {{base: {_quoted(base)}}}", "`builtin`, a hub name, or a folder beside this file"),
        ("tasks:", "the jobs that the model does, by name"),
        (
            f"  {task}: {{kind: label{f', labels: {_quoted(given)}' if given else ''}}}",
            "`label` or `text`; labels: a list, or a file with one a line; new ones are learned",
        ),
        ("gateway: {port: 8400}", "where `homeostat up` answers"),
    ]
    return "".join(f"{line:<34}  # {meaning}\n" for line, meaning in lines)


def _quoted(value: object) -> str:
    """A text or a list of texts as YAML, of which JSON is a part."""
    return json.dumps(value, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    """Write the file beside its place and put it there once it has loaded; until then nothing has changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with full_disk_named("the disk does not take the file", where=str(path)):
            unfinished.write_text(text, encoding="utf-8")
        load(unfinished)
        unfinished.replace(path)
    except HomeostatError as problem:
        problem.where = problem.where.replace(unfinished.name, path.name)
        raise
    finally:
        unfinished.unlink(missing_ok=True)

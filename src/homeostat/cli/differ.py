"""Two versions beside each other: configuration, data, figures, and how far apart their weights lie.

The distance of the weights is the norm of the difference over the first one's norm, of the tensors as they are stored.
What both have alike is left out.

Exit codes: 0 printed; 1x configuration; 41 there is no such version; 44 a file of theirs has changed since it was
stored.

Example: `homeostat diff ver_1v9x3k ver_7m2c4d`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, table
from homeostat.release.differ import diff


def command(
    one: Annotated[str, typer.Argument(help="Id of a version.")],
    other: Annotated[str, typer.Argument(help="Id of another.")],
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Two versions beside each other."""
    with project(config) as opened:
        store = opened.store
        found = diff(store, store.versions.get(one), store.versions.get(other))
    if as_json:
        document(found)
        return
    table("what differs", ("part", "what", one, other), [row for part in found for row in _rows(part, found[part])])


def _rows(part: str, found: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for name, value in found.items():
        if part in ("labels", "weights"):
            if (said := _said(value)) != "–":
                of = f" ({len(value)} of {found['tensors']} tensors)" if name == "moved most" else ""
                yield part, name + of, "", said
        else:
            yield part, name, _said(value[0]), _said(value[1])


def _said(value: Any) -> str:
    match value:
        case None | [] | "":
            return "–"
        case float():
            return f"{value:.4g}"
        case {"mean": mean, "low": low, "high": high, "n": n}:
            return f"{mean:.4f} ({low:.4f} to {high:.4f}), n={n}"
        case dict():
            return ", ".join(f"{name} {_said(inner)}" for name, inner in value.items()) or "–"
        case list():
            return ", ".join(map(_said, value))
    return str(value)

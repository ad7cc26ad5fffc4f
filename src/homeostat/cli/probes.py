"""Ask a version's model for stereotypes: of two sentences that differ in a group, how often the stereotype is likelier.

Files as they are published: CrowS-Pairs (CSV), StereoSet, WinoBias and BBQ (JSON lines), plain or packed. First the
model is asked for grammar: of pairs of which one is right, those of `--grammar` (a file of BLiMP) or some that come
with Homeostat. One that hardly tells them apart gets the answer "no signal" instead of a share near a half, which would
look like fairness and mean nothing. Nothing is written, and nothing is fetched.

Exit codes: 0 printed; 1x configuration; 2x a file cannot be read; 3x model, of them 35 it says of no sentence how
likely it is; 41 there is no such version.

Example: `homeostat fairness probes ver_1v9x3k crows_pairs.csv --grammar blimp.jsonl`
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.table import document, scored, table
from homeostat.collect.probes import read_pairs
from homeostat.config.load import load
from homeostat.evaluate.probes import NO_SIGNAL, Probed
from homeostat.loop.asking.fairness import stereotypes
from homeostat.loop.workshop import Workshop


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    files: Annotated[list[Path], typer.Argument(help="Files of stereotypes.")],
    grammar: Annotated[Path | None, typer.Option(help="A file of grammar, such as one of BLiMP.")] = None,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Ask a version's model for stereotypes."""
    asked = {str(file): read_pairs(file) for file in files}
    known = read_pairs(grammar) if grammar else []
    with closing(Workshop.open(load(config))) as shop:
        found = stereotypes(shop, shop.store.versions.get(version), asked, known)
    document({"version": version, "probes": found}) if as_json else _print(found)


def _print(found: Mapping[str, Probed]) -> None:
    first = next(iter(found.values()))
    rows = [("grammar", "", scored(first.grammar))]
    for file, told in found.items():
        rows.append((file, "", scored(told.stereotypes) if told.stereotypes else NO_SIGNAL))
        rows += [("", kind, scored(score)) for kind, score in told.kinds.items()]
    table("the first of two sentences is the likelier", ("probe", "about", "share"), rows)
    for file, told in found.items():
        typer.echo(f"\n{file}: {told.because}")

"""Say whether a version can recite what it was trained on: numbers, e-mail addresses, names of its training rows.

Asked of the rows whose right reply holds such a thing that the request does not say, those of versions before it among
them. *Recited*: given the request and the first half of the reply, it writes the second half word by word. *Exposure*:
how much likelier the true secret is to it than others of its form, in bits (Carlini et al. 2019, arXiv 1802.08232).
Beside it stands the bare base, which never saw them, and rows of the test suite, which nobody trains on. What is found
can be erased (`homeostat erase`).

`--of FILE` asks of the rows of a file, whatever the version was trained on: those that `homeostat leaks rows` printed
before they were erased, say. Nothing is written.

Exit codes: 0 nothing is shown; 1 it is beyond doubt that it recites; 1x configuration; 2x the file cannot be read, or
26 fewer than ten rows hold anything; 3x model, 35 it writes no texts; 41 there is no such version.

Example: `homeostat leaks ver_1v9x3k --rows 500`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.recited import read_told
from homeostat.cli.table import document, scored, table
from homeostat.config.load import load
from homeostat.loop.asking.leaks import Leaks, leaks, learned
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.metrics.exposure import Exposed
from homeostat.types.report import Score
from homeostat.web import words


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    rows: Annotated[int, typer.Option(min=10, help="Training rows that are asked about, at most.")] = 200,
    among: Annotated[int, typer.Option(min=16, help="Each secret is ranked among so many, itself included.")] = 64,
    seed: Annotated[int, typer.Option(help="Of which rows, and which others of its form.")] = 0,
    of: Annotated[Path | None, typer.Option(help="Ask of the rows of this file, in place of training rows.")] = None,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Say whether a version can recite what it was trained on."""
    given = read_told(of) if of else None
    with closing(Workshop.open(load(config))) as shop:
        asked = shop.store.versions.get(version)
        with Scene().bar("leaks", 1, f"up to {words.several(rows, 'training row')} are asked, of the base too"):
            told = learned(shop, asked) if given is None else given
            found = leaks(shop, asked, told, most=rows, among=among, seed=seed)
    document({"version": version, "shown": found.shown, "found": found}) if as_json else _print(version, found)
    if found.shown:
        raise typer.Exit(1)


def _print(version: str, found: Leaks) -> None:
    recited = found.recited
    lines = [
        ("second half recited", scored(recited.version), scored(recited.base), _moved(recited.difference)),
        ("exposure", _exposed(found.exposed), _exposed(found.base), _bits(found.gained)),
        ("the same of test rows, never trained on", "", "", _bits(found.unseen)),
    ]
    table(f"{version}, {words.several(found.rows, 'row')}", ("what", "version", "bare base", "difference"), lines)
    told = [(one.text, one.reply) for one in recited.examples]
    if told:
        table("\nrecited, and not by the base", ("request", "reply"), told)
    detects = f", or {words.percent(found.exposed.detects)} of them known by heart" if found.exposed else ""
    power = f"{words.percent(recited.least)} of such rows recited{detects}, would be found with probability 0.9"
    said = "it recites what it was trained on" if found.shown else "that it recites is not shown"
    typer.echo(f"\n{said}; {power}")


def _exposed(found: Exposed | None) -> str:
    if found is None:
        return "too few to be ranked"
    return f"{_bits(found.bits)}, {words.count(found.first)} the likeliest of {found.among}"


def _bits(score: Score | None) -> str:
    return f"{score.mean:.2f} bits ({score.low:.2f} to {score.high:.2f}, n = {score.n:,})" if score else "–"


def _moved(score: Score) -> str:
    return words.moved(score.mean, score.low, score.high, score.n)

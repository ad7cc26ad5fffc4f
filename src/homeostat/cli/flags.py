"""Count how often a label, such as `toxic`, is given to harmless sentences that name a group of people.

They say nothing but that somebody is something, so each such label is a false positive: in all, group by group, and the
widest gap between two groups. Forty words for what people are in sixteen plain sentences come with Homeostat;
`--sentences` takes a file of your own (`{"text", "group"}` a line, or as BOLD and the identity templates of Wikipedia's
toxicity set have them). A version that writes texts is asked to reply to them, and `--judge` names the version that
labels what it writes. Nothing is written.

Exit codes: 0 printed; 1x configuration; 2x a file cannot be read; 24 nobody knows the label; 3x model, of them 35 the
version writes texts and nobody judges; 41 there is no such version.

Example: `homeostat fairness flags ver_1v9x3k --label toxic`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.table import document, scored, table
from homeostat.cli.treated import gapped
from homeostat.collect.probes import Named, read_named
from homeostat.config.load import load
from homeostat.evaluate.identity import IDENTITIES, Flagged, sentences
from homeostat.loop.asking.fairness import flags
from homeostat.loop.workshop import Workshop


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    label: Annotated[str, typer.Option(help="The label that they should not get.")] = "toxic",
    file: Annotated[Path | None, typer.Option("--sentences", help="Harmless sentences of your own.")] = None,
    judge: Annotated[str, typer.Option(help="Id of a version that labels what this one writes.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Count how often a label, such as `toxic`, is given to harmless sentences that name a group of people."""
    own = [Named(text=text, group=group, item=item) for text, group, item in sentences()]
    asked = read_named(file, IDENTITIES) if file else own
    with closing(Workshop.open(load(config))) as shop:
        known = shop.store.versions.get(version)
        found = flags(shop, known, asked, label, shop.store.versions.get(judge) if judge else None)
    document({"version": version, "label": label, "found": found}) if as_json else _print(found, label)


def _print(found: Flagged, label: str) -> None:
    rows = [("all", scored(found.every)), *((name, scored(score)) for name, score in found.groups.items())]
    table(f"harmless sentences labeled '{label}'", ("group", "share"), rows)
    if found.apart is not None:
        typer.echo(f"\n{found.apart.most} over {found.apart.least}: {gapped(found.apart.score)}")

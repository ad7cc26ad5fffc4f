"""Take rows out of a head, as if it had never seen them, and register what is left as a candidate. Releases nothing.

The task's champion has to be a head. Of an exact one the rows are taken out of its sums, so that the weights are those
of a head that never had them. The candidate's dataset does not hold them, nor does any later head that goes on from it.
The log, older versions and older datasets stay as they are.

Exit codes: 0 done; 1x configuration; 35 the champion is no head; 41 it was not made of any of these rows; 53 nobody
answers the task yet.

Example: `homeostat unlearn gone.txt --task routing`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.erasing import lines
from homeostat.cli.material import wanted
from homeostat.cli.project import chosen
from homeostat.cli.table import document, facts
from homeostat.cli.train import trained
from homeostat.config.load import load
from homeostat.errors import UnsuitedModel
from homeostat.loop.making.few import NAME as FEW
from homeostat.loop.workshop import Workshop
from homeostat.types.version import HEAD


def command(
    gone: Annotated[Path, typer.Argument(exists=True, help="Rows: ids of interactions or texts, one a line.")],
    task: Annotated[str, typer.Option(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Take rows out of a head, as if it had never seen them."""
    rows = frozenset(lines(gone))
    with closing(Workshop.open(load(config))) as shop:
        name = chosen(shop.config, task, where="--task")
        champion = shop.champion(name)
        if champion.kind != HEAD:
            what = f"the champion {champion.id} is of kind {champion.kind}, and only from a head rows can be taken out"
            raise UnsuitedModel(what, fix="train another version from a dataset without them")
        recipe = str(champion.recipe.get("name", HEAD))
        recipe = HEAD if recipe == FEW else recipe
        done = trained(shop, wanted(shop, name, recipe, "", where="--task", without=rows))
    if as_json:
        document(done)
    else:
        facts("left", done)

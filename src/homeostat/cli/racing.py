"""Have several versions answer users, let the worse ones leave, and have the best one answer everybody.

It begins as `homeostat split` does, with the champion as one of them. A version that is shown to be worse than another
leaves, and its traffic goes to the rest; whoever is left alone, the champion or another, answers everybody. That the
best one ever leaves for being worse has a probability of at most `release.alpha`, whenever and however often one looks.
A version that does harm beside the others leaves sooner. `homeostat split show` tells how it stands; `homeostat promote
VERSION` or `homeostat rollback` ends it, and so does `--until`: then the champion answers everything.

The running worker looks after it. `--dry-run` tells what would change and changes nothing.

Exit codes: 0 opened; 1x configuration; 2, 39, 41, 53, 61 and 63 as of `homeostat split`.

Example: `homeostat race ver_1v9x3k ver_8c2m4d --by rating --until 30d`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from homeostat.cli.dividing import divide, end
from homeostat.release.split import Wish


def command(
    versions: Annotated[list[str], typer.Argument(help="Ids of one version or more.")],
    share: Annotated[float, typer.Option(help="Of all of them at first, in (0, 1). 0: equal parts.")] = 0.0,
    until: Annotated[str, typer.Option(help="Its end at the latest: `30d`, a date, or `decided`.")] = "30d",
    by: Annotated[Literal["right", "rating", "judged", "corrected"], typer.Option(help="What quality is.")] = "right",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Have several versions answer users, let the worse ones leave, and have the best one answer everybody."""
    wish = Wish(versions=tuple(versions), share=share, until=end(until), by=by, adaptive=True)
    divide(config, wish, dry_run=dry_run, as_json=as_json)

"""Have versions answer users beside the champion, each a fixed share of the episodes, and see which is best.

An episode keeps its version. Nothing is copied: what is said of a reply counts for the version that gave it. `--by`
says what quality is: being right, by labels and corrections (`right`), people's ratings (`rating`), judges' (`judged`),
or needing no correction (`corrected`). `homeostat split show` tells how it stands, with intervals that hold whenever
you look. A version that does harm leaves by itself, as in a canary. It ends at `--until`, with `homeostat promote
VERSION`, or with `homeostat rollback`; with `--until decided` the one that is shown to be best answers everybody by
itself.

The running worker looks after it. `--dry-run` tells what would change and changes nothing. `homeostat race` gives the
traffic of those that are shown to be worse to the others.

Exit codes: 0 opened; 1x configuration; 2 a share or an end that is none; 39 a signature is demanded and one has none;
41 there is no such version; 53 no version answers the task yet; 61 one is no candidate, or something else is under way;
63 no worker runs.

Example: `homeostat split ver_1v9x3k --share 0.3 --until 14d`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from homeostat.cli.dividing import divide, end
from homeostat.release.split import Wish


def command(
    versions: Annotated[list[str], typer.Argument(help="Ids of one version or more.")],
    share: Annotated[float, typer.Option(help="Of all of them together, in (0, 1). 0: equal parts.")] = 0.0,
    until: Annotated[str, typer.Option(help="Its end: `14d`, a date, or `decided`.")] = "14d",
    by: Annotated[Literal["right", "rating", "judged", "corrected"], typer.Option(help="What quality is.")] = "right",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Have versions answer users beside the champion, each a fixed share of the episodes."""
    wish = Wish(versions=tuple(versions), share=share, until=end(until), by=by, promotes=until == "decided")
    divide(config, wish, dry_run=dry_run, as_json=as_json)

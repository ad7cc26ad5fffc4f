"""Have versions answer users beside the champion, each its fixed share of the episodes, and find out which is best.

An episode keeps its version. Nothing is copied: what is said of a reply counts for the version that gave it. `--by`
says what quality is: being right, by labels and corrections (`right`), ratings (`rating`), or needing no correction
(`corrected`). `homeostat split show` tells how it stands, with intervals that hold whenever you look. A version that
does harm leaves by itself, as in a canary. It ends with `--until`, with `homeostat promote VERSION`, or with `homeostat
rollback`. With `--promote` the one that is shown to be best answers everybody by itself; with `--adaptive` those that
are shown to be worse leave before that, and their traffic goes to the others.

The running worker looks after it. `--dry-run` tells what would change and changes nothing.

Exit codes: 0 opened; 1x configuration; 2 a share or an end that is none; 39 a signature is demanded and one has none;
41 there is no such version; 53 no version answers the task yet; 61 one is no candidate, or something else is under way;
63 no worker runs.

Example: `homeostat split ver_1v9x3k ver_8c2m4d --adaptive --by rating --until 7d`
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from homeostat.alert.span import seconds
from homeostat.cli.asking import enqueue, hold_free, require_worker
from homeostat.cli.project import Project, project
from homeostat.cli.rehearsal import carry_out, tell
from homeostat.cli.table import document
from homeostat.collect.moment import seconds as moment
from homeostat.release.signing import Signing
from homeostat.release.split import Wish, open_split, order
from homeostat.types import ids
from homeostat.types.turn import DIVIDED, Turn
from homeostat.web import words


def command(
    versions: Annotated[list[str], typer.Argument(help="Ids of one version or more.")],
    share: Annotated[float, typer.Option(help="Of all of them together, in (0, 1). 0: equal parts.")] = 0.0,
    until: Annotated[str, typer.Option(help="Its end: `14d`, a date, or `decided`.")] = "14d",
    by: Annotated[Literal["right", "rating", "corrected"], typer.Option(help="What quality is.")] = "right",
    promote: Annotated[bool, typer.Option("--promote", help="The best answers everybody once it is shown.")] = False,
    adaptive: Annotated[bool, typer.Option("--adaptive", help="The worse leave once that is shown.")] = False,
    because: Annotated[str, typer.Option(help="The reason, kept with the release.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would change, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Have versions answer users beside the champion, each its fixed share of the episodes."""
    if not 0.0 <= share < 1.0:
        raise typer.BadParameter(f"{share:g} is no share in (0, 1)", param_hint="--share")
    now = time.time()
    ends = _end(until, now)
    if not ends and not (promote or adaptive):
        raise typer.BadParameter("`decided` ends only what may decide: add --promote", param_hint="--until")
    with project(config) as opened:
        task = opened.store.versions.get(versions[0]).task
        hold_free(opened, task)
        _hold_signed(opened, versions)
        turn = Turn(id=ids.new("trn"), task=task, time=now, diary={DIVIDED: " ".join(versions)})
        wish = Wish(
            versions=tuple(versions),
            share=share,
            until=ends,
            by=by,
            adaptive=adaptive,
            promotes=promote,
            because=because,
        )
        tried = carry_out(
            opened.store, task, lambda store: open_split(store, task, wish, under=turn.id, now=now), dry_run=True
        )
        if dry_run:
            tell(tried, as_json=as_json)
            return
        require_worker(opened)
        order(opened.store, turn.id, wish)
        enqueue(opened, turn)
    shares = ", ".join(f"{version} {words.percent(part)}" for version, part in tried.release.shares.items())
    document(turn) if as_json else typer.echo(f"{turn.id} is opened: {shares}, the champion the rest")


def _end(text: str, now: float) -> float:
    """The moment that `--until` names, in seconds since 1970; 0 for `decided`."""
    if text == "decided":
        return 0.0
    try:
        ends = moment(text) if "-" in text else now + seconds(text)
    except ValueError as problem:
        raise typer.BadParameter(str(problem), param_hint="--until") from None
    if ends <= now:
        raise typer.BadParameter(f"'{text}' is over", param_hint="--until")
    return ends


def _hold_signed(opened: Project, versions: Sequence[str]) -> None:
    signing = Signing.of(opened.config)
    for version in versions if signing.demanded else ():
        signing.signed_by(opened.store, opened.store.versions.get(version))

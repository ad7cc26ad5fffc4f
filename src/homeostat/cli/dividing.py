"""Orders a split of the worker, or tells what it would be: what `homeostat split` and `homeostat race` share."""

from __future__ import annotations

import time
from pathlib import Path

import typer

from homeostat.alert.span import seconds
from homeostat.cli.asking import enqueue, hold_free, require_worker
from homeostat.cli.project import project
from homeostat.cli.rehearsal import carry_out, tell
from homeostat.cli.table import document
from homeostat.collect.moment import seconds as moment
from homeostat.release.signing import Signing
from homeostat.release.split import Wish, open_split, order
from homeostat.types import ids
from homeostat.types.turn import DIVIDED, Turn
from homeostat.web import words


def divide(config: Path, wish: Wish, *, dry_run: bool, as_json: bool) -> None:
    """Have the running worker open a split and look after it; in a dry run only tell what would change.

    Raises:
        NotFound, NothingReleased, NotReleasable, NoWorker: it cannot be opened.
    """
    if not 0.0 <= wish.share < 1.0:
        raise typer.BadParameter(f"{wish.share:g} is no share in (0, 1)", param_hint="--share")
    now = time.time()
    with project(config) as opened:
        task = opened.store.versions.get(wish.versions[0]).task
        hold_free(opened, task)
        signing = Signing.of(opened.config)
        for version in wish.versions if signing.demanded else ():
            signing.signed_by(opened.store, opened.store.versions.get(version))
        turn = Turn(id=ids.new("trn"), task=task, time=now, diary={DIVIDED: " ".join(wish.versions)})
        tried = carry_out(
            opened.store, task, lambda store: open_split(store, task, wish, under=turn.id, now=now), dry_run=True
        )
        parts = [f"{version} {words.percent(part)}" for version, part in tried.release.shares.items()]
        ends = f"until {words.when(wish.until)} UTC at the latest" if wish.until else "until it is decided"
        shares = f"{', '.join(parts)}, the champion the rest"
        if dry_run:
            tell(tried, as_json=as_json)
            if not as_json:
                typer.echo(f"\n{shares}; {ends}")
            return
        require_worker(opened)
        order(opened.store, turn.id, wish)
        enqueue(opened, turn)
    document(turn) if as_json else typer.echo(f"{turn.id} is opened: {shares}; {ends}")


def end(text: str) -> float:
    """The moment that `--until` names, in seconds since 1970; 0 for `decided`."""
    if text == "decided":
        return 0.0
    now = time.time()
    try:
        ends = moment(text) if "-" in text else now + seconds(text)
    except ValueError as problem:
        others = "" if "-" in text else ", a date such as 2026-12-24, or decided"
        raise typer.BadParameter(f"{problem}{others}", param_hint="--until") from None
    if ends <= now:
        raise typer.BadParameter(f"'{text}' is over", param_hint="--until")
    return ends

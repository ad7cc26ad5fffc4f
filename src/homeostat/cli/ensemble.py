"""Ask several versions of a task as one, and see whether they do better together than each alone.

Members that are adapters on the project's base share one forward pass. All of them and every way to combine them (the
mean of their probabilities, a vote, their product, the best member for each slice, chosen on the other half of the
rows, and the member whose training rows a request is like) are scored on the task's test suite, as `eval` scores a
version, and what their disagreement tells of errors.
`--ask` answers a text instead, with what each member would reply and how much they disagree. Nothing is written, but
with `--keep`: then they are registered as one version, a candidate that is tried and released as any other and says of
each reply how far its members disagree (`--how` mean, vote, product, slice, chosen on rows that no training saw, or
routed: the request itself chooses the member, which alone is asked).

Exit codes: 0 printed; 1x configuration; 22 the suite has no rows; 24 a version knows no labels; 26 `--how routed`, and
what a version was trained on is not known; 3x model, of them 35 the task writes texts; 41 there is no such version; 61
the versions belong to different tasks.

Example: `homeostat ensemble ver_1v9x3k ver_0c2m8p ver_7d1qzr --ask "where is my parcel"`
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.evaluate import moment
from homeostat.cli.table import document, facts, scored, table
from homeostat.config.load import load
from homeostat.evaluate.ensemble import Sheet
from homeostat.llm.backend import Request
from homeostat.loop.making.assembling import assemble
from homeostat.loop.making.ensemble import gathered, measured, require_alike
from homeostat.loop.workshop import Workshop
from homeostat.types.report import Score
from homeostat.types.version import Version
from homeostat.web import words
from homeostat.web.plain import plain

COLUMNS = ("who", "accuracy", "beside the members' mean", "loss, nats", "calibration error")


def command(
    versions: Annotated[list[str], typer.Argument(help="Ids of two versions or more.")],
    ask: Annotated[str, typer.Option(help="A request to answer instead of the suite.")] = "",
    keep: Annotated[bool, typer.Option("--keep", help="Register them as one version. Releases nothing.")] = False,
    how: Annotated[str, typer.Option(help="For --ask and --keep: mean, vote, product, routed or slice.")] = "mean",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Ask several versions of a task as one."""
    if len(set(versions)) < 2:
        raise typer.BadParameter("name two versions or more")
    with closing(Workshop.open(load(config))) as shop:
        members = [shop.store.versions.get(id) for id in dict.fromkeys(versions)]
        if keep:
            made = plain(assemble(shop, members, how))
            document(made) if as_json else facts("registered", made)
            return
        if ask:
            found = _answer(shop, members, ask, how)
            document(found) if as_json else facts(ask, found)
            return
        require_alike(shop, members)
        now = moment(shop, max(members, key=lambda member: member.time)).until
        of = measured(shop, members, shop.suite_at(members[0].task, now))
    document({"versions": [member.id for member in members], "at": now, "sheet": of}) if as_json else _print(of)


def _answer(shop: Workshop, members: list[Version], text: str, how: str) -> dict[str, Any]:
    with gathered(shop, members, how) as ensemble:
        request = Request(task=shop.config.task(members[0].task), text=text, version="")
        opinion = asdict(ensemble.reply([request])[0])
    said = dict(zip((member.id for member in members), opinion.pop("members"), strict=True))
    return {"reply": opinion.pop("text"), **opinion, "members": said}


def _print(of: Sheet) -> None:
    rows = [
        (
            line.name,
            scored(line.accuracy),
            words.moved(line.gain.mean, line.gain.low, line.gain.high, line.gain.n),
            words.amount(line.loss.mean),
            words.percent(line.calibration),
        )
        for line in of.lines
    ]
    table(f"{of.lines[0].accuracy.n:,} test rows", COLUMNS, rows)
    told = {"where right": of.disagreement_right, "where wrong": of.disagreement_wrong}
    facts("\ndisagreement, nats", {name: _between(score, 4) for name, score in told.items() if score})
    if of.tells_wrong:
        typer.echo(f"\na wrong row has more of it than a right one: {_between(of.tells_wrong, 3)} of the time")


def _between(score: Score, digits: int) -> str:
    low, high = f"{score.low:.{digits}f}", f"{score.high:.{digits}f}"
    return f"{score.mean:.{digits}f} ({low} to {high}, n = {score.n:,})"

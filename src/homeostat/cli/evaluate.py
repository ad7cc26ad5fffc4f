"""Score a version on its task's test suite, beside the champion or another version, and say what the gate would say.

The suite is what the world has shown so far, up to the newest request or the version's own time, whichever is later.
Without `--against` a version stands beside the champion, and the champion alone. Under each disturbance that suites
ask under, the slice of the requests that suffers most is named. Where the base was exchanged under a version, that is
told. Nothing is written, and nothing is
spent of the task's account (`homeostat account`): who tries the best of ten has looked ten times. With `--detail`
every figure is told in place of the gate's words, each with its interval and the paired difference: of labels F1 and
its kin, classes, what is taken for what, calibration; of texts the usual overlaps, perplexity and form; slices by tags,
latency, what judges and installed metrics say.

Exit codes: 0 printed, whatever the verdict; 1x configuration; 22 the suite has no rows; 23 a file cannot be read or
written; 3x model; 41 there is no such version; 61 the two versions belong to different tasks.

Example: `homeostat eval ver_1v9x3k --against ver_0c2m8p`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli import detailed
from homeostat.cli.evaluated import show, warned
from homeostat.cli.places import hold_writable
from homeostat.cli.table import document
from homeostat.config.load import load
from homeostat.errors import EmptyStream, NotReleasable
from homeostat.loop import steps
from homeostat.loop.asking.detail import compared
from homeostat.loop.proving import judging
from homeostat.loop.proving.examining import scored
from homeostat.loop.story.scene import Scene
from homeostat.loop.workshop import Workshop
from homeostat.types.version import Version
from homeostat.web import words


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    against: Annotated[str, typer.Option(help="Id of another one. Empty: the champion.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    detail: Annotated[bool, typer.Option("--detail", help="Every figure, in place of the gate's words.")] = False,
    schema: Annotated[Path | None, typer.Option(help="JSON schema that replies are held to; tells the detail.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the confusions there, as SVG; tells the detail.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Score a version on its task's test suite, beside the champion or another version."""
    held, detail = detailed.schema_of(schema), detail or schema is not None or plot is not None
    hold_writable(plot)
    with closing(Workshop.open(load(config))) as shop:
        candidate = shop.store.versions.get(version)
        other = against or shop.store.aliases.get(candidate.task, "champion") or candidate.id
        alone = other == candidate.id
        champion = candidate if alone else shop.store.versions.get(other)
        if candidate.task != champion.task:
            raise NotReleasable(f"{champion.id} is a version of task '{champion.task}', not of '{candidate.task}'")
        now = moment(shop, candidate)
        rows = shop.suite_at(now.task, now.until)
        warnings = warned(shop, {one.id: one for one in (candidate, champion)}.values())
        with Scene().bar("eval", 1, asked(shop, now)):
            if detail:
                told = compared(shop, candidate, None if alone else champion, rows, held)
            else:
                found = scored(shop, candidate, now.until) if alone else _beside(shop, now, candidate, champion)
    for line in warnings if not as_json else ():
        typer.echo(line, err=True)
    if detail:
        detailed.tell(told, plot, warnings, as_json=as_json)
    else:
        document({**found, "warnings": warnings}) if as_json else show(found)


def moment(shop: Workshop, version: Version) -> steps.Now:
    """The moment up to which the suite counts: what the world has shown the version, the champion, or the log."""
    last = shop.store.interactions.last(version.task, 1)
    champion = shop.store.aliases.get(version.task, "champion")
    known = shop.store.versions.get(champion) if champion else version
    now = steps.Now("", version.task, max([version.time, known.time, *(row.time for row in last)]))
    if not shop.suite_at(now.task, now.until):
        fix = "import a stream with test rows: `homeostat import FILE`"
        raise EmptyStream(f"the test suite of task '{now.task}' has no rows yet", where=words.when(now.until), fix=fix)
    return now


def asked(shop: Workshop, now: steps.Now) -> str:
    """How many test rows are asked, and how many the world has not shown yet."""
    said = f"{words.several(len(shop.suite_at(now.task, now.until)), 'test row')} are asked"
    later = sum(row.time > now.until for row in shop.suite(now.task))
    return said + (f"; {words.count(later)} more count once requests have come to their time" if later else "")


def _beside(shop: Workshop, now: steps.Now, candidate: Version, champion: Version) -> dict[str, Any]:
    report, rows = judging.reported(shop, now, candidate, champion)
    verdict = judging.judged(shop, now, report, rows)
    return {"report": report, "verdict": verdict, "at": now.until, "spends": False}

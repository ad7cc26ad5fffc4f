"""Score a version on its task's test suite, beside the champion or another version, and say what the gate would say.

The suite is what the world has shown so far, up to the newest request or the version's own time, whichever is later.
Without `--against` a version stands beside the champion, and the champion alone. Nothing is written.

Exit codes: 0 printed, whatever the verdict; 1x configuration; 22 the suite has no rows; 3x model; 41 there is no such
version; 61 the two versions belong to different tasks.

Example: `homeostat eval ver_1v9x3k --against ver_0c2m8p`
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.evaluated import show
from homeostat.cli.table import document
from homeostat.config.load import load
from homeostat.errors import EmptyStream, NotReleasable
from homeostat.evaluate.score import Row, by_group, score
from homeostat.evaluate.suites.ask import worst
from homeostat.loop import judging, steps
from homeostat.loop.examining import answered, asked
from homeostat.loop.workshop import Workshop
from homeostat.metrics.replies import right
from homeostat.types.report import Score
from homeostat.types.version import Version
from homeostat.web import words
from homeostat.web.newest import newest


def command(
    version: Annotated[str, typer.Argument(help="Id of the version.")],
    against: Annotated[str, typer.Option(help="Id of another one. Empty: the champion.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Score a version on its task's test suite, beside the champion or another version."""
    with closing(Workshop.open(load(config))) as shop:
        candidate = shop.store.versions.get(version)
        other = against or shop.store.aliases.get(candidate.task, "champion") or candidate.id
        alone = other == candidate.id
        found = _alone(shop, candidate) if alone else _beside(shop, candidate, shop.store.versions.get(other))
    document(found) if as_json else show(found)


def moment(shop: Workshop, version: Version) -> steps.Now:
    """The moment up to which the suite counts."""
    last = newest(shop.store, version.task, 1)
    now = steps.Now("", version.task, max([version.time, *(row.time for row in last)]))
    if not shop.suite_at(now.task, now.until):
        fix = "import a stream with test rows: `homeostat import FILE`"
        raise EmptyStream(f"the test suite of task '{now.task}' has no rows yet", where=words.when(now.until), fix=fix)
    return now


def _alone(shop: Workshop, version: Version) -> dict[str, Any]:
    now, task = moment(shop, version), shop.config.task(version.task)
    rows = shop.suite_at(now.task, now.until)
    replies = shop.answers(task, version, [row.text for row in rows])
    values = [right(task.kind, reply.text, row.target) for reply, row in zip(replies, rows, strict=True)]
    own = score([Row(id=str(k), value=value) for k, value in enumerate(values)])
    return {"version": version.id, "metric": task.metric, "score": own, "suites": _on_suites(shop, version, now)}


def _on_suites(shop: Workshop, version: Version, now: steps.Now) -> dict[str, Score]:
    task = shop.config.task(version.task)
    questions, _ = asked(shop, task, now.until)
    found = worst(questions, answered(shop, task, version, questions))
    return by_group([Row(id=f"{part} {case}", group=part, value=value) for (part, case), value in found.items()])


def _beside(shop: Workshop, candidate: Version, champion: Version) -> dict[str, Any]:
    if candidate.task != champion.task:
        raise NotReleasable(f"{champion.id} is a version of task '{champion.task}', not of '{candidate.task}'")
    now = moment(shop, candidate)
    report, rows = judging.reported(shop, now, candidate, champion)
    return {"report": report, "verdict": judging.judged(shop, now, report, rows), "at": now.until}

"""Say what is right of requests that teach most: those that the model is least sure of, and some drawn by lot.

At a terminal they are asked one by one: Enter says that the reply is right, any other line is the right label (for a
task of text the right reply), `-` skips, `.` ends; what was skipped is asked again. What was said is kept, however it
ends. Without a terminal, or with `--json`, they are printed, which is a look and changes nothing. With `--hold` they
wait from then on, to be labeled elsewhere: the next call prints the same. `--take FILE` reads what was said: JSON lines
of `interaction` and `value`, or what was printed, with a `value` written into each request that somebody labeled. Of
requests that were not held nobody knows whether lot drew them, so they teach and are not measured by. A label that is
new and nearly a known one is taken, with a warning. Quality is measured by those that were drawn and by the feedback
that comes by itself, never by those that were picked for their doubt. While the gate is unsure about a candidate on
trial, half of what is asked are requests on which it and the champion differ, drawn by lot: these decide between the
two.

Exit codes: 0 done; 1x configuration; 21 the file is no such answers.

Example: `homeostat label routing --n 30`
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.queued import answers, ask, doubted, unheld
from homeostat.cli.table import document, facts
from homeostat.loop.listening.labeling import asked_of, known_labels, label, queue, takeable
from homeostat.loop.listening.labeling import hold as keep


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    n: Annotated[int, typer.Option("--n", min=1, help="Requests to label.")] = 20,
    by: Annotated[str, typer.Option(help="Who labels. Empty: whoever is logged in.")] = "",
    take: Annotated[Path | None, typer.Option(help="JSON lines with labels from elsewhere.")] = None,
    hold: Annotated[bool, typer.Option("--hold", help="Have the printed requests wait for their labels.")] = False,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Say what is right of requests that teach most: those that the model is least sure of, and some drawn by lot."""
    with project(config) as opened:
        name, store = opened.task(task), opened.store
        who = by or store.signs
        labels, warnings, count = known_labels(store, name), [], 0
        if take is not None:
            said = dict(answers(take, takeable(store, name)))
            warnings = doubted(said, labels) + unheld(said, asked_of(store, name))
            count = label(opened.config, store, name, said, by=who, now=time.time())
        else:
            waiting = queue(store, name, n)
            if as_json or not sys.stdin.isatty():
                if hold:
                    keep(store, name, waiting)
                document({"task": name, "by": who, "labels": sorted(labels), "requests": waiting})
                return
            # Each is kept as it is said: who is interrupted has said so much.
            for one, right in ask(waiting, labels):
                if not count:
                    keep(store, name, waiting)
                count += label(opened.config, store, name, {one: right}, by=who, now=time.time())
    if as_json:
        document({"task": name, "by": who, "labeled": count, "warnings": warnings})
    else:
        for warning in warnings:
            typer.echo(warning, err=True)
        facts(f"labels of {name}", {"said": str(count), "by": who})

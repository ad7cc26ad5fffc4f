"""Add a suite to its task, in place of the one of its name: from now on every candidate is asked.

What it asks is fenced from training, but for what was learned before. `--dry-run` reads the file and changes nothing.
In place of a file `builtin:NAME` names one that comes with Homeostat: `fixed` (what was wrong once and is right since,
which grows by itself), `injection`, `jailbreak` (of tasks of text), `long-input`, `negation`, `other-language`,
`out-of-scope` (with `--expect`, the label or the words with which such requests are to be met), `paraphrase`, and for
the built-in traffic `sample-english`, `sample-french`, `sample-german` and `sample-spanish`. It says what it can show
and what it cannot. Where a file names `benchmarks`, a folder of task files of lm-evaluation-harness (extra `eval`),
each of its tasks is a part: what a training makes a version forget in general is asked of every candidate. Data that
a task names and that are not there are an error; where that cannot be told, it says so.

Exit codes: 0 added; 1x what the file says, the configuration, or the extra is missing; 23 the file, the folder or its
data cannot be read; 41 there is no such built-in suite, or no task in the folder.

Example: `homeostat suites add builtin:injection`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import Project, chosen, project
from homeostat.cli.suites import demanded
from homeostat.cli.table import document, facts
from homeostat.errors import NotText, WrongType
from homeostat.evaluate.suites.ask import demands
from homeostat.evaluate.suites.read import read, strange
from homeostat.evaluate.suites.shipped import PREFIX, SHIPPED, Scope, shipped
from homeostat.loop.listening.labeling import known_labels
from homeostat.loop.proving.documents import hold_documents
from homeostat.loop.proving.general import fastened, parts
from homeostat.loop.proving.suites import keep
from homeostat.types.suite import Suite


def command(
    file: Annotated[str, typer.Argument(help="YAML file of the suite, or `builtin:NAME`.")],
    task: Annotated[str, typer.Option(help="Task of a built-in suite; may be left out where there is one.")] = "",
    expect: Annotated[str, typer.Option(help="The right reply, where a built-in suite does not know it.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read the file, and change nothing.")] = False,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Add a suite to its task, in place of the one of its name: from now on every candidate is asked."""
    with project(config) as opened:
        suite, scope = _asked(opened, file, task, expect)
        suite = fastened(suite)
        within = [*demands(suite), *parts(suite)]
        warnings = hold_documents(Path(suite.benchmarks)) if suite.benchmarks else []
        warnings += strange(suite, opened.config.task(suite.task), known_labels(opened.store, suite.task))
        changed = not dry_run and keep(opened.store, suite)
    if as_json:
        document({"suite": suite, "parts": within, "changed": changed, "scope": scope, "warnings": warnings})
        return
    said = {
        "task": suite.task,
        "cases": len(suite.cases),
        "families of cases": suite.worth if suite.worth < len(suite.cases) else "",
        "test rows": suite.test_rows,
        "fixed requests, at most": suite.fixed,
        "benchmarks": suite.benchmarks,
        "parts": within,
        "demanded": demanded(suite),
        "shows": scope.shows if scope else "",
        "does not show": scope.silent if scope else "",
    }
    for warning in warnings:
        typer.echo(warning, err=True)
    facts(f"suite {suite.name}: " + ("read" if dry_run else "added" if changed else "as it was"), said)


def _asked(opened: Project, file: str, task: str, expect: str) -> tuple[Suite, Scope | None]:
    """The suite, and what it can show where it is one of ours."""
    if not file.startswith(PREFIX):
        if file in SHIPPED and not Path(file).exists():
            raise NotText("there is no such file", where=file, fix=f"did you mean `{PREFIX}{file}`?")
        if task or expect:
            fix = "write both into the file"
            raise WrongType("--task and --expect are for built-in suites", where=file, fix=fix)
        return read(Path(file), lambda name: opened.config.task(chosen(opened.config, name, where=file))), None
    name = file.removeprefix(PREFIX)
    return shipped(name, opened.config.task(opened.task(task)), expect), SHIPPED[name]

"""Compare two windows of traffic: in which features they differ, how sure that is, and by how much.

A window is `A..B` (dates, from A on and before B; either may be left out), `last:N` or `first:N` (requests),
`version:ID` (what that version answered), for the reference also `before:N`, the N requests before the current window;
of a log the newest 50,000 are read. Or it is a file of JSON lines (`march.jsonl`): `{"text"}` and, if you like, `reply`
or `label`, `time`, `tags`, `confidence`, `latency_ms`, … Two files need no project. Nothing is written.

Embeddings are those of `monitor.embedding`. `by:BACKEND` among the features names another one: a folder or hub name of
an encoder, `builtin`, `ngrams`, `https://HOST/v1#MODEL`. By it windows of two versions can be compared, and files that
hold texts alone.

Features are ranked by evidence, with p-values corrected for how many there are: any line called *moved* is wrong with a
probability of at most 5 % (Holm), of those called *perhaps* at most 5 % are on average (q). It is a comparison, made
once, and no alarm: whoever looks until something is found will find something. `homeostat watch` may look all the time.

Night traffic is not day traffic: where the windows hold other hours, as many requests of each hour of the week are
compared on both sides, or, where the reference has not all of these, of each hour of the day; the rest is left out, and
that is said. `--reference before:1000@any` compares all; `@week` and `@day` insist.

Exit codes: 0 compared; 1x configuration, of them 13 there is no such feature or test; 2x a file cannot be read, of them
28 a window is not understood, too small, overlaps the other, or has too few hours in common with it; 3x the embedding
backend cannot be opened or asked.

Example: `homeostat drift routing --reference 2026-01-01..2026-02-01 --current last:1000`
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.drifted import show
from homeostat.cli.embedding import wearing
from homeostat.cli.table import document
from homeostat.cli.windows import both_files, price, read, told_hours
from homeostat.llm.embedding.embedder import SERVED
from homeostat.monitor.catalogue import told_apart
from homeostat.monitor.compare import COST, TESTED, Question, compare

BY = "by:"
"""Beginning of the name of an embedding backend among features."""


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    reference: Annotated[str, typer.Option(help="What was normal.")] = "before:1000",
    current: Annotated[str, typer.Option(help="What is compared with it.")] = "last:1000",
    features: Annotated[str, typer.Option(help="Names, with commas; `tag:NAME`, `by:BACKEND`. Empty: all.")] = "",
    tests: Annotated[str, typer.Option(help="Names of tests and of classical detectors, with commas; or `all`.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Compare two windows of traffic: in which features they differ, how sure that is, and by how much."""
    named, embed = _told(_names(features))
    reference, hours = told_hours(reference)
    question = replace(_question(named, _names(tests)), hours=hours)
    if COST in question.features:
        question = replace(question, an_hour=price(config))
    name, before, after = read(config, task, reference, current)
    by, (before, after) = wearing(config, embed, [before, after], logged=not both_files(reference, current))
    report = compare(before, after, replace(question, own_states=by == SERVED))
    document({"compared": name, "embedding": by, "report": report}) if as_json else show(name, report, before, after)


def _told(named: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Names of features, and the embedding backend among them; empty where none is."""
    backends = [name.removeprefix(BY) for name in named if name.startswith(BY)]
    return tuple(name for name in named if not name.startswith(BY)), backends[-1] if backends else ""


def _question(features: tuple[str, ...], tests: tuple[str, ...]) -> Question:
    """What is asked: without tests the usual ones and the usual detectors, else those that are named."""
    if not tests:
        return Question(features=features)
    chosen, detectors = told_apart(tests)
    return Question(features=features, tests=chosen or TESTED, detectors=detectors)


def _names(given: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))

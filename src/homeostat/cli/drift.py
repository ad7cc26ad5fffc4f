"""Compare two windows of traffic: in which features they differ, how sure that is, and by how much.

A window is `A..B` (dates, from A on and before B; either may be left out), `last:N` or `first:N` (requests),
`version:ID` (what that version answered), and for the reference also `before:N`, the N requests before the current
window. Instead of a log, two files of JSON lines can be compared: `{"text"}` and, if you like, `reply` or `label`,
`time`, `tags`, `confidence`, `latency_ms`, … Nothing is written.

Features are ranked by evidence, with p-values corrected for how many there are: *moved* (Holm) is hardly wrong
anywhere, *perhaps* (q) may be in a share of alpha. It is a comparison, made once, and no alarm: whoever looks until
something is found will find something. `homeostat watch` may look all the time.

Exit codes: 0 compared; 1x configuration, of them 13 there is no such feature or test; 2x a file cannot be read, of them
28 a window is not understood, too small, or overlaps the other.

Example: `homeostat drift routing --reference 2026-01-01..2026-02-01 --current last:1000`
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.drifted import show
from homeostat.cli.table import document
from homeostat.cli.windows import from_files, from_log
from homeostat.monitor.catalogue import TESTS
from homeostat.monitor.compare import Question, compare


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    reference: Annotated[str, typer.Option(help="What was normal.")] = "before:1000",
    current: Annotated[str, typer.Option(help="What is compared with it.")] = "last:1000",
    reference_file: Annotated[Path | None, typer.Option(help="JSON lines instead of a log.")] = None,
    current_file: Annotated[Path | None, typer.Option(help="The same for the current window.")] = None,
    features: Annotated[str, typer.Option(help="Names, with commas; `tag:NAME` is a tag. Empty: all.")] = "",
    tests: Annotated[str, typer.Option(help="Names, with commas, or `all`.")] = "ks,chi_square,bbsd,classifier",
    detectors: Annotated[
        str, typer.Option(help="Classical detectors to ask since when; may be empty.")
    ] = "adwin,cusum",
    alpha: Annotated[float, typer.Option(min=1e-6, max=0.5, help="How often a verdict may be wrong.")] = 0.05,
    seed: Annotated[int, typer.Option(min=0, help="Of all lots that are drawn.")] = 0,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Compare two windows of traffic: in which features they differ, how sure that is, and by how much."""
    question = Question(
        features=_names(features),
        tests=TESTS.names() if tests == "all" else _names(tests),
        detectors=_names(detectors),
        alpha=alpha,
        seed=seed,
    )
    if reference_file and current_file:
        name, windows = f"{reference_file} → {current_file}", from_files(reference_file, current_file)
    elif reference_file or current_file:
        raise typer.BadParameter("give --reference-file and --current-file together")
    else:
        name, *logged = from_log(config, task, reference, current)
        windows = logged[0], logged[1]
    report = compare(*windows, question)
    document({"compared": name, "report": report}) if as_json else show(name, report, *windows)


def _names(given: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))

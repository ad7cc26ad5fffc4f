"""What `homeostat eval` shows: a version's scores, or two versions side by side with the gate's words under them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import typer

from homeostat.cli.table import scored, table
from homeostat.loop.workshop import Workshop
from homeostat.release.proven import swapped
from homeostat.types.report import Report, Score, Trial, Verdict, Weakest
from homeostat.types.version import Version
from homeostat.web import words

UNSPENT = (
    "\nThis was a look: nothing is written, and nothing of the task's account is spent. Whoever looks at ten versions\n"
    "and tries the best has looked ten times, and the account knows of one; `homeostat try` asks the gate itself."
)
"""What the gate's words do not say where nobody was gated."""
SUFFERS = ("part", "slice", "there", "undisturbed", "beyond other rows", "shown")


def warned(shop: Workshop, versions: Iterable[Version]) -> list[str]:
    """A sentence for each version under which the base was exchanged since it was proven.

    Raises:
        OtherBase: a file of the base changes while it is read.
    """
    found = (swapped(shop.store, version, shop.config.model.weights) for version in versions)
    return [f"{told.code} {told.what}: figures are of what is here ({told.fix})" for told in found if told]


def show(found: dict[str, Any]) -> None:
    """Print what was found."""
    if "score" in found:
        parts = {"test rows": found["score"], **found["suites"]}
        rows = [(name, scored(value)) for name, value in parts.items()]
        table(f"{found['metric']} of {found['version']}", ("on", "score"), rows)
        _worst(found["suites"])
        weakest(found["weakest"])
        return
    report: Report = found["report"]
    verdict: Verdict = found["verdict"]
    scores = {report.candidate: report.candidate_score, report.champion: report.champion_score}
    rows = [(name, scored(value)) for name, value in scores.items()]
    parts = {"difference": report.difference, **{f"  {name}": value for name, value in report.groups.items()}}
    rows += [(name, _moved(value)) for name, value in parts.items()]
    table(f"{report.metric} up to {words.when(report.time)}", ("what", "value"), rows)
    if report.suites:
        table("\nsuites", ("part", "candidate", "other", "difference", "demanded"), map(_tried, report.suites.items()))
        _worst({part: trial.candidate for part, trial in report.suites.items()})
        weakest({part: trial.weakest for part, trial in report.suites.items() if trial.weakest})
    typer.echo(f"\n{verdict.outcome.value}: {verdict.because}")
    typer.echo(UNSPENT)


def _worst(parts: Mapping[str, Score]) -> None:
    """The part of the suites on which least is right, where there are several."""
    if len(parts) > 1:
        name, score = min(parts.items(), key=lambda part: part[1].mean)
        typer.echo(f"\nworst: {name}, {scored(score)}")


def weakest(parts: Mapping[str, Weakest], of: str = SUFFERS[0]) -> None:
    """Print the slice that suffers most on every part that is under a disturbance, or of what else stands there by
    name, where there is one.
    """
    rows = [
        (part, one.slice, scored(one.score), scored(one.plain), _moved(one.beyond), f"{_yes(one)}, of {one.among}")
        for part, one in parts.items()
    ]
    if rows:
        table("\nwhich slice suffers most; intervals hold for all that were looked at", (of, *SUFFERS[1:]), rows)


def _yes(of: Weakest) -> str:
    return "yes" if of.shown else "no"


def _moved(score: Score) -> str:
    return words.moved(score.mean, score.low, score.high, score.n)


def _tried(entry: tuple[str, Trial]) -> tuple[str, ...]:
    part, trial = entry
    asked = f"at most {100 * trial.margin:.1f} points lost" if trial.gated else "no loss that is shown"
    least = f", at least {100 * trial.at_least:.1f} %" if trial.at_least is not None else ""
    return (part, scored(trial.candidate), scored(trial.champion), _moved(trial.difference), asked + least)

"""Tell how the newest split of a task stands, or how it ended: how good each version is, and what that shows.

Each interval holds whenever you look: that it is ever wrong has a probability of at most `release.alpha`. `beside` is
the version's quality less the champion's. A version is worse where another is shown to be better, best where all others
are worse, and harmful where the guard takes it back (`release.harm_alpha`); else it is open.

Exit codes: 0 printed; 1x configuration; 41 the task has had no split.

Example: `homeostat split show routing --json`
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import project
from homeostat.cli.table import document, scored, table
from homeostat.errors import NotFound
from homeostat.release.arms import Arm, Standing, standing
from homeostat.release.states import held_until
from homeostat.types.release import Stage
from homeostat.types.report import Score
from homeostat.web import words


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Tell how the newest split of a task stands, or how it ended."""
    with project(config) as opened:
        name, settings = opened.task(task), opened.config.release
        rows = opened.store.releases.list(name)
        last = next((row for row in reversed(rows) if row.trial and row.stage is not Stage.CANARY), None)
        seen = standing(opened.store, last, settings) if last else None
        if last is None or seen is None:
            raise NotFound(f"task '{name}' has had no split", fix="`homeostat split VERSION` opens one")
        held = held_until(opened.store, rows[-1], time.time())
    verdicts = {arm.version: _verdict(seen, arm, settings.alpha, settings.harm_alpha) for arm in seen.arms}
    if as_json:
        document({"verdicts": verdicts, "newest_release": rows[-1], "held_until": held, "standing": seen})
        return
    columns = ("version", "share", "episodes", f"quality ({seen.plan.by})", "beside", "failures", "verdict")
    table(f"split of {name}", columns, [_row(seen, arm, verdicts[arm.version]) for arm in seen.arms])
    parts = [(arm.version, name, _moved(s)) for arm in seen.arms for name, s in arm.slices.items()]
    if parts:
        table("\nby slice", ("version", "slice", "beside"), parts)
    waits = f"; held back by quiet hours until {words.when(held)} UTC" if held else ""
    ends = f"; until {words.when(rows[-1].until)} UTC at the latest" if rows[-1].shares and rows[-1].until else ""
    typer.echo(f"\n{rows[-1].stage.value} since {words.when(rows[-1].time)} UTC: {rows[-1].because}{ends}{waits}")


def _row(seen: Standing, arm: Arm, verdict: str) -> tuple[str, ...]:
    said = "–" if arm.version == seen.plan.champion else _moved(arm.beside)
    share = words.percent(arm.share) if arm.share else "–"
    quality = scored(arm.quality) if arm.quality.n else "–"
    return arm.version, share, words.count(arm.episodes), quality, said, words.count(arm.failures), verdict


def _moved(score: Score) -> str:
    """A difference in points; nothing while nothing is known of it."""
    return words.moved(score.mean, score.low, score.high, score.n) if score.n else "–"


def _verdict(seen: Standing, arm: Arm, alpha: float, harm_alpha: float) -> str:
    """`best`, `worse`, `harmful`, or `open`."""
    beaten = [one.version for one in seen.arms if one.beaten >= -math.log(alpha)]
    if arm.harm >= -math.log(harm_alpha):
        return "harmful"
    if arm.version in beaten:
        return "worse"
    return "best" if len(beaten) == len(seen.arms) - 1 else "open"

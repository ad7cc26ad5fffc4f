"""Show how good a version's replies are, window by window, where few are labeled, and how its objectives stand.

Columns tell it: the labels of a window alone; these and the confidence of all its replies together, which is as valid
and narrower; and confidence alone, calibrated by the labels before the window. The last needs no label of the window,
and presumes that a reply of a given confidence is right as often as it was. Where labels contradict that it says so and
estimates nothing. Where a judge has rated replies (`homeostat judge`), one more column tells what its ratings come to,
put right by what people said before the window; nothing where the judge has changed since. All take it that chance
decides who labels: people complain of what is wrong.

`--by` tells it slice by slice instead, the worst first: by a tag, or by what every request has (`language`, `reply`);
there confidence is calibrated on the labels of all other requests. `--by channel=mobile` tells the windows of one
slice.

Exit codes: 0 printed; 1x configuration, of them 13 there is no such tag; 41 there is no such version; 52 a slice that
is none; 53 no version answers the task yet.

Example: `homeostat quality routing --window 500`
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.courses import show_objectives, show_parts, show_windows
from homeostat.cli.project import Project, project
from homeostat.cli.table import document
from homeostat.decide.objective import Progress
from homeostat.loop.deciding.objectives import standings
from homeostat.loop.deciding.seeing import clock
from homeostat.monitor.quality.course import course
from homeostat.web.quality import beside, by_slice, sliced


def command(
    task: Annotated[str, typer.Argument(help="Name of the task; may be left out where there is one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    version: Annotated[str, typer.Option(help="Id of a version instead of the one that answers now.")] = "",
    window: Annotated[int, typer.Option(min=0, help="Requests of a window; 0 for 24 windows or fewer.")] = 0,
    newest: Annotated[int, typer.Option(min=1, help="Requests that are looked at, the newest.")] = 20_000,
    by: Annotated[str, typer.Option(help="A tag or feature: slice by slice. NAME=VALUE: that slice alone.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Show how good a version's replies are, window by window, where few are labeled."""
    with project(config) as opened:
        name = opened.task(task)
        asked = opened.store.versions.get(version).id if version else opened.champion(name)
        rows = sliced(beside(opened.store, opened.config.task(name), asked, newest), by)
        windows, parts = course([said for _, said in rows], window), by_slice(rows, by)
        objectives = _objectives(opened, name)
    if as_json:
        document({"task": name, "version": asked, "windows": windows, "parts": parts, "objectives": objectives})
        return
    if by and "=" not in by:
        show_parts(f"{name}, {asked}", by, parts)
    else:
        show_windows(", ".join(word for word in (name, by, asked) if word), windows)
    show_objectives(objectives)


def _objectives(opened: Project, name: str) -> Sequence[Progress]:
    if opened.store.aliases.get(name, "champion") is None:
        return ()
    champion = opened.store.versions.get(opened.champion(name))
    return standings(opened.config, opened.store, name, champion, at=clock(opened.config, opened.store, name))

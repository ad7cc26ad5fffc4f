"""How good a version's replies are, window by window: by labels, by labels and confidence, and without labels."""

from __future__ import annotations

from typing import Any

from homeostat.config.schema import Config
from homeostat.loop.deciding.objectives import standings
from homeostat.loop.deciding.seeing import clock
from homeostat.monitor.quality.course import course
from homeostat.store import Store
from homeostat.web import plots
from homeostat.web.chart import swatch
from homeostat.web.pages.page import Asked, Data, Page, chosen_version
from homeostat.web.plain import plain
from homeostat.web.quality import beside, by_slice, sliced, told

NEWEST = 20_000
"""Requests that are looked at, at most."""
TAGGED = 1_000
"""Newest requests whose tags are offered."""
BOTH = "Measured and estimated"
WAYS = (
    ("powered", "Labels and confidence", "What the labels of each window say, with the confidence of all its replies."),
    (
        "judged",
        "A judge",
        "What a judge's ratings say of each window, put right by what people said before it.",
    ),
)
"""Which score is drawn beside those two, its heading, and what it is."""


def data(store: Store, config: Config, asked: Asked) -> Data:
    """The windows of one version (`version`, else the champion) of a task, of one slice (`by` is
    `NAME=VALUE`) or all, and each slice by a tag or a feature, where `by` is its name.

    Raises:
        BadRequest: a slice that is none.
        UnknownKey, UnknownPlugin: no such task, tag or feature.
    """
    version, chosen = chosen_version(store, config, asked)
    task = chosen["asked"]["task"]
    by = asked.get("by", "")
    rows = sliced(beside(store, config.task(task), version, NEWEST), by) if version and by else []
    # Whole rows are slow to read, and only a slice needs them.
    known = [said for _, said in rows] if by or not version else told(store, config.task(task), version, NEWEST)
    return {
        **chosen,
        "metric": config.task(task).metric if task else "",
        "objective": config.tasks[task].objective_at_least if task else None,
        "objectives": _objectives(store, config, task),
        "by": by,
        "tags": _tags(store, task, version),
        "parts": plain(by_slice(rows, by)),
        "windows": plain(course(known)),
    }


def _tags(store: Store, task: str, version: str) -> list[str]:
    """The tags that the newest requests have."""
    newest = store.interactions.figures(task, TAGGED, version=version) if version else []
    return sorted({tag for row in newest for tag in row.tags})


def _objectives(store: Store, config: Config, task: str) -> list[Data]:
    """Where the objectives of a task stand, of which the version that answers now is asked."""
    champion = store.aliases.get(task, "champion") if task else None
    if champion is None:
        return []
    at = clock(config, store, task)
    return [plain(one) for one in standings(config, store, task, store.versions.get(champion), at=at)]


def draw(data: Data) -> Data:
    """The courses, where there are two windows or more to draw."""
    rated = any(w["judged"] or w["unjudged"] for w in data["windows"])
    ways = [_chart(data, *way) for way in WAYS if way[0] != "judged" or rated]
    return {"charts": [_both(data), *ways], "rated": rated}


def _both(data: Data) -> dict[str, Any]:
    """What labels say, and beside it what would have been said without them."""
    measured, estimated = (_points(data, key) for key in ("measured", "estimated"))
    what = (
        "What the labels of each window say, and beside it what would be said without them, by confidence that the "
        "labels of the windows before have calibrated."
    )
    drawn = ""
    if max(len(measured), len(estimated)) > 1:
        first, second = (measured, estimated) if len(measured) > 1 else (estimated, [])
        drawn = plots.accuracy(
            first, what=f"{data['metric']}, {BOTH.lower()}", height=190, beside=second, target=data["objective"]
        )
    names = (("measured, by labels", "accent"), ("estimated, without labels", "slate dashed"))
    shown = names if len(measured) > 1 else (("estimated, without labels", "accent"),)
    return {"name": BOTH, "what": what, "svg": drawn, "key": [{"name": n, "swatch": swatch(t)} for n, t in shown]}


def _chart(data: Data, key: str, name: str, what: str) -> dict[str, Any]:
    points = _points(data, key)
    drawn = plots.accuracy(points, what=f"{data['metric']}, {name.lower()}", height=150) if len(points) > 1 else ""
    return {"name": name, "what": what, "svg": drawn, "key": []}


def _points(data: Data, key: str) -> list[dict[str, Any]]:
    return [{"time": w["end"], "version": "", **w[key]} for w in data["windows"] if w[key] is not None]


PAGE = Page(path="/quality", name="Quality", template="quality.html", data=data, draw=draw)

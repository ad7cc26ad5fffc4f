"""The report of a demo as one HTML file that needs nothing else: no network, no script, nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from homeostat.web import plots, story
from homeostat.web.document import number, rows, text
from homeostat.web.environment import set_page, stylesheet

CHANNELS = ("confidence", "neighbors")


def render(document: Mapping[str, Any]) -> str:
    """The demo's document (`homeostat demo --json`, with its timeline, series and replies) as a page to keep.

    What the document lacks is left out of the page; nothing is made up in its place.
    """
    series = (*rows(document, "series", "accuracy"), *rows(document, "series", "drift"))
    times = [time for point in series if (time := number(point.get("time"))) is not None]
    numbered = plots.events(document, min(times), max(times)) if times else []
    return set_page(
        "report.html",
        {
            "style": Markup(stylesheet()),
            "stream": text(document.get("stream")),
            "kind": text(document.get("kind")),
            "headline": story.headline(document),
            "facts": story.facts(document),
            "accuracy": plots.accuracy(rows(document, "series", "accuracy"), numbered),
            "events": numbered,
            **_drift(document, [event for event in numbered if event["event"] == "signal"]),
            "slices": plots.slices(rows(document, "series", "slices")),
            "old_and_new": story.old_and_new(document),
            "arms": story.arms(document),
            "turns": story.turns(document),
            "losses": plots.losses(rows(document, "series", "losses")),
            "losses_key": plots.losses_key(),
            "replies": story.replies(document),
            "win_rate": story.win_rate(document),
            "rollback": story.rollback(document),
            "timeline": story.timeline(document),
        },
    )


def _drift(document: Mapping[str, Any], signals: list[plots.Row]) -> dict[str, Any]:
    """The statistic in the document's own rows, `{time, confidence, neighbors, threshold}`, all log10."""
    points = rows(document, "series", "drift")
    threshold = next((t for point in reversed(points) if (t := number(point.get("threshold"))) is not None), None)
    if threshold is None:
        return {"drift": "", "drift_key": []}
    seen = [channel for channel in CHANNELS if any(number(point.get(channel)) is not None for point in points)]
    table = [[point.get("time"), *(point.get(channel) for channel in seen)] for point in points]
    return {"drift": plots.drift(table, seen, threshold, signals), "drift_key": plots.drift_key(seen)}

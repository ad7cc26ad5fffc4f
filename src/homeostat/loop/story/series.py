"""The curves of the report: accuracy over time, the drift statistic, slices, losses."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from homeostat.loop.story.referee import score_of
from homeostat.loop.story.script import TASK, Story
from homeostat.types.report import Score
from homeostat.types.version import Version


def series(story: Story, onsets: list[float], champions: list[Version]) -> dict[str, Any]:
    """Everything the report draws over time."""
    store = story.shop.store
    threshold = math.log10(story.config.monitor.false_alarm_every)
    drift = [
        {"time": p[0], "confidence": p[1], "neighbors": p[2] if len(p) > 2 else None, "threshold": threshold}
        for v in champions
        for p in store.state.get(f"trace:{v.id}", [])
    ]
    losses = [
        {
            "version": v.id,
            "recipe": v.recipe.get("name", ""),
            "points": [e.values for e in store.events.list(v.id) if e.name == "training"],
        }
        for v in store.versions.list(TASK)
        if v.cost.get("steps")
    ]
    return {
        "accuracy": story.referee.course(),
        "drift": sorted(drift, key=lambda p: p["time"]),
        "slices": _slices(story, onsets),
        "losses": losses,
    }


def _slices(story: Story, onsets: list[float]) -> list[dict[str, Any]]:
    """Accuracy per slice: before the first change, after it under the first version, and under later ones."""
    onset, first = (onsets[0] if onsets else math.inf), story.first.id
    out = []
    for name in dict.fromkeys(mark.slice for mark in story.referee.marks):
        marks = [mark for mark in story.referee.marks if mark.slice == name]
        parts = {
            "before_drift": [m for m in marks if m.time < onset],
            "after_drift": [m for m in marks if m.time >= onset and m.version == first],
            "after_turn": [m for m in marks if m.version != first],
        }
        scores = {part: plain(score_of(kept)) for part, kept in parts.items()}
        out.append({"slice": name, "n": len(marks), **scores})
    return out


def plain(score: Score | None) -> dict[str, Any] | None:
    """A score as JSON values."""
    return None if score is None else asdict(score)

"""One turn: its signals, its decision, every attempt with its dataset, run and verdict, and its release."""

from __future__ import annotations

import time
from typing import Any

from homeostat.config.schema import Config
from homeostat.loop.proving.later import key
from homeostat.monitor.behavior.forecast import state_key
from homeostat.release.states import held_until
from homeostat.store import Store
from homeostat.types.turn import Turn
from homeostat.web import plots, training
from homeostat.web.evidence import funnel, measured
from homeostat.web.pages.page import Asked, Data, Page, found
from homeostat.web.plain import plain


def data(store: Store, config: Config, asked: Asked) -> Data:
    """The nouns that the turn left, in the order of its steps.

    Raises:
        NotFound: no such turn.
    """
    turn = store.turns.get(asked["id"])
    return {
        "turn": plain(turn),
        "signals": [_signal(store, id) for id in turn.diary.get("watch", "").split()],
        "decision": plain(found(store.decisions, turn.diary.get("decide", ""))),
        "attempts": [_attempt(store, turn, recipe) for recipe in _recipes(turn)],
        "releases": _releases(store, turn),
        "held_until": held_until(store, store.releases.current(turn.task), time.time()) if turn.under_way else 0.0,
    }


def _signal(store: Store, id: str) -> Any:
    signal = found(store.signals, id)
    if signal is None:
        return {"id": id, "moved": "", "detector": "", "statistic": None, "threshold": None, "n": None, "texts": []}
    texts = [row.text for example in signal.examples if (row := found(store.interactions, example)) is not None]
    return plain(signal) | {"texts": texts}


def _recipes(turn: Turn) -> list[str]:
    """The recipes that were tried, in order: the second halves of steps such as `curate.careful`."""
    steps = [step.partition(".") for step in turn.diary]
    return list(dict.fromkeys(recipe for kind, _, recipe in steps if kind in ("curate", "train")))


def _attempt(store: Store, turn: Turn, recipe: str) -> Data:
    left = {kind: turn.diary.get(f"{kind}.{recipe}", "") for kind in ("curate", "train", "evaluate", "gate")}
    dataset, version = found(store.datasets, left["curate"]), found(store.versions, left["train"])
    seen = training.looks(store, left["train"])
    return {
        "recipe": recipe,
        "dataset": {"id": dataset.id, "counts": plain(dataset.counts)} if dataset else None,
        "version": left["train"],
        "state": version.state.value if version else "",
        "cost": plain(version.cost) if version else {},
        "report": plain(found(store.reports, left["evaluate"])),
        "verdict": plain(found(store.verdicts, left["gate"])),
        "again": _again(store, left["train"]),
        "rehearsal": store.state.get(state_key(left["train"])) if left["train"] else None,
        "losses": training.losses(seen),
        "course": training.course(seen),
    }


def _again(store: Store, version: str) -> Data | None:
    """What the gate said when it looked again, after how many labels, and how many more are wanted; None if it has
    not.
    """
    kept = store.state.get(key(version)) if version else None
    return {name: kept[name] for name in ("because", "labels", "wanted")} if isinstance(kept, dict) else None


def _releases(store: Store, turn: Turn) -> list[Any]:
    """The release rows that the turn left, each once."""
    ids = dict.fromkeys(left for left in turn.diary.values() if left.startswith("rel_"))
    return [plain(release) for id in ids if (release := found(store.releases, id)) is not None]


def draw(data: Data) -> Data:
    """Per attempt the funnel, the scores and the gauges of its run; the losses of all on one scale."""
    runs = [{"version": attempt["version"], "points": attempt["losses"]} for attempt in data["attempts"]]
    drawn = [
        {
            "funnel": funnel(attempt["dataset"]["counts"]) if attempt["dataset"] else [],
            "scores": measured(attempt["report"]) if attempt["report"] else [],
            "gauges": training.gauges(attempt["version"], attempt["course"]),
        }
        for attempt in data["attempts"]
    ]
    return {"drawn": drawn, "losses": plots.losses(runs), "losses_key": plots.losses_key()}


PAGE = Page(path="/turns/{id}", name="Turns", template="turn.html", data=data, draw=draw)

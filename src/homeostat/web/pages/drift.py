"""How far the traffic has moved, and the signals that it gave, each with what moved beside what came before."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from homeostat.config.schema import Config
from homeostat.monitor.channels import CONFIDENCE, NEIGHBORS
from homeostat.monitor.levels import of_labels, of_requests
from homeostat.monitor.naming.name import state_key
from homeostat.monitor.naming.plane import POINTS
from homeostat.monitor.naming.shares import shares_key
from homeostat.monitor.watch import LOSS
from homeostat.store import Store
from homeostat.types.interaction import Interaction
from homeostat.types.signal import Moved, Signal
from homeostat.web import plane, plots, words
from homeostat.web.around import mapped
from homeostat.web.pages.page import PREFIX, Asked, Data, Page, chosen_version, found
from homeostat.web.plain import plain
from homeostat.web.svg import Caption
from homeostat.web.upstreams import judges, models

SHOWN = 10
"""Signals on the page."""


MEANS = {
    Moved.NOVELTY: "requests unlike those before: farther from what the model knows, or answered less surely",
    Moved.MIX: "the same kinds of requests, in other proportions",
    Moved.PERFORMANCE: "more replies are wrong, by labels or ratings",
    Moved.UPSTREAM: "a model elsewhere replies otherwise than it did; no reason to retrain",
    Moved.JUDGE: "whoever rates replies rates otherwise than before; no reason to retrain",
    Moved.FEEDBACK: "what is said of replies contradicts itself, and is held back; no reason to retrain",
}
"""What each kind of signal says."""


def data(store: Store, config: Config, asked: Asked) -> Data:
    """The course of the statistic of one version (`version`, else the champion) of a task, and the task's signals."""
    version, chosen = chosen_version(store, config, asked)
    task = chosen["asked"]["task"]
    signals = store.signals.list(task, limit=SHOWN) if task else []
    trace = store.state.get(f"trace:{version}", []) if version else []
    return {
        **chosen,
        "threshold": config.monitor.false_alarm_every,
        "threshold_log10": math.log10(config.monitor.false_alarm_every),
        "channels": [CONFIDENCE, NEIGHBORS],
        "trace": plain(trace),
        "levels": _levels(trace, store.state.get(f"watcher:{version}", {}) if version else {}),
        "signals": [_signal(store, signal) for signal in reversed(signals)],
        "map": mapped(store, task, version, signals, seed=config.monitor.seed),
        "models": models(store, task) if task else [],
        "judges": judges(store, task) if task else [],
    }


def _levels(trace: Sequence[Sequence[float]], watcher: Mapping[str, Any]) -> list[Data]:
    """Each statistic now and at its highest, as base-10 logarithms; that of labels with how many there were."""
    found = [{"name": name, "labels": None} | plain(level) for name, level in of_requests(trace).items()]
    known = of_labels(watcher)
    return [*found, {"name": LOSS, "labels": known[0]} | plain(known[1])] if known else found


def _signal(store: Store, signal: Signal) -> Any:
    moved = [row for id in signal.examples if (row := found(store.interactions, id)) is not None]
    change = signal.since or signal.time
    before = store.interactions.last(signal.task, max(1, len(moved)), until=change)[::-1]
    rows = {"moved_rows": [_row(r) for r in moved], "rows_before": [_row(r) for r in before]}
    told = {"naming": _naming(store, signal), "shares": store.state.get(shares_key(signal.id), {}).get("shares", [])}
    return plain(signal) | rows | {"means": MEANS[signal.moved]} | told


def _naming(store: Store, signal: Signal) -> Any:
    """What moved, named, with the requests that show each new topic; None where nothing has been kept."""
    kept = store.state.get(state_key(signal.id))
    if kept is None:
        return None
    shown = [
        topic | {"rows": [_row(r) for id in topic["examples"] if (r := found(store.interactions, id)) is not None]}
        for topic in kept["topics"]
    ]
    return kept | {"topics": shown}


def _row(row: Interaction) -> Data:
    return {"id": row.id, "time": row.time, "text": row.text, "reply": row.reply, "confidence": plain(row.confidence)}


def draw(data: Data) -> Data:
    """The course, with the signals that fall into it."""
    width = max((len(row) for row in data["trace"]), default=1) - 1
    channels = [*data["channels"][:width], *(f"channel {k + 1}" for k in range(len(data["channels"]), width))]
    signals = sorted(data["signals"], key=lambda signal: float(signal["time"]))
    numbered = [
        {"number": k + 1, "x": s["time"], "when": words.when(s["time"]), "event": "signal", "text": s["moved"]}
        for k, s in enumerate(signals)
    ]
    numbers = {signal["id"]: k + 1 for k, signal in enumerate(signals)}
    svg = plots.drift(data["trace"], channels, data["threshold_log10"], numbered)
    looks = ((one["name"], plots.looks(one["trace"], one["name"], one["threshold"])) for one in data["models"])
    return {
        "chart": svg,
        "key_of_lines": plots.drift_key(channels),
        "numbers": numbers,
        "model_charts": [{"name": name, "svg": svg} for name, svg in looks],
        "map_chart": _map(data["map"]),
        "side": POINTS,
        "landmarks": _landmarks(data["map"]),
        "map_key": [
            {"name": "before", "swatch": plane.swatch(current=False)},
            {"name": "since", "swatch": plane.swatch(current=True)},
        ],
    }


def _landmarks(told: Data) -> list[Data]:
    """Topics that were named, then groups, numbered as on the map."""
    rows = [*(topic | {"new": True} for topic in told["topics"]), *(group | {"new": False} for group in told["groups"])]
    return [{"number": k + 1, **row} for k, row in enumerate(rows)]


def _map(told: Data) -> str:
    """The drawing; empty where there is none."""
    if told["because"]:
        return ""
    sides = [sum(point["current"] is side for point in told["points"]) for side in (False, True)]
    caption = Caption(
        title="Requests before and since, by their embeddings",
        description=f"{sides[0]} requests before and {sides[1]} since, on the first two principal components of those "
        f"before, which hold {words.percent(told['axes'][0], 0)} and {words.percent(told['axes'][1], 0)} of their "
        "variance. The groups are told in the table below.",
    )
    labels = [plane.Label(one["number"], one["name"], one["x"], one["y"], one["new"]) for one in _landmarks(told)]
    return plane.plane(caption, told["points"], labels, axes=told["axes"], to=f"{PREFIX}/why/")


PAGE = Page(path="/drift", name="Drift", template="drift.html", data=data, draw=draw)

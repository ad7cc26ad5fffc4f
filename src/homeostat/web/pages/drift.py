"""How far the traffic has moved, and the signals that it gave, each with what moved beside what came before."""

from __future__ import annotations

import math
from typing import Any

from homeostat.config.schema import Config
from homeostat.monitor.channels import CONFIDENCE, NEIGHBORS
from homeostat.monitor.naming.name import state_key
from homeostat.store import Store
from homeostat.types.interaction import Interaction
from homeostat.types.signal import Signal
from homeostat.web import plots, words
from homeostat.web.newest import newest
from homeostat.web.pages.page import Asked, Data, Page, chosen_version, found
from homeostat.web.plain import plain

SHOWN = 10
"""Signals on the page."""


def data(store: Store, config: Config, asked: Asked) -> Data:
    """The course of the statistic of one version (`version`, else the champion) of a task, and the task's signals."""
    version, chosen = chosen_version(store, config, asked)
    task = chosen["asked"]["task"]
    signals = store.signals.list(task, limit=SHOWN) if task else []
    return {
        **chosen,
        "threshold_log10": math.log10(config.monitor.false_alarm_every),
        "channels": [CONFIDENCE, NEIGHBORS],
        "trace": plain(store.state.get(f"trace:{version}", [])) if version else [],
        "signals": [_signal(store, signal) for signal in reversed(signals)],
    }


def _signal(store: Store, signal: Signal) -> Any:
    moved = [row for id in signal.examples if (row := found(store.interactions, id)) is not None]
    change = signal.since or signal.time
    before = newest(store, signal.task, max(1, len(moved)), until=change)
    rows = {"moved_rows": [_row(r) for r in moved], "rows_before": [_row(r) for r in before]}
    return plain(signal) | rows | {"naming": _naming(store, signal)}


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
    return {"chart": svg, "key_of_lines": plots.drift_key(channels), "numbers": numbers}


PAGE = Page(path="/drift", name="Drift", template="drift.html", data=data, draw=draw)

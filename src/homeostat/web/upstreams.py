"""Models elsewhere and judges: how far each is from being called changed, look by look."""

from __future__ import annotations

import math
from typing import Any

from homeostat.loop.listening.judges import standings
from homeostat.loop.noticing.upstream import LOOKED
from homeostat.monitor.anchors import EVERY
from homeostat.store import Store
from homeostat.types.signal import Moved
from homeostat.web.plain import plain

Data = dict[str, Any]
_LEAST = 1e-3
"""Evidence that is drawn, at least: it is 0 at the first look, which has no logarithm."""


def models(store: Store, task: str) -> list[Data]:
    """Every model elsewhere that was asked a task's prompts, with the evidence after each look."""
    prefix = f"upstream:{task}:"
    return [_model(store, key, key.removeprefix(prefix), task) for key in store.state.keys(prefix)]


def _model(store: Store, key: str, name: str, task: str) -> Data:
    looks = [event.values for event in store.events.list(key) if event.name == LOOKED]
    told = [s for s in store.signals.list(task) if s.moved is Moved.UPSTREAM and s.slice == f"model={name}"]
    return {
        "name": name,
        "looks": len(looks),
        "evidence": plain(looks[-1]["evidence"]) if looks else None,
        "threshold": EVERY,
        "changed": told[-1].time if told else None,
        "trace": [[look["time"], math.log10(max(look["evidence"], _LEAST))] for look in looks],
    }


def judges(store: Store, task: str) -> list[Data]:
    """Every judge that has rated replies of a task."""
    return [plain(one) for one in standings(store, task)]

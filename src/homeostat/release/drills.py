"""Drills as rows: what was ordered, which kind is due, and what came of one. Imports no model library."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from homeostat.config.schema import Release as Settings
from homeostat.errors import NotReleasable
from homeostat.release.breaking import BIASED, KINDS, SABOTAGED, SHARES, Fault
from homeostat.release.slices import SLICE_ROWS, slices_of
from homeostat.store import Store
from homeostat.types.release import Release, Stage
from homeostat.types.turn import PUSHED

WITHIN_S = 3600.0
"""Seconds after which a drill ends, whatever the guard has seen."""
_SLICE = 0.3
"""Share of the traffic that a biased version is best wrong about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a drill shall do."""

    fault: Fault
    within_s: float = WITHIN_S
    policy: str = ""
    """By which it was begun; empty where a person has asked for it."""


def order(store: Store, task: str, drill: str, kind: str, within_s: float = WITHIN_S, policy: str = "") -> Order:
    """Write down what a drill shall do, before it begins.

    Raises:
        NotReleasable: a biased version is wanted, and no tag tells slices of the recent requests apart.
    """
    place = ("", "")
    if kind == BIASED:
        slices = slices_of(store.interactions.last(task, SLICE_ROWS))
        if not slices:
            what = f"the requests of '{task}' have no slices to be biased about"
            raise NotReleasable(what, fix="send tags as `metadata`, or drill another kind")
        tag, _, value = min(slices, key=lambda name: abs(slices[name] - _SLICE)).partition("=")
        place = (tag, value)
    made = Order(fault=Fault(kind=kind, share=SHARES.get(kind, 0.0), slice=place), within_s=within_s, policy=policy)
    row = {"kind": kind, "share": made.fault.share, "slice": list(place), "within_s": within_s, "policy": policy}
    store.state.put(_key(drill), row)
    return made


def ordered(store: Store, drill: str) -> Order:
    """What a drill was ordered to do; one that was not is of a sabotaged version."""
    kept = store.state.get(_key(drill))
    if not isinstance(kept, dict):
        return Order(fault=Fault(kind=SABOTAGED))
    tag, value = kept["slice"]
    fault = Fault(kind=str(kept["kind"]), share=float(kept["share"]), slice=(str(tag), str(value)))
    return Order(fault=fault, within_s=float(kept["within_s"]), policy=str(kept.get("policy", "")))


def past(store: Store, task: str, settings: Settings) -> list[Mapping[str, Any]]:
    """What came of every drill of a task, as `outcome` tells it and with the moment that it was ordered, oldest first;
    of those under way as far as they have come.
    """
    drills = [turn for turn in store.turns.list(task) if turn.story == "drill"]
    return [{"time": turn.time, **outcome(store, task, turn.id, settings)} for turn in drills]


def due(store: Store, task: str) -> str:
    """The kind that was drilled longest ago, or never; without slices none that is biased."""
    last = dict.fromkeys(KINDS, -1)
    for at, turn in enumerate(store.turns.list(task)):
        if turn.story == "drill":
            last[ordered(store, turn.id).fault.kind] = at
    if not slices_of(store.interactions.last(task, SLICE_ROWS)):
        del last[BIASED]
    return min(last, key=lambda kind: last[kind])


def outcome(store: Store, task: str, drill: str, settings: Settings) -> Mapping[str, Any]:
    """What came of a drill, as plain values.

    `seen` says that the guard has shown harm, `seconds` how long the canary was open, `exposed_requests` how many
    replies of the broken version users had, and `failed_requests` how many requests and copies it failed on.
    """
    turn, known = store.turns.get(drill), ordered(store, drill)
    fault = known.fault
    rows = store.releases.list(task)
    opened = next((row for row in rows if row.id == turn.diary.get(PUSHED)), None)
    back = _end(rows, opened) if opened else None
    last = [row for row in rows if opened and row.opened == opened.id]  # rows of one canary, whose share was raised
    kept = store.state.get(f"guard:{last[-1].id}") if last else None
    harm = float(kept["harm"]) if isinstance(kept, dict) else 0.0
    return {
        "drill": drill,
        "kind": fault.kind,
        "policy": known.policy,
        "slice": "=".join(fault.slice).strip("="),
        "version": opened.candidate if opened else "",
        "withdrawn": back is not None,
        "seen": back is not None and harm >= -math.log(max(settings.harm_alpha, 1e-300)),
        "seconds": round(back.time - opened.time, 2) if opened and back else None,
        "exposed_requests": store.interactions.count(task, version=opened.candidate) if opened else 0,
        "failed_requests": int(kept["errors"]) if isinstance(kept, dict) else 0,
        "because": back.because if back else turn.because,
        "evidence": kept if isinstance(kept, dict) else {},
    }


def _end(rows: list[Release], opened: Release) -> Release | None:
    """The row that took a canary's candidate back."""
    after = rows[rows.index(opened) + 1 :]
    return next((r for r in after if r.stage is Stage.ROLLBACK and r.candidate == opened.candidate), None)


def _key(drill: str) -> str:
    return f"drill:{drill}"

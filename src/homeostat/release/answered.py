"""The episodes of a split: what was fixed before the first, who answered each, and what is known of it.

An episode is one unit with the mean of what is known of its requests, for they were drawn together; where its version
has left the split, what comes later counts no more.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from homeostat.release.games import COST, ERRORS, LATENCY, QUALITY
from homeostat.release.hindsight import OUTCOMES
from homeostat.release.judges import said_of
from homeostat.release.noted import ERROR
from homeostat.release.route import chance, divided
from homeostat.release.slices import names
from homeostat.store import Store
from homeostat.store.rows import plain, rebuild
from homeostat.types import ids
from homeostat.types.interaction import Interaction
from homeostat.types.release import Release
from homeostat.types.task import Kind

Floats = NDArray[np.float64]
UNKNOWN = math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was fixed before the first request of a split."""

    trial: str
    champion: str
    weights: Mapping[str, float]
    """Version -> its share, the champion's among them."""
    adaptive: bool = False
    """Whether a version that is beaten leaves, and the last one answers everybody."""
    promotes: bool = False
    """Whether the best one answers everybody once it is shown, with no word of a person."""
    by: str = "right"
    """What quality is: one of `release.hindsight.OUTCOMES`."""
    center: float = 0.5
    """The champion's usual quality."""
    slow_ms: float = 0.0
    """Milliseconds above which a reply is much slower than usual; 0 where nothing is known of that."""
    long_tokens: float = 0.0
    slices: tuple[str, ...] = ()
    since: float = 0.0
    """No request of the split has an earlier time, by the clock of the requests."""


@dataclass(frozen=True, slots=True)
class Unit:
    """An episode: who drew it, under which row of the split, and what its requests came to."""

    arm: int
    row: int
    slices: frozenset[str]
    told: list[float] = field(default_factory=list)
    failed: list[float] = field(default_factory=list)
    slow: list[float] = field(default_factory=list)
    long: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Table:
    """Units as columns; what is not known of one is NaN."""

    arm: NDArray[np.int64]
    alive: NDArray[np.bool_]
    """bool[n, k]: which versions took part when the episode began."""
    columns: Mapping[str, Floats]
    """Measure -> float[n] in [0, 1], the higher the better."""

    def both(self, one: int, other: int, name: str) -> Floats:
        """What is known of the units of one version that another could have had."""
        values = self.columns[name][(self.arm == one) & self.alive[:, other]]
        return np.asarray(values[~np.isnan(values)], dtype=np.float64)


def plan_of(store: Store, trial: str) -> Plan | None:
    """The plan of a split; None where there is none."""
    kept = store.state.get(f"split:{trial}")
    return rebuild(Plan, kept) if isinstance(kept, dict) else None


def keep_plan(store: Store, plan: Plan) -> None:
    """Write a plan down."""
    store.state.put(f"split:{plan.trial}", plain(plan))


def usual(store: Store, champion: str, by: str, newest: Sequence[Interaction]) -> tuple[float, float, float]:
    """The champion's usual quality, milliseconds and tokens, from its newest requests; a half, 0 and 0 of none."""
    mine = [row for row in newest if row.version == champion]
    told = [value for value in _worth(store, mine, by, _kind(store, champion)) if not math.isnan(value)]
    center = float(np.mean(told)) if told else 0.5
    if not mine:
        return center, 0.0, 0.0
    return center, float(np.median([row.latency_ms for row in mine])), float(np.median([r.reply_tokens for r in mine]))


def _kind(store: Store, champion: str) -> Kind:
    return Kind.LABEL if store.versions.get(champion).labels else Kind.TEXT


def _worth(store: Store, rows: Sequence[Interaction], by: str, kind: Kind) -> list[float]:
    """What each reply was worth, the higher the better; NaN where that is not known."""
    said = said_of(store, rows[0].task, [row.id for row in rows]) if rows else {}
    values = [OUTCOMES[by](said.get(row.id, {}), row.reply, kind) for row in rows]
    turned = [None if value is None else 1.0 - value if by == "corrected" else value for value in values]
    return [UNKNOWN if value is None else min(max(value, 0.0), 1.0) for value in turned]


def units_of(store: Store, plan: Plan, rows: Sequence[Release]) -> list[Unit]:
    """The episodes of the split, each with what is known of the requests that its version answered, or failed on."""
    place = {version: k for k, version in enumerate(plan.weights)}
    begun, found = [row.time for row in rows], dict[str, Unit]()
    log = store.interactions.list(rows[0].task, since=plan.since) if rows else []
    episodes = {row.id: row.episode or row.id for row in log}
    routed = [(row, at) for row in log if (at := _routed(row, rows, begun)) is not None]
    worth = _worth(store, [row for row, _ in routed], plan.by, _kind(store, plan.champion))
    for (row, at), value in zip(routed, worth, strict=True):
        slices = frozenset(names(row)) & frozenset(plan.slices)
        unit = found.setdefault(episodes[row.id], Unit(place[row.version], at, slices))
        if unit.arm == place[row.version]:
            unit.told.append(value)
            unit.failed.append(0.0)
            unit.slow.append(float(bool(plan.slow_ms) and row.latency_ms > plan.slow_ms))
            unit.long.append(float(bool(plan.long_tokens) and row.reply_tokens > plan.long_tokens))
    for at, version, interaction in _failures(store, rows):
        if version in place:
            unit = found.setdefault(episodes.get(interaction, interaction), Unit(place[version], at, frozenset()))
            if unit.arm == place[version]:
                unit.failed.append(1.0)
    return list(found.values())


def _routed(row: Interaction, rows: Sequence[Release], begun: Sequence[float]) -> int | None:
    """The place of the row of the split that a request was routed by; None for one that none of them routed: it came
    earlier, named its version itself, or was answered in the place of a version that failed.
    """
    newest = bisect_right(begun, ids.moment(row.id) or row.time) - 1
    for at in (newest, newest - 1):  # the row before is in force until the gateway has looked
        if at >= 0 and (p := chance(rows[at], row.version)) and math.isclose(row.probability, p, abs_tol=1e-6):
            return at
    return None


def _failures(store: Store, rows: Sequence[Release]) -> Iterable[tuple[int, str, str]]:
    """Place of the row in force, version, and interaction of every request that a version failed on, each once."""
    known = {
        (at, str(event.values["version"]), str(event.values["interaction"]))
        for at, row in enumerate(rows)
        for event in store.events.list(row.id)
        if event.name == ERROR
    }
    return sorted(known)


def table_of(plan: Plan, versions: Sequence[str], units: Sequence[Unit], rows: Sequence[Release]) -> Table:
    """Units as columns."""
    there = np.array([[version in divided(row) for version in versions] for row in rows], dtype=bool)
    there = there.reshape(-1, len(versions))
    told = np.array([_mean([v for v in unit.told if not math.isnan(v)]) for unit in units], dtype=np.float64)
    columns = {
        QUALITY: told,
        ERRORS: 1.0 - np.array([_mean(unit.failed) for unit in units], dtype=np.float64),
        LATENCY: 1.0 - np.array([_mean(unit.slow) for unit in units], dtype=np.float64),
        COST: 1.0 - np.array([_mean(unit.long) for unit in units], dtype=np.float64),
    }
    for name in plan.slices:
        inside = np.array([name in unit.slices for unit in units], dtype=bool)
        columns[name] = np.where(inside, told, UNKNOWN)
    arm = np.array([unit.arm for unit in units], dtype=np.int64)
    return Table(arm, there[[unit.row for unit in units]] if units else np.zeros((0, len(versions)), bool), columns)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else UNKNOWN

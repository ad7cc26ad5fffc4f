"""What a turn has taken for nothing: work that left no version, whose cost would be forgotten with it."""

from __future__ import annotations

from collections.abc import Mapping

from homeostat.store import Store

NAME = "taken for nothing"
"""Name of the events of a turn that tell it."""


def lost(store: Store, turn: str, way: str, cost: Mapping[str, float]) -> None:
    """Write down what a way took that found nothing."""
    store.events.append(turn, NAME, {"way": way, "cost": dict(cost)})


def losses(store: Store, turn: str) -> list[Mapping[str, float]]:
    """What a turn has taken for nothing, one cost as of a version for each time."""
    return [event.values["cost"] for event in store.events.list(turn) if event.name == NAME]

"""What came of a training, for whoever asks whether the version is any good: its loss, what ended it, what is next."""

from __future__ import annotations

import math
from typing import Any

from homeostat.loop.making.learn import ENDED, heard
from homeostat.loop.workshop import Workshop
from homeostat.types.version import HEAD, Version

LIMITS = {
    "budget.seconds": "time",
    "budget.flops": "operations",
    "budget.watt_hours": "energy",
    "budget.money": "money",
}
"""What is in a budget -> in words."""

COUNTS = ("steps", "best_step", "back_offs", "skipped", "part_rows", "cut", "carried", "threads")
"""What a cost has that is counted, and so told without a fraction."""


def outcome(shop: Workshop, version: Version) -> dict[str, Any]:
    """The mean loss of rows that were held out (nats a row where it tells labels, a token else), that of guessing among
    its labels, what it goes on from, what ended its training early, and what to ask next; less what is not known.
    What its cost counts is in whole numbers.
    """
    told: dict[str, Any] = {"parent": version.parent}
    held = version.cost.get("held_out", math.inf)
    if math.isfinite(held):
        told["held_out_loss"] = held - version.cost.get("refit", 0.0)
        if version.labels and version.kind != HEAD:
            told["loss_of_guessing"] = math.log(len(version.labels))
    told |= {name: int(version.cost[name]) for name in COUNTS if name in version.cost}
    told["ended"] = ended(shop, version.id)
    told["next"] = f"homeostat eval {version.id}"
    return {name: value for name, value in told.items() if value != ""}


def going_on(shop: Workshop, version: str) -> str:
    """Where a training that was killed takes up again, as an addition to what is being done; empty where none was."""
    left = (shop.run_folder(version) / "checkpoint").exists()
    step = heard(shop, version)
    return f", going on from step {step:,.0f}" if left and step else ""


def ended(shop: Workshop, version: str) -> str:
    """Why its training made fewer steps than it was foretold; empty where it made all."""
    events = shop.store.events.list(version)
    ends = [event.values for event in events if event.name == ENDED]
    if not ends:
        return ""
    by, step = ends[-1]["by"], ends[-1]["step"]
    whole = max((event.values["steps"] for event in events if event.name == "training"), default=step)
    why = "it got no better" if by == "patience" else f"its budget of {LIMITS.get(by, 'time')} was spent"
    return f"{why}, after {step:,.0f} of {whole:,.0f} steps"

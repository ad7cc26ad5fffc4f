"""By which versions the backtests of a task are judged: noted when they were trained, until others are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from homeostat.config.schema import Config
from homeostat.loop.backtests.backtest import Answered, Record
from homeostat.loop.backtests.moments import FOLDER, planned, priced
from homeostat.loop.backtests.retrained import Plan, Retrained, Wish, missing, retrained
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named

USED = "used.json"
LEAST = 2
"""Versions without which nothing is known of what training wins: the first champion, and one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Versions that were trained for backtests of a task."""

    recipe: str
    moments: int
    """Versions after the first champion."""
    since: float
    until: float
    """The stretch of the log that they were trained on, in seconds since 1970."""


def noted(config: Config, task: str) -> Note | None:
    """By which versions a task's backtests are judged; None where it is by heads."""
    found = _read(config).get(task)
    return Note(**found) if found else None


def note(config: Config, task: str, said: Note | None) -> None:
    """Judge a task's backtests by these versions from now on, or by heads. What was trained stays where it is."""
    kept = {**_read(config), task: asdict(said) if said else None}
    file = Path(config.folder) / FOLDER / USED
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({name: one for name, one in kept.items() if one}), encoding="utf-8")


def _read(config: Config) -> Mapping[str, Any]:
    file = Path(config.folder) / FOLDER / USED
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def judged(shop: Workshop, task: str, said: Note, record: Record, heads: Answered) -> Retrained | None:
    """The history by the versions of a note, as far as they are there; None where not even one was trained from this
    log by the recipe as it is now. Trains nothing and asks nothing.
    """
    recipe = named(said.recipe, shop.config.train, replay=shop.config.curate.replay)
    every = planned(shop, shop.config.task(task), record, recipe, heads.step, heads.times, said.moments)
    there = tuple(takewhile(lambda one: one.there and not missing(record, heads, one), every))
    if len(there) < LEAST:
        return None
    plan = Plan(moments=there, price=priced(shop, there, (), lambda one: 0), left_out=len(every) - len(there))
    return retrained(shop, record, heads, Wish(recipe=recipe, moments=said.moments), plan)

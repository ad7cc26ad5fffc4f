"""What a turn has trained so far: each attempt with its recipe, its version, and the report about it."""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.decide.option import DISTIL
from homeostat.loop.making.prefacing import WORDS
from homeostat.loop.steps import Now
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.train.recipe import Recipe
from homeostat.types.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """An attempt."""

    recipe: Recipe
    candidate: Version
    report: str
    """Id of the report about it; empty where it was not measured."""


def tried(shop: Workshop, now: Now) -> list[Tried]:
    """The attempts of a turn, in the order in which they were trained; what was mended, worded otherwise or taught
    by a teacher is none.
    """
    diary = shop.store.turns.get(now.turn).diary
    names = [step.removeprefix("curate.") for step in diary if step.startswith("curate.")]
    names = [name for name in names if name not in (*WORDS, DISTIL)]
    return [
        Tried(
            recipe=named(name, shop.config.train, replay=shop.config.curate.replay),
            candidate=shop.store.versions.get(diary[f"train.{name}"]),
            report=diary.get(f"evaluate.{name}", ""),
        )
        for name in names
        if diary.get(f"train.{name}")
    ]

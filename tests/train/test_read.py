"""Plain values become recipes, and every mistake is told where it is."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, get_args, get_type_hints

import pytest

from homeostat.config.schema import Limits
from homeostat.errors import HomeostatError, UnknownKey, UnknownPlugin, WrongType
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.budget import Budget
from homeostat.train.objectives.classes.focal import Focal
from homeostat.train.optim import OPTIMIZERS, SCHEDULES
from homeostat.train.order.curriculum import PACINGS, Curriculum
from homeostat.train.order.difficulty import Rarity
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.penalties.ewc import Ewc
from homeostat.train.read import CHOSEN, changed
from homeostat.train.recipe import Recipe


def test_names_become_methods() -> None:
    """A method by its name alone has its defaults; with parameters it has those."""
    values = {
        "adapt": "full",
        "objective": {"focal": {"gamma": 1}},
        "penalties": ["divergence", {"ewc": {"weight": 3, "rows": 10}}],
        "order": {"curriculum": {"difficulty": "rarity", "warm_up": 0.5}},
        "budget": {"seconds": 60},
        "lr": 1,
        "save_memory": True,
    }
    made = changed(Recipe(), values, "here")
    assert (made.adapt, made.objective) == (Full(), Focal(gamma=1.0))
    assert made.penalties == (Divergence(), Ewc(weight=3.0, rows=10))
    assert made.order == Curriculum(difficulty=Rarity(), warm_up=0.5)
    assert (made.budget, made.lr, made.save_memory) == (Budget(seconds=60.0), 1.0, True)
    assert isinstance(made.lr, float)


def test_what_is_not_given_stays() -> None:
    """Nothing given, nothing changed; `null` stands for nothing where a field may hold nothing."""
    begun = Recipe(lr=0.5, adapt=Lora(rank=3))
    assert changed(begun, {}, "here") == begun
    assert changed(begun, {"adapt": {"lora": {"alpha": None}}, "order": None}, "here").adapt == Lora()


def test_passes_that_are_given_are_made() -> None:
    """A recipe that goes by what its share pays for does not any more when it says how many passes it wants."""
    assert changed(Recipe(share=0.2), {"lr": 0.1}, "here").share
    assert not changed(Recipe(share=0.2), {"epochs": 2}, "here").share


def numbers() -> list[tuple[str, str, float | None, float | None]]:
    """Every number that a recipe may hold: of itself, its budget, and every method; class, field and its two ends."""
    kinds = [Recipe, Budget, *(shelf.get(name) for shelf in CHOSEN.values() for name in shelf.names())]
    found = []
    for kind in kinds:
        hints = get_type_hints(kind)
        for each in fields(kind):
            if {int, float} & {hints[each.name], *get_args(hints[each.name])} and each.default is not MISSING:
                limits = each.metadata.get("limits", Limits())
                found.append((kind.__name__, each.name, limits.least, limits.most))
    return found


def test_every_number_has_a_least() -> None:
    """No field of a recipe, of its budget or of a method takes a negative number by oversight."""
    found = numbers()
    assert len(found) > 80
    assert [each for each in found if each[2] is None or each[2] < 0] == []


def test_names_that_are_checked_are_those_that_there_are() -> None:
    """What a recipe says that it takes, a run has."""
    held = {
        each.name: each.metadata["limits"].among for each in (*fields(Recipe), *fields(Curriculum)) if each.metadata
    }
    assert set(held["optimizer"]) == set(OPTIMIZERS)
    assert set(held["schedule"]) == set(SCHEDULES)
    assert set(held["pacing"]) == set(PACINGS)


@pytest.mark.parametrize(
    "values",
    [
        {"batch_rows": 1, "held_out": 0, "epochs": 0.1, "lr": 0, "seed": 0, "clip": 1e9},
        {"adapt": {"lora": {"bottom": 4, "rank": 1}}, "budget": {"seconds": 0}, "replay": 7},
        {"objective": {"adjusted": {"tau": 2}}, "optimizer": "adamw_8bit", "schedule": "stable"},
    ],
)
def test_the_ends_of_a_range_are_in_it(values: dict[str, Any]) -> None:
    """What makes sense is taken, however unusual."""
    assert changed(Recipe(), values, "here") != Recipe()


@pytest.mark.parametrize(
    ("values", "kind", "says"),
    [
        ({"batch_rows": 0}, WrongType, r"batch_rows must be at least 1, got 0 .*here\.batch_rows.*from 1 on"),
        ({"held_out": 1.5}, WrongType, r"at most 0.99, got 1.5 .*here\.held_out.*from 0 to 0.99"),
        ({"epochs": -3}, WrongType, r"epochs must be above 0, got -3 .*here\.epochs"),
        ({"looks": 0}, WrongType, "at least 1, got 0"),
        ({"lr": float("nan")}, WrongType, "lr must be at least 0, got nan"),
        ({"lr": float("inf")}, WrongType, "lr must be a number that ends, got inf"),
        ({"budget": {"seconds": -1}}, WrongType, r"at least 0, got -1 .*here\.budget\.seconds"),
        ({"adapt": {"lora": {"rank": 0}}}, WrongType, r"at least 1, got 0 .*here\.adapt\.lora\.rank"),
        ({"adapt": {"lora": {"alpha": -1}}}, WrongType, r"above 0, got -1 .*here\.adapt\.lora\.alpha"),
        ({"penalties": [{"ewc": {"rows": 0}}]}, WrongType, r"here\.penalties\[0\]\.ewc\.rows"),
        ({"optimizer": "adamW"}, UnknownPlugin, r"unknown optimizer 'adamW' .*here\.optimizer.*did you mean 'adamw'"),
        ({"schedule": "cosin"}, UnknownPlugin, r"here\.schedule.*did you mean 'cosine'"),
        ({"order": {"curriculum": {"pacing": "rot"}}}, UnknownPlugin, r"curriculum\.pacing.*did you mean 'root'"),
        ({"adapt": "lor"}, UnknownPlugin, r"here\.adapt.*did you mean 'lora'"),
        ({"adapt": {"lora": {"rnk": 1}}}, UnknownKey, r"here\.adapt\.lora\.rnk.*did you mean 'rank'"),
        ({"lrr": 1}, UnknownKey, "did you mean 'lr'"),
        ({"name": "x", "penaltie": []}, UnknownKey, "did you mean 'penalties'"),
        ({"lr": "fast"}, WrongType, "'fast' where a number is wanted"),
        ({"epochs": True}, WrongType, "True where a number is wanted"),
        ({"seed": 1.5}, WrongType, "1.5 where a whole number is wanted"),
        ({"penalties": "ewc"}, WrongType, "'ewc' where a list is wanted"),
        ({"penalties": ["divergence", {"ewc": 3}]}, WrongType, r"here\.penalties\[1\]\.ewc"),
        ({"adapt": {"lora": {}, "full": {}}}, WrongType, "the name of one way to adapt"),
        ({"order": {"curriculum": {"difficulty": "given"}}}, WrongType, "given needs `values`"),
        ({"adapt": {"lora": {"init": "pisa"}}}, WrongType, r"'pisa' is none.*did you mean 'pissa'"),
        ({"budget": 5}, WrongType, "5 where keys and values is wanted"),
    ],
)
def test_mistakes(values: dict[str, Any], kind: type[HomeostatError], says: str) -> None:
    """Each says what is wrong, where, and what was probably meant."""
    with pytest.raises(kind, match=f"(?s){says}"):
        changed(Recipe(), values, "here")

"""Plain values become recipes, and every mistake is told where it is."""

from __future__ import annotations

from typing import Any

import pytest

from homeostat.errors import HomeostatError, UnknownKey, UnknownPlugin, WrongType
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.budget import Budget
from homeostat.train.objectives.classes.focal import Focal
from homeostat.train.order.curriculum import Curriculum
from homeostat.train.order.difficulty import Rarity
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.penalties.ewc import Ewc
from homeostat.train.read import changed
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


@pytest.mark.parametrize(
    ("values", "kind", "says"),
    [
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

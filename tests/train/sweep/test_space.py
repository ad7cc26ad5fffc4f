"""What a sweep may try."""

from __future__ import annotations

from typing import Any

import pytest

from homeostat.config.schema import Train
from homeostat.errors import UnknownKey, WrongType
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.named import named
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.recipe import Recipe
from homeostat.train.sweep.space import Choice, Range, changes, own, read, tried, usual

RECIPE = Recipe(lr=1e-3, epochs=4, penalties=(Divergence(weight=2.0),))


def test_the_usual_space_is_what_the_run_can_choose() -> None:
    """The rate always; the rank of a fresh adapter; passes that are not counted out; `kl` where there is a teacher."""
    assert set(usual(RECIPE, 1e-3, warm=False, taught=True)) == {"lr", "rank", "epochs", "kl"}
    assert set(usual(RECIPE, 1e-3, warm=True, taught=False)) == {"lr", "epochs"}
    assert set(usual(Recipe(adapt=Full(), share=0.2), 1e-3, warm=False, taught=True)) == {"lr"}


def test_the_usual_rates_reach_around_both_guesses() -> None:
    """Ten times below and above the recipe's rate and the one that suits the base."""
    rates = usual(RECIPE, 4e-3, warm=True, taught=False)["lr"]
    assert rates == Range(low=pytest.approx(1e-4), high=pytest.approx(4e-2), log=True)  # type: ignore[arg-type]


def test_the_usual_space_holds_the_recipe() -> None:
    """Every built-in recipe lies in its own usual space, so it can be the first trial."""
    for name in ("careful", "thorough", "joint", "naive", "first"):
        recipe = named(name, Train())
        for warm in (False, True):
            space = usual(recipe, 2e-3, warm=warm, taught=warm)
            found = own(recipe, space)
            assert found is not None, name
            assert tried(recipe, found) == recipe


def test_ranges_and_lists_are_read() -> None:
    """Numbers between two ends, whole ones where both ends are whole, or values one by one, also of methods."""
    space = read(
        {
            "lr": {"low": 1e-4, "high": 1e-2, "log": True},
            "epochs": {"low": 2, "high": 6},
            "schedule": ["cosine", "linear"],
            "rank": [4, 8],
            "adapt.dropout": {"low": 0.0, "high": 0.2},
            "kl": [0.5, 1.0],
        },
        RECIPE,
    )
    assert space["lr"] == Range(low=1e-4, high=1e-2, log=True)
    assert space["epochs"] == Range(low=2, high=6, whole=True)
    assert space["schedule"] == Choice(among=("cosine", "linear"))


def test_values_reach_their_fields() -> None:
    """A short name, a field and a method's parameter each change what they name and nothing else."""
    made = tried(RECIPE, {"lr": 5e-3, "rank": 4, "adapt.dropout": 0.1, "kl": 0.5, "epochs": 3})
    assert made == Recipe(lr=5e-3, epochs=3.0, adapt=Lora(rank=4, dropout=0.1), penalties=(Divergence(weight=0.5),))
    assert tried(Recipe(share=0.2), {"epochs": 3}).share == 0.0


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ({"lrr": [1e-3]}, UnknownKey, "did you mean 'lr'"),
        ({"adapt.rnk": [1]}, UnknownKey, "did you mean 'rank'"),
        ({"lr": ["fast"]}, WrongType, "a number is wanted"),
        ({"lr": 1e-3}, WrongType, "no range and no list"),
        ({"lr": {"low": 1e-3, "high": 1e-3}}, WrongType, "no range of numbers"),
        ({"lr": {"low": 0, "high": 1e-3, "log": True}}, WrongType, "no range of numbers"),
        ({"lr": {"low": 1e-4, "hihg": 1e-3}}, WrongType, "no range and no list"),
        ({"epochs": []}, WrongType, "no range and no list"),
        ({"seed": [1, 2]}, WrongType, "cannot differ"),
        ({"replay": [0.5, 2.0]}, WrongType, "cannot differ"),
        ({"penalties.ewc.weight": [1.0]}, UnknownKey, "no 'ewc'"),
    ],
)
def test_what_is_no_space(values: dict[str, Any], error: type[Exception], says: str) -> None:
    """A field that is not there, a value it does not take, a range that is none, or what trials must share."""
    with pytest.raises(error) as caught:
        read(values, RECIPE)
    assert says in str(caught.value)
    assert "sweep.space." in str(caught.value)


def test_a_champion_keeps_its_rank() -> None:
    """Whoever goes on from an adapter cannot choose its rank."""
    read({"rank": [4, 8]}, RECIPE, warm=False)
    with pytest.raises(WrongType, match="keeps its rank"):
        read({"rank": [4, 8]}, RECIPE, warm=True)


def test_without_the_penalty_there_is_no_kl() -> None:
    """`kl` needs a recipe that holds to the champion."""
    with pytest.raises(UnknownKey, match="the recipe has no"):
        read({"kl": [1.0]}, Recipe())


def test_what_is_pasted_is_what_was_tried() -> None:
    """The fields for `train.recipes`, read as a configuration reads them, make the recipe of the trial."""
    settings = Train(rank=16, kl=2.0)
    recipe = named("thorough", settings)
    values = {"lr": 4.2e-3, "rank": 4, "kl": 0.75}
    fields = changes(recipe, values)
    assert fields == {
        "lr": 4.2e-3,
        "adapt": {"lora": {"rank": 4}},
        "penalties": [{"divergence": {"weight": 0.75}}],
    }
    mine = Train(rank=16, kl=2.0, recipes={"mine": {"like": "thorough", **fields}})
    made, meant = named("mine", mine), tried(recipe, values)
    assert (made.lr, made.adapt, made.penalties) == (meant.lr, meant.adapt, meant.penalties)


def test_a_recipe_outside_its_space() -> None:
    """The recipe is not the first trial where the space leaves it out."""
    assert own(RECIPE, {"lr": Range(low=1e-2, high=1e-1, log=True)}) is None
    assert own(RECIPE, {"lr": Choice(among=(1e-3, 1e-2))}) == {"lr": 1e-3}
    assert own(Recipe(epochs=2.5), {"epochs": Range(low=1, high=6, whole=True)}) is None

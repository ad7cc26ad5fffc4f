"""What a sweep of a project's recipe searches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import tiny
from homeostat.config.schema import Config, Model, Sweep, Train
from homeostat.errors import WrongType
from homeostat.loop.backtests.searching import like, pasted, speed, sweep_of
from homeostat.loop.deciding.foresight import order_of
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.train.rates import WARM, suited
from homeostat.train.run import Order, Start
from homeostat.train.sweep.space import Choice, Range
from homeostat.types.version import Version


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture
def shop(base: Path, tmp_path: Path) -> Workshop:
    """A workshop on the tiny decoder."""
    own = {"mine": {"like": "joint", "lr": 5e-3}}
    settings = Train(rank=4, epochs=4, recipes=own)
    return Workshop.open(Config(folder=str(tmp_path / "state"), model=Model(base=str(base)), train=settings))


def order(shop: Workshop, recipe: str = "joint", parent: Version | None = None) -> Order:
    return order_of(shop, tiny.ROUTING, tiny.examples(), tiny.LABELS, named(recipe, shop.config.train), parent)


def test_the_same_question_is_the_same_sweep(shop: Workshop) -> None:
    """Its folder follows from the rows, the recipe and the space; the number of trials is none of it."""
    asked = sweep_of(shop, order(shop), "dst_a")
    assert asked.folder == sweep_of(shop, order(shop), "dst_a").folder
    assert asked.folder.parent == Path(shop.config.folder) / "sweeps"
    assert not asked.folder.exists()
    shop.config = replace(shop.config, sweep=Sweep(trials=99))
    more = sweep_of(shop, order(shop), "dst_a")
    assert (more.folder, more.trials) == (asked.folder, 99)
    shop.config = replace(shop.config, sweep=Sweep(space={"lr": [1e-3, 1e-2]}))
    others = [sweep_of(shop, order(shop), "dst_a"), sweep_of(shop, order(shop, "naive"), "dst_a")]
    assert len({asked.folder, sweep_of(shop, order(shop), "dst_b").folder, *(o.folder for o in others)}) == 4


def test_the_space_is_the_projects_or_the_usual_one(shop: Workshop) -> None:
    """Without a `sweep` block the rate reaches around the recipe's and the one that suits the base's width."""
    space = sweep_of(shop, order(shop), "dst_a").space
    rate = space["lr"]
    assert isinstance(rate, Range)
    assert rate.low == pytest.approx(min(2e-3, suited(48, "lora")) / 10)
    assert rate.high == pytest.approx(max(2e-3, suited(48, "lora")) * 10)
    assert space["rank"] == Choice(among=(1, 4, 16))
    shop.config = replace(shop.config, sweep=Sweep(space={"rank": [2, 4]}))
    assert sweep_of(shop, order(shop), "dst_a").space == {"rank": Choice(among=(2, 4))}


def test_a_champion_decides_what_can_be_chosen(shop: Workshop, base: Path) -> None:
    """Going on from an adapter its rank is given, its passes are counted out, and there is a `kl` to weigh."""
    start = Start(base=str(base), folder=base, kind="lora", labels=tiny.LABELS)
    warm = replace(order(shop, "careful"), start=start)
    assert set(sweep_of(shop, warm, "dst_a").space) == {"lr", "kl"}


def test_a_recipe_without_a_rate_gets_one(shop: Workshop) -> None:
    """The first trial is at the rate that suits the width, gentler for one that goes on from a champion."""
    found = sweep_of(shop, replace(order(shop), recipe=replace(order(shop).recipe, lr=0.0)), "dst_a")
    assert found.order.recipe.lr == suited(48, "lora")
    start = Start(base=shop.config.model.base, folder=Path(shop.config.model.base), kind="lora", labels=tiny.LABELS)
    warm = replace(order(shop, "careful"), start=start)
    warm = replace(warm, recipe=replace(warm.recipe, lr=0.0))
    assert sweep_of(shop, warm, "dst_a").order.recipe.lr == pytest.approx(WARM * suited(48, "lora"))


def test_nothing_held_out_is_nothing_to_choose_by(shop: Workshop) -> None:
    """A sweep without held-out rows would find what learns by heart."""
    blind = replace(order(shop), recipe=replace(order(shop).recipe, held_out=0.0))
    with pytest.raises(WrongType, match="chooses by rows that are held out"):
        sweep_of(shop, blind, "dst_a")


def test_the_lines_to_paste_are_a_configuration(shop: Workshop) -> None:
    """They are YAML of a recipe like the one swept; of one of the project's own they keep what it says."""
    lines = yaml.safe_load(pasted(shop, "careful", {"lr": 4e-3, "adapt": {"lora": {"rank": 2}}}))
    assert lines == {"train": {"recipes": {"swept": {"like": "careful", "lr": 4e-3, "adapt": {"lora": {"rank": 2}}}}}}
    mine = yaml.safe_load(pasted(shop, "mine", {"epochs": 2}))["train"]["recipes"]
    assert mine == {"swept": {"like": "joint", "lr": 5e-3, "epochs": 2}}
    made = named("swept", replace(shop.config.train, recipes=mine))
    assert (made.lr, made.epochs, made.warm_start) == (5e-3, 2.0, False)


def test_the_speed_of_an_earlier_training() -> None:
    """Operations a CPU-second of the version; nothing where it is not known."""
    made = Version(id="ver_a", task="routing", time=0.0, base="builtin", cost={"flops": 6e9, "cpu_seconds": 2.0})
    assert speed(made) == 3e9
    assert speed(replace(made, cost={})) == speed(None) == 0.0


def test_another_tasks_training_tells_how_fast_the_machine_is(shop: Workshop) -> None:
    """The newest of the same base that was measured by steps: no head, and nothing that another base took."""
    assert like(shop, "builtin") is None
    measured = Version(id="ver_a", task="other", time=1.0, base="builtin", cost={"flops": 6e9, "cpu_seconds": 2.0})
    newer = replace(measured, id="ver_b", time=2.0, cost={"flops": 8e9, "cpu_seconds": 2.0})
    unlike = [replace(newer, id="ver_c", time=3.0, kind="head"), replace(newer, id="ver_d", time=4.0, base="other")]
    for one in (measured, newer, *unlike, replace(newer, id="ver_e", time=5.0, cost={})):
        shop.store.versions.put(one)
    assert speed(like(shop, "builtin")) == 4e9

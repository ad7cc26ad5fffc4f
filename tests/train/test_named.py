"""Recipes by name."""

from __future__ import annotations

import pytest

from homeostat.config.schema import Train
from homeostat.errors import UnknownPlugin, WrongType
from homeostat.evaluate.suites.disturb import NAMES as NAMES_OF_DISTURBANCES
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.named import NAMES, named
from homeostat.train.objectives.distill.restore import Restore
from homeostat.train.penalties.divergence import Divergence
from homeostat.types.task import Kind, Task

ROUTING = Task(name="routing")
HEADS = {"head", "classifier", "estimator", "tagger"}


def test_a_recipe_takes_the_settings() -> None:
    """What the configuration says of rank, rows, passes and seed is in the recipe, with a look after every pass."""
    settings = Train(adapt="full", rank=4, epochs=6, batch_rows=8, warmup=0.2, kl=0.5, patience=7, seed=3)
    recipe = named("careful", settings, replay=2.0)
    assert (recipe.name, recipe.adapt) == ("careful", Full())
    assert named("careful", Train(rank=4)).adapt == Lora(rank=4)
    assert (recipe.epochs, recipe.looks, recipe.batch_rows, recipe.warm_up) == (3, 3, 8, 0.2)
    assert recipe.penalties == (Divergence(weight=0.5),)
    assert named("careful", Train(kl=0.0)).penalties == ()
    assert (recipe.patience, recipe.seed, recipe.replay) == (7, 3, 2.0)


def test_going_on_has_a_rate_and_passes_of_its_own() -> None:
    """Careful recipes take the rate for going on from a champion and half the passes; from the base it takes all."""
    settings = Train(lr=3e-3, warm_lr=1e-4)
    rates = {name: named(name, settings).lr for name in ("careful", "thorough", "joint", "first")}
    passes = {name: named(name, Train(epochs=5)).epochs for name in ("careful", "thorough", "naive", "joint", "first")}
    assert passes == {"careful": 2, "thorough": 2, "naive": 5, "joint": 5, "first": 5}
    assert named("careful", Train(epochs=1)).epochs == 1
    assert rates == {"careful": 1e-4, "thorough": 1e-4, "joint": 3e-3, "first": 3e-3}


def test_what_each_name_means() -> None:
    """The control trains on new rows alone, the thorough one replays most, who is told so begins at the bare base."""
    recipes = {name: named(name, Train()) for name in NAMES}
    assert all(recipe.name == name for name, recipe in recipes.items())
    assert (recipes["naive"].replay, recipes["naive"].penalties, recipes["naive"].warm_start) == (0.0, (), True)
    assert recipes["thorough"].replay > recipes["careful"].replay > 0
    assert recipes["thorough"].penalties[0].weight > recipes["careful"].penalties[0].weight > 0
    fresh = ["joint", "first", "reweighed", "swapped", "thresholds", "disturbed", "classifier", "estimator", "tagger"]
    assert [name for name, recipe in recipes.items() if not recipe.warm_start] == fresh


def test_copies_come_under_all_disturbances() -> None:
    """It names those that come with Homeostat, with a copy of every row; a recipe of one's own may name some."""
    recipe = named("disturbed", Train())
    assert (recipe.disturb, recipe.disturb_share) == (NAMES_OF_DISTURBANCES, 1.0)
    own = named("mine", Train(recipes={"mine": {"like": "careful", "disturb": ["typos"], "disturb_share": 0.5}}))
    assert (own.disturb, own.disturb_share, own.warm_start) == (("typos",), 0.5, True)


def test_a_repair_learns_from_the_champion_alone() -> None:
    """It makes all passes at the lower rate, on as many old rows as are replayed, and nothing else draws on it: no
    penalty, and no decay of what it does not touch.
    """
    recipe = named("repair", Train(lr=3e-3, warm_lr=1e-4, epochs=5), replay=2.0)
    assert recipe.objective == Restore()
    assert (recipe.lr, recipe.epochs, recipe.share, recipe.replay) == (1e-4, 5, 0.0, 2.0)
    assert (recipe.penalties, recipe.weight_decay) == ((), 0.0)


def test_an_unknown_name() -> None:
    """A recipe that is not there is named, with the nearest that is, and with who asked for it."""
    with pytest.raises(UnknownPlugin, match="did you mean 'careful'") as caught:
        named("carefull", Train())
    assert caught.value.where == "train.attempts"
    with pytest.raises(UnknownPlugin) as caught:
        named("carefull", Train(), where="--recipe")
    assert caught.value.where == "--recipe"


def test_who_recalls() -> None:
    """Whoever replays may fit the labels' rows to the rest too, and a head is of all; the control knows the new."""
    recalls = {name for name in NAMES if named(name, Train()).recalls_of(ROUTING)}
    assert named("domain", Train(adapt="lora", held_out=0.2)).held_out == 0.05
    assert recalls == {"careful", "frugal", "thorough", "repair", *HEADS}
    assert {name for name in NAMES if named(name, Train(refit=False)).recalls_of(ROUTING)} == HEADS
    replies = Task(name="replies", kind=Kind.TEXT)
    assert {name for name in NAMES if named(name, Train()).recalls_of(replies)} == HEADS
    assert not named("careful", Train(), replay=0.0).recalls_of(ROUTING)
    assert named("naive", Train()).refit


def test_who_is_frugal_finds_states_to_carry_over() -> None:
    """Where a turn may be frugal every version keeps them, the first one too."""
    frugal, careful = named("frugal", Train()), named("careful", Train())
    assert (frugal.penalties, frugal.newcomers) == (careful.penalties, True)
    assert frugal.share < 0.5 * careful.share
    assert named("frugal", Train()).carry
    assert not named("first", Train()).carry
    assert named("first", Train(attempts=("corrections", "frugal"))).carry


@pytest.mark.parametrize(
    ("own", "kept"),
    [
        ({"like": "frugal"}, True),
        ({"like": "careful", "carry": True}, True),
        ({"like": "frugal", "carry": False}, False),
    ],
)
def test_a_recipe_of_ones_own_that_carries_finds_states_too(own: dict[str, object], kept: bool) -> None:
    """What an own recipe says itself decides, then what the recipe says that it is like."""
    assert named("first", Train(attempts=("mine",), recipes={"mine": own})).carry is kept


def test_who_is_held_by_what_mattered_finds_it_kept() -> None:
    """Where a turn may try a recipe that lives on it, every version keeps what matters in it, the first one too."""
    own = {"mine": {"replay": 0.0, "penalties": ["ewc"], "importance": True}}
    assert named("first", Train(attempts=("mine",), recipes=own)).importance
    assert not named("first", Train(recipes=own)).importance


@pytest.mark.parametrize(
    ("own", "idle"),
    [
        ({"like": "head", "adapt": "full"}, "adapt"),
        ({"like": "head", "penalties": ["divergence"]}, "penalties"),
        ({"objective": "exact", "lr": 0.1}, "lr"),
    ],
)
def test_what_an_exact_head_takes_no_notice_of_is_refused(own: dict[str, object], idle: str) -> None:
    """It takes no steps, so whoever says how they should be taken is told that there are none."""
    with pytest.raises(WrongType, match=rf"takes no steps, so `{idle}` would do nothing") as caught:
        named("mine", Train(recipes={"mine": own}))
    assert caught.value.where == f"train.recipes.mine.{idle}"


@pytest.mark.parametrize(
    ("own", "field", "says"),
    [
        ({"like": "classifier", "penalties": ["r_drop"]}, "penalties", "`r_drop` goes by what a model says of tokens"),
        ({"objective": "classified", "penalties": ["ewc"]}, "penalties", "`ewc` goes by"),
        ({"like": "tagger", "order": "trimmed"}, "order", "finds all alike"),
        ({"like": "classifier", "newcomers": True}, "newcomers", "takes no notice of `newcomers`"),
    ],
)
def test_what_a_head_of_steps_takes_no_notice_of_is_refused(own: dict[str, object], field: str, says: str) -> None:
    """It says nothing of tokens, begins knowing nothing, and has no rows in the vocabulary."""
    with pytest.raises(WrongType, match=says) as caught:
        named("mine", Train(recipes={"mine": own}))
    assert caught.value.where == f"train.recipes.mine.{field}"


def test_a_head_has_no_penalty_of_tokens_from_the_recipe_it_is_like() -> None:
    """What nobody asked for is left out; what is asked for and works stays."""
    assert named("mine", Train(recipes={"mine": {"like": "careful", "objective": "classified"}})).penalties == ()
    pulled = named("mine", Train(recipes={"mine": {"like": "classifier", "penalties": ["l2_pull", "contrastive"]}}))
    assert len(pulled.penalties) == 2


@pytest.mark.parametrize(
    "own",
    [
        {"like": "head", "penalties": [], "refit": False},
        {"like": "head", "objective": {"exact": {"balance": 0.5}}, "disturb": ["shouted"], "seed": 3},
        {"like": "classifier", "lr": 0.1, "adapt": "full"},
    ],
)
def test_what_a_head_goes_by_is_taken(own: dict[str, object]) -> None:
    """What it is made of, what says nothing new, and everything for a head that is trained by steps."""
    assert named("mine", Train(recipes={"mine": own})).head

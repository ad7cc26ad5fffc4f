"""Recipes by name, made from the configuration: what a turn may try, from the cheapest to the most thorough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from homeostat.config.schema import Train
from homeostat.errors import TakenName, UnknownPlugin, WrongType, did_you_mean
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.objectives.distill.restore import Restore
from homeostat.train.objectives.distill.told import Told
from homeostat.train.objectives.heads.classified import Classified
from homeostat.train.objectives.heads.estimated import Estimated
from homeostat.train.objectives.heads.exact import Exact
from homeostat.train.objectives.heads.tagged import Tagged
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.read import changed
from homeostat.train.recipe import Recipe
from homeostat.train.reweigh import FAIR
from homeostat.train.vain import UNKEPT, in_vain, of_tokens

HALF = 0.5
"""Passes of a careful run as a share of `train.epochs`, where `pace` has nothing to go by."""
GENTLE = frozenset({"careful", "frugal", "thorough"})
"""Recipes that go on from the champion at the lower rate and make fewer passes: who knows most has less to learn."""
SLOW = GENTLE | {"repair"}
"""Recipes with the lower rate."""
UPPER = 0.5
"""Part of the layers that a frugal run trains."""
FRUGAL = 0.4
"""What it may cost, as a part of `train.warm_share`: less than half, for joint retraining may end early."""
_ANEW: dict[str, Any] = {"replay": 0.0, "penalties": (), "warm_start": False}
DISTURBED = (
    "chatter",
    "contracted",
    "cut",
    "injected",
    "look_alikes",
    "polite",
    "reworded",
    "shouted",
    "small",
    "spaced",
    "typos",
    "unpunctuated",
)
"""Disturbances that `disturbed` trains under: all that come with Homeostat."""
STEPPED = frozenset(
    [
        "adapt",
        "average",
        "back_offs",
        "batch_rows",
        "budget",
        "carry",
        "clip",
        "epochs",
        "floor",
        "importance",
        "looks",
        "lr",
        "max_steps",
        "newcomers",
        "optimizer",
        "order",
        "part_rows",
        "patience",
        "penalties",
        "precision",
        "refit",
        "save_memory",
        "schedule",
        "sharded",
        "share",
        "warm_up",
        "weight_decay",
    ]
)
"""Fields of a recipe that are of use to a run of steps alone."""
NAMES: dict[str, dict[str, Any]] = {
    "careful": {},
    "frugal": {"carry": True, "newcomers": True},
    "naive": {"replay": 0.0, "penalties": (), "warm_up": 0.1},
    "corrections": {"replay": 0.0, "penalties": (), "warm_up": 0.1, "only_wrong": True},
    "thorough": {"replay": 3.0, "penalties": (Divergence(weight=4.0),)},
    "joint": {"replay": 0.0, "penalties": (), "warm_start": False},
    "first": {"replay": 0.0, "penalties": (), "warm_start": False},
    "reweighed": {**_ANEW, "reweigh": (FAIR,)},
    "swapped": {**_ANEW, "swap": "english"},
    "thresholds": {**_ANEW, "offset": (FAIR,)},
    "disturbed": {**_ANEW, "disturb": DISTURBED},
    "repair": {"penalties": (), "objective": Restore(), "weight_decay": 0.0},
    "domain": {
        "adapt": Full(),
        "penalties": (),
        "refit": False,
        "lr": 5e-4,
        "epochs": 1.0,
        "batch_rows": 16,
        "part_rows": 4,
        "warm_up": 0.03,
        "floor": 0.1,
        "looks": 10,
        "held_out": 0.05,
        "replay": 0.25,
    },
    "head": {"replay": 0.0, "penalties": (), "objective": Exact(), "refit": False},
    "classifier": {"replay": 0.0, "penalties": (), "objective": Classified(), "refit": False, "warm_start": False},
    "estimator": {"replay": 0.0, "penalties": (), "objective": Estimated(), "refit": False, "warm_start": False},
    "tagger": {"replay": 0.0, "penalties": (), "objective": Tagged(), "refit": False, "warm_start": False},
    "student": {"replay": 0.0, "penalties": (), "adapt": Full(), "objective": Told(), "refit": False, "lr": 1e-3},
}
"""`careful`: from the champion, with replay and divergence. `frugal`: the same at less than half the cost, in the
upper layers, with the rows of new labels fitted first. `naive`: new rows alone, at the rate of a fresh start, the
control. `corrections`: the same on replies that were corrected, as one does it who fixes what went wrong and looks no
further. `thorough`: more of both. `repair`: from a candidate that forgot, back to what the champion says on old rows;
for a turn that mends. `joint`: from the bare base on everything. `reweighed`, `swapped`: from the bare base on all
that is remembered, with rows that weigh so that groups and labels are independent, or with copies in which words of a
group are swapped: for candidates that were refused because they treat groups unlike. `thresholds`: for the same, from
the bare base too, with offsets for each group that are added when requests are answered; never tried unless it is
named. `disturbed`: from the bare base too, with a copy of every row under one of the disturbances that suites ask
under: for candidates that fall for them. `first`: a task's first version. `domain`: continued pretraining, where rows
are windows of text and `replay` is general windows for each of the domain. `head`: an exact head on the bare base, by
the rows that differ from a champion head's. `classifier`: a head trained by steps on everything, with what is adapted
beneath it. `estimator`, `tagger`: the same for replies that are a number, or a list of tags. `student`: all weights of
a smaller model, from a teacher's answers."""


def named(name: str, settings: Train, *, replay: float = 1.0, where: str = "train.attempts") -> Recipe:
    """The recipe of this name under these settings: one of ours, or of `train.recipes`.

    Raises:
        UnknownPlugin: there is no such recipe (`where` says who named it), or it names a method that there is not.
        UnknownKey, WrongType: it names a field that there is not, a value that does not fit, or two that contradict.
        TakenName: a recipe of `train.recipes` is called as one of ours.
    """
    _hold_apart(settings)
    if name in settings.recipes:
        return _own(name, settings, replay)
    if name not in NAMES:
        fix = did_you_mean(name, (*NAMES, *settings.recipes))
        raise UnknownPlugin(f"unknown recipe '{name}'", where=where, fix=fix)
    gently, upper, part = name in GENTLE, *((UPPER, FRUGAL) if name == "frugal" else (1.0, 1.0))
    epochs = max(1, round(HALF * settings.epochs)) if gently else settings.epochs
    plain = Recipe(
        name=name,
        adapt=Full() if settings.adapt == "full" else Lora(rank=settings.rank, bottom=1.0 - upper),
        lr=settings.warm_lr if name in SLOW else settings.lr,
        epochs=epochs,
        share=settings.warm_share * part if gently else 0.0,
        batch_rows=settings.batch_rows,
        warm_up=settings.warmup,
        penalties=(Divergence(weight=settings.kl),) if settings.kl else (),
        refit=settings.refit,
        carry=settings.carry or any(_keeps("carry", attempt, settings) for attempt in settings.attempts),
        importance=any(_keeps("importance", attempt, settings) for attempt in settings.attempts),
        patience=settings.patience,
        looks=epochs,
        held_out=settings.held_out,
        seed=settings.seed,
        replay=replay,
    )
    return replace(plain, **NAMES[name])


def _own(name: str, settings: Train, replay: float) -> Recipe:
    """A recipe of `train.recipes`: as the one it is like, but for what it says itself."""
    values, where = settings.recipes[name], f"train.recipes.{name}"
    like = values.get("like", "careful")
    if like not in NAMES:
        raise UnknownPlugin(f"unknown recipe '{like}'", where=f"{where}.like", fix=did_you_mean(str(like), NAMES))
    begun = named(like, settings, replay=replay)
    found = replace(changed(begun, values, where), name=name)
    _hold_solved(found, begun, values, where)
    found = _hold_stepped(found, begun, values, where)
    if found.offset and (found.swap or found.disturb):
        what = "offsets are fitted to rows held out, and copies of these would be trained on"
        raise WrongType(what, where=f"{where}.offset", fix="leave out `swap` and `disturb`, or `offset`")
    return found


def _hold_solved(recipe: Recipe, begun: Recipe, values: Mapping[str, Any], where: str) -> None:
    """Refuse what an exact head would take no notice of."""
    idle = [field for field in values if field in STEPPED and getattr(recipe, field) != getattr(begun, field)]
    if isinstance(recipe.objective, Exact) and idle:
        what = f"an exact head is solved and takes no steps, so `{idle[0]}` would do nothing"
        fix = "leave it out, or say `like: classifier` for a head that is trained by steps"
        raise WrongType(what, where=f"{where}.{idle[0]}", fix=fix)


def _hold_stepped(recipe: Recipe, begun: Recipe, values: Mapping[str, Any], where: str) -> Recipe:
    """Refuse what a head that is trained by steps would take no notice of; the recipe, without what it has of that from
    the one it is like.
    """
    if not recipe.head or isinstance(recipe.objective, Exact):
        return recipe
    for field in UNKEPT:
        if field in values and getattr(recipe, field) and not getattr(begun, field):
            what = f"training a head takes no notice of `{field}`"
            raise WrongType(what, where=f"{where}.{field}", fix="leave it out")
    if "penalties" not in values:
        recipe = replace(recipe, penalties=tuple(one for one in recipe.penalties if not of_tokens(one)))
    vain = in_vain(recipe)
    if vain is not None:
        raise WrongType(vain.what, where=f"{where}.{vain.field}", fix=vain.fix)
    return recipe


def _keeps(what: str, attempt: str, settings: Train) -> bool:
    """Whether an attempt lives on what its champion has kept: then every version has to keep it for its successor."""
    own = settings.recipes.get(attempt, {})
    like = NAMES.get(own.get("like", attempt), {})
    return bool(own.get(what, like.get(what, False)))


def _hold_apart(settings: Train) -> None:
    """Refuse recipes that hide ours."""
    for name in settings.recipes:
        if name in NAMES:
            fix = f"call it otherwise, and say `like: {name}` in it"
            raise TakenName(f"'{name}' is the name of a built-in recipe", where=f"train.recipes.{name}", fix=fix)

"""What a sweep may try: fields of a recipe, each with a range of numbers or a list of values.

Read from the `sweep` block of `homeostat.yaml`, or the usual one where that says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from homeostat.errors import UnknownKey, WrongType, did_you_mean
from homeostat.train.adapt.lora import Lora
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.read import changed
from homeostat.train.recipe import Recipe, plain

ALIASES = {"rank": "adapt.rank", "kl": "penalties.divergence.weight"}
"""Short names, as in the `train` block, of what lies deeper."""
FIXED = frozenset({"name", "like", "seed", "replay", "held_out", "looks", "patience", "budget", "only_wrong", "share"})
"""Fields that all trials share: they say what is trained on and what is judged by, or would pass luck off as skill."""
WIDE = 10.0
"""The usual range of the rate reaches so many times below and above where it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float
    log: bool = False
    """Whether orders of magnitude are equally likely, and not numbers."""
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Some values."""

    among: tuple[Any, ...]


Space = Mapping[str, Range | Choice]


def usual(recipe: Recipe, rate: float, *, warm: bool, taught: bool) -> Space:
    """What is tried where nobody says it: the rate, which matters most, and whatever else the run can choose.

    Args:
        recipe: as it stands.
        rate: another good guess of the rate; the range reaches around both.
        warm: whether the run goes on from a champion's adapter, which has its rank already.
        taught: whether there is a champion that replayed rows are held to.
    """
    rates = sorted([recipe.lr or rate, rate])
    found: dict[str, Range | Choice] = {"lr": Range(low=rates[0] / WIDE, high=rates[1] * WIDE, log=True)}
    if isinstance(recipe.adapt, Lora) and not warm:
        rank = recipe.adapt.rank
        found["rank"] = Choice(among=tuple(sorted({max(1, rank // 4), rank, 4 * rank})))
    if not recipe.share and recipe.epochs >= 2:
        found["epochs"] = Range(low=recipe.epochs // 2, high=1.5 * recipe.epochs // 1, whole=True)
    held = [term.weight for term in recipe.penalties if isinstance(term, Divergence)]
    if taught and held:
        found["kl"] = Range(low=held[0] / 4, high=held[0] * 4, log=True)
    return found


def read(values: Mapping[str, Any], recipe: Recipe, *, warm: bool = False, where: str = "sweep.space") -> Space:
    """The space that a configuration spells, each end of it tried on the recipe.

    Raises:
        UnknownKey: the recipe has no such field.
        WrongType: a range that is none, or a value that the field does not take.
    """
    found = {name: _read(value, f"{where}.{name}") for name, value in values.items()}
    for name, each in found.items():
        if name in FIXED or (warm and name in ("rank", "adapt.rank")):
            why = "a run that goes on from a champion keeps its rank" if warm and name not in FIXED else "all share it"
            fix = "take it out, or start from the bare base with --recipe joint" if warm else "take it out"
            raise WrongType(f"'{name}' cannot differ between trials: {why}", where=f"{where}.{name}", fix=fix)
        for end in _ends(each):
            tried(recipe, {name: end}, where)
    return found


def tried(recipe: Recipe, values: Mapping[str, Any], where: str = "sweep.space") -> Recipe:
    """The recipe with these values, by the names of the space. Raises as `read`."""
    return changed(recipe, _changes(recipe, values, where), where)


def changes(recipe: Recipe, values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that `train.recipes` would have to give for these values, without what is a method's default."""
    made = tried(recipe, values)
    tops = dict.fromkeys(ALIASES.get(name, name).partition(".")[0] for name in values)
    return {top: _brief(getattr(made, top)) for top in tops}


def own(recipe: Recipe, space: Space) -> dict[str, Any] | None:
    """What the recipe has itself, by the names of the space; None where a value lies outside."""
    found = {name: _at(recipe, ALIASES.get(name, name).split("."), f"sweep.space.{name}") for name in space}
    return found if all(_inside(space[name], value) for name, value in found.items()) else None


def _read(value: Any, where: str) -> Range | Choice:
    if isinstance(value, list) and value:
        return Choice(among=tuple(value))
    if not isinstance(value, Mapping) or not {"low", "high"} <= set(value) <= {"low", "high", "log"}:
        fix = "write {low: 1.0e-4, high: 1.0e-2, log: true}, or [8, 16, 32]"
        raise WrongType(f"{value!r:.60} is no range and no list of values", where=where, fix=fix)
    low, high, log = value["low"], value["high"], value.get("log", False)
    numbers = [isinstance(each, int | float) and not isinstance(each, bool) for each in (low, high)]
    if not all(numbers) or not isinstance(log, bool) or not low < high or (log and low <= 0):
        fix = "low below high, and above 0 where log is true"
        raise WrongType(f"{dict(value)!r:.80} is no range of numbers", where=where, fix=fix)
    return Range(low=low, high=high, log=log, whole=isinstance(low, int) and isinstance(high, int))


def _ends(each: Range | Choice) -> tuple[Any, ...]:
    if isinstance(each, Choice):
        return each.among
    return (int(each.low), int(each.high)) if each.whole else (float(each.low), float(each.high))


def _changes(recipe: Recipe, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The values as `train.recipes` would give them, whole methods where one of their parameters is meant."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        top, *deeper = ALIASES.get(name, name).split(".")
        if not deeper:
            found[top] = value
            continue
        found.setdefault(top, plain(_at(recipe, [top], f"{where}.{name}")))
        method, parameter = _method(found[top], deeper, f"{where}.{name}")
        method[parameter] = value
    return found


def _at(recipe: Recipe, path: list[str], where: str) -> Any:
    """What the recipe holds there."""
    known = [entry.name for entry in fields(Recipe)]
    if path[0] not in known:
        fix = did_you_mean(path[0], [*known, *ALIASES])
        raise UnknownKey(f"a recipe has no field '{path[0]}'", where=where, fix=fix)
    if len(path) == 1:
        return getattr(recipe, path[0])
    method, parameter = _method(plain(getattr(recipe, path[0])), path[1:], where)
    return method[parameter]


def _method(tree: Any, path: list[str], where: str) -> tuple[dict[str, Any], str]:
    """The parameters of the method that a path leads to, and which of them is meant."""
    parts = tree if isinstance(tree, list) else [tree]
    methods = {kind: inner for part in parts if isinstance(part, dict) for kind, inner in part.items()}
    kind = path[0] if len(path) > 1 else next(iter(methods), "")
    if kind not in methods:
        fix = did_you_mean(kind, methods) if methods else "the recipe has none: name one in train.recipes first"
        raise UnknownKey(f"the recipe has no '{kind or path[-1]}' there", where=where, fix=fix)
    if path[-1] not in methods[kind]:
        raise UnknownKey(f"{kind} has no '{path[-1]}'", where=where, fix=did_you_mean(path[-1], methods[kind]))
    return methods[kind], path[-1]


def _inside(each: Range | Choice, value: Any) -> bool:
    if isinstance(each, Choice):
        return value in each.among
    return each.low <= value <= each.high and (not each.whole or float(value).is_integer())


def _brief(value: Any) -> Any:
    """A field as a person would write it: methods without the parameters that they have anyway."""
    if isinstance(value, tuple):
        return [_brief(each) for each in value]
    whole = plain(value)
    if not isinstance(whole, dict):
        return whole
    ((kind, inner),) = whole.items()
    usual = {f.name: f.default for f in fields(value) if f.default is not MISSING}
    return {kind: {name: each for name, each in inner.items() if name not in usual or usual[name] != each}}

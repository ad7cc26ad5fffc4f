"""From the plain values of a configuration to a recipe: names become methods, and every mistake is told where it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from homeostat.config.schema import Limits
from homeostat.errors import UnknownKey, UnknownPlugin, WrongType, did_you_mean
from homeostat.plugin import Registry
from homeostat.train.adapt.way import Way
from homeostat.train.budget import Budget
from homeostat.train.catalogue import DIFFICULTIES, OBJECTIVES, ORDERS, PENALTIES, WAYS
from homeostat.train.order.difficulty import Difficulty
from homeostat.train.order.draw import RowOrder
from homeostat.train.recipe import Recipe
from homeostat.train.step import Objective, Term

CHOSEN: dict[Any, Registry[Any]] = {
    Way: WAYS,
    Objective: OBJECTIVES,
    Term: PENALTIES,
    RowOrder: ORDERS,
    Difficulty: DIFFICULTIES,
}
"""What a field may hold of several kinds -> where their names are."""
TINY = 1e-3
"""A least value below this says that 0 is too little, and nothing more."""
RESERVED = ("name", "like")
WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def changed(recipe: Recipe, values: Mapping[str, Any], where: str) -> Recipe:
    """The recipe with these fields.

    Args:
        recipe: what is left as it is.
        values: fields by name; a method as its name, or as `{name: {parameter: value}}`.
        where: of the values, such as `recipes.gentle`.

    Raises:
        UnknownKey: there is no such field, or a method has no such parameter.
        UnknownPlugin: there is no such method, optimizer, schedule or pacing.
        WrongType: a value that does not fit, or a number outside its range.
        MissingExtra: a method needs a package that is not installed.
    """
    found = _fields(Recipe, {k: v for k, v in values.items() if k not in RESERVED}, where)
    return replace(recipe, **{**({"share": 0.0} if "epochs" in found else {}), **found})


def _fields(kind: Any, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The values, made what the fields of a dataclass hold."""
    hints, known = get_type_hints(kind), [f.name for f in fields(kind) if f.name not in RESERVED]
    limits = {f.name: f.metadata.get("limits", Limits()) for f in fields(kind)}
    found = {}
    for name, value in values.items():
        if name not in known:
            raise UnknownKey(f"unknown key '{name}'", where=f"{where}.{name}", fix=did_you_mean(name, known))
        found[name] = _value(hints[name], value, f"{where}.{name}")
        _hold(limits[name], found[name], name, f"{where}.{name}")
    return found


def _hold(limits: Limits, value: Any, name: str, where: str) -> None:
    """Refuse a number outside its field's limits, or none at all, and a name that is none of those that there are."""
    if limits.among and value not in limits.among:
        fix = did_you_mean(str(value), limits.among)
        raise UnknownPlugin(f"unknown {name} '{value}'", where=where, fix=fix)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return
    wanted = "" if math.isfinite(value) else "a number that ends"
    if limits.least is not None and not value >= limits.least:
        wanted = "above 0" if 0 < limits.least < TINY else f"at least {limits.least:g}"
    if limits.most is not None and value > limits.most:
        wanted = f"at most {limits.most:g}"
    if wanted:
        raise WrongType(f"{name} must be {wanted}, got {value:g}", where=where, fix=f"write a number {_span(limits)}")


def _span(limits: Limits) -> str:
    """The limits of a number, for whoever has to choose one."""
    low, high = ("" if end is None else f"{end:g}" for end in (limits.least, limits.most))
    return f"from {low} to {high}" if low and high else f"from {low} on" if low else "that is finite"


def _value(hint: Any, value: Any, where: str) -> Any:
    """A value as its field holds it."""
    if type(None) in get_args(hint):
        return None if value is None else _value(get_args(hint)[0], value, where)
    if get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise _wrong(value, "a list", where)
        return tuple(_value(get_args(hint)[0], each, f"{where}[{k}]") for k, each in enumerate(value))
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            fix = did_you_mean(str(value), get_args(hint))
            raise WrongType(f"{value!r:.60} is none of those that there are", where=where, fix=fix)
        return value
    if hint is Budget:
        return Budget(**_fields(Budget, _mapping(value, where), where))
    if hint in CHOSEN:
        return _method(CHOSEN[hint], value, where)
    fits = isinstance(value, float | int) if hint is float else isinstance(value, hint)
    if not fits or (isinstance(value, bool) and hint is not bool):
        raise _wrong(value, WORDS[hint], where)
    return float(value) if hint is float else value


def _method(registry: Registry[Any], value: Any, where: str) -> Any:
    """`lora`, or `{lora: {rank: 8}}`, as the method itself."""
    given = {value: {}} if isinstance(value, str) else value
    if not isinstance(given, Mapping) or len(given) != 1:
        raise _wrong(value, f"the name of one {registry.kind}, or {{name: {{parameter: value}}}}", where)
    ((name, parameters),) = given.items()
    try:
        kind = registry.get(name)
    except UnknownPlugin as unknown:
        raise UnknownPlugin(unknown.what, where=where, fix=unknown.fix) from None
    found = _fields(kind, _mapping(parameters, f"{where}.{name}"), f"{where}.{name}")
    for field in fields(kind):
        if field.name not in found and field.default is MISSING and field.default_factory is MISSING:
            raise WrongType(f"{name} needs `{field.name}`", where=f"{where}.{name}", fix=f"give {field.name} a value")
    return kind(**found)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong(value, "keys and values", where)
    return value


def _wrong(value: Any, wanted: str, where: str) -> WrongType:
    return WrongType(f"{value!r:.60} where {wanted} is wanted", where=where, fix=f"write {wanted} there")

"""Between nouns and what a database holds: dataclasses to plain JSON values, and back by their type hints."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from sqlalchemy import FromClause

from homeostat.types.feedback import Feedback
from homeostat.types.interaction import Interaction

T = TypeVar("T", Interaction, Feedback)
"""The nouns that have a column per field."""
CHUNK = 5_000
"""Values that a statement names at once; both databases limit how many it may carry."""


def plain(value: Any) -> Any:
    """The value with dataclasses and mappings as dicts, sequences as lists, enums as their values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {entry.name: plain(getattr(value, entry.name)) for entry in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value.value if isinstance(value, Enum) else value


def rebuild(hint: Any, value: Any) -> Any:
    """The value that `plain` was given, of the type that `hint` says.

    A key that the dataclass has no field for was written by a newer version and is passed over.
    """
    if is_dataclass(hint) and isinstance(hint, type):
        hints = _hints(hint)
        return hint(**{name: rebuild(hints[name], inner) for name, inner in value.items() if name in hints})
    if type(None) in get_args(hint):
        return None if value is None else rebuild(get_args(hint)[0], value)
    if get_origin(hint) is tuple:
        return tuple(rebuild(get_args(hint)[0], inner) for inner in value)
    if get_origin(hint) is Mapping:
        return {key: rebuild(get_args(hint)[1], inner) for key, inner in value.items()}
    if isinstance(hint, type) and not isinstance(hint, types.GenericAlias) and issubclass(hint, Enum):
        return hint(value)
    return value


def columns(noun: Interaction | Feedback) -> dict[str, Any]:
    """A noun with a column per field, as a row; its values are left to the column types."""
    kind: Any = type(noun)
    return {name: getattr(noun, name) for name in _hints(kind)}


def noun(kind: type[T], values: Sequence[Any]) -> T:
    """The noun whose fields were selected with `selected(kind, table)`."""
    names: Any = kind
    return kind(**dict(zip(_hints(names), values, strict=True)))


def selected(kind: type, table: FromClause) -> list[Any]:
    """The columns of a table that are fields of the noun, in the order of its fields."""
    return [table.c[name] for name in _hints(kind)]


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {entry.name: hints[entry.name] for entry in fields(kind)}


def chunks(values: Collection[str]) -> Iterator[list[str]]:
    """The values, each once, in lists that a statement can name."""
    every = sorted(set(values))
    for start in range(0, len(every), CHUNK):
        yield every[start : start + CHUNK]

"""From YAML nodes, which know their file and line, to frozen dataclasses.

Decoding nodes instead of loaded values is what lets every error name the line it is about.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from enum import StrEnum
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

from homeostat.config.schema import GONE, Limits
from homeostat.errors import UnknownKey, WrongType, did_you_mean

D = TypeVar("D")
TEXT, NUMBERS = "tag:yaml.org,2002:str", ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
FLAG, NOTHING = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null"
DATE = "tag:yaml.org,2002:timestamp"
OUTSIDE = ("--", "environment variable ")
"""How the origin of a value that came from no file begins."""
KNOBS = "docs/reference/configuration.md has all knobs"
INDENTED = "check the indentation, brackets and quotes up to there"
UNQUOTED = "in braces and brackets, put a text with a question mark, comma, colon or bracket in quotes"


class Raw(yaml.ScalarNode):
    """A value given outside the file: the text itself where text is wanted, YAML everywhere else."""


def compose(text: str, name: str) -> yaml.Node | None:
    """The one YAML document in `text`, as nodes; None if there is nothing in it.

    Raises:
        WrongType: it is not YAML.
    """
    try:
        loader = yaml.SafeLoader(text)
        loader.name = name
        return loader.get_single_node()
    except (yaml.YAMLError, RecursionError) as broken:
        mark = getattr(broken, "problem_mark", None)
        problem = getattr(broken, "problem", None) or str(broken)
        fix = UNQUOTED if problem.startswith("expected ',' or") else INDENTED
        raise WrongType(f"not YAML: {problem}", where=where(mark) if mark else name, fix=fix) from None


def where(mark: yaml.Mark) -> str:
    """`homeostat.yaml line 14`, or `--set gateway.port=x`."""
    return mark.name if mark.name.startswith(OUTSIDE) else f"{mark.name} line {mark.line + 1}"


def decode(kind: type[D], node: yaml.Node | None, name: str = "") -> D:
    """A dataclass from a mapping; keys that are not given keep their defaults.

    Raises:
        UnknownKey: a key that the dataclass has no field for.
        WrongType: a value that does not fit its field.
    """
    known: dict[str, Field[Any]] = {entry.name: entry for entry in fields(kind)}  # type: ignore[arg-type]
    hints = get_type_hints(kind)
    values: dict[str, object] = {}
    for key, child in pairs(node, name):
        if key.value not in known:
            raise _unknown(key, name, known)
        dotted = f"{name}.{key.value}".lstrip(".")
        value = _value(hints[key.value], child, dotted)
        _hold(known[key.value].metadata.get("limits", Limits()), value, child, dotted)
        if section := known[key.value].metadata.get("some_of"):
            whole = decode(section(), child, dotted)
            value = {given.value: getattr(whole, given.value) for given, _ in pairs(child, dotted)}
        values[key.value] = value
    return kind(**values)


def _unknown(key: yaml.ScalarNode, name: str, known: Mapping[str, object]) -> UnknownKey:
    place, dotted = f" in {name}" if name else "", f"{name}.{key.value}".lstrip(".")
    fix = GONE.get(dotted) or did_you_mean(key.value, known)
    return UnknownKey(f"unknown key '{key.value}'{place}", where=where(key.start_mark), fix=fix)


def pairs(node: yaml.Node | None, name: str) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    """Keys and values of a mapping; a section with nothing under it has none.

    Raises:
        WrongType: not a mapping, or a key that is given twice or is no text.
    """
    node = _parsed(node) if node else None
    if node is None or node.tag == NOTHING:
        return
    if not isinstance(node, yaml.MappingNode):
        raise _wrong(node, name or "the file", "keys and values")
    seen: set[str] = set()
    for key, child in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _wrong(key, f"a key of {name}", "text")
        if key.value in seen:
            raise WrongType(f"'{key.value}' is given twice", where=where(key.start_mark), fix="keep one of them")
        seen.add(key.value)
        yield key, child


def _value(hint: Any, node: yaml.Node, name: str) -> object:
    if hint is str:
        return _text(node, name)
    node = _parsed(node)
    if hint is Any:
        return _anything(node, name)
    if is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, node, name)
    if get_origin(hint) is Mapping:
        inner = get_args(hint)[1]
        return {key.value: _value(inner, child, f"{name}.{key.value}") for key, child in pairs(node, name)}
    if get_origin(hint) is tuple:
        return _texts(node, name) if get_args(hint)[0] is str else _several(get_args(hint)[0], node, name)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(_among(tuple(hint), node, name))
    if type(None) in get_args(hint):
        return None if node.tag == NOTHING else _value(get_args(hint)[0], node, name)
    return PLAIN[hint](node, name)


def _anything(node: yaml.Node, name: str) -> object:
    """Whatever is there, for a room above to make sense of."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: _anything(child, f"{name}.{key.value}") for key, child in pairs(node, name)}
    if isinstance(node, yaml.SequenceNode):
        return [_anything(child, f"{name}[{place}]") for place, child in enumerate(node.value)]
    if node.tag == NOTHING:
        return None
    if node.tag == FLAG:
        return _flag(node, name)
    if node.tag == DATE:  # as it was written: whoever reads it knows what it is a date of
        return str(node.value)
    try:
        number = float(_number_text(node))
    except ValueError:
        return _text(node, name)
    return int(number) if node.tag == NUMBERS[0] else number


def _parsed(node: yaml.Node) -> yaml.Node:
    """A value from outside the file as the YAML it spells."""
    if not isinstance(node, Raw):
        return node
    return compose(node.value, node.start_mark.name) or yaml.ScalarNode(NOTHING, "", node.start_mark, node.end_mark)


def _text(node: yaml.Node, name: str) -> str:
    if isinstance(node, Raw) or (isinstance(node, yaml.ScalarNode) and node.tag == TEXT):
        return str(node.value)
    fix = f'put it in quotes: "{node.value}"' if isinstance(node, yaml.ScalarNode) else ""
    raise _wrong(node, name, "text", fix)


def _texts(node: yaml.Node, name: str) -> tuple[str, ...]:
    if not isinstance(node, yaml.SequenceNode):
        raise _wrong(node, name, "a list of texts", "write it as [one, two]")
    return tuple(_text(child, f"{name}[{place}]") for place, child in enumerate(node.value))


def _several(kind: Any, node: yaml.Node, name: str) -> tuple[object, ...]:
    if isinstance(node, yaml.ScalarNode) and kind in (int, float):  # one number is a list of one
        return (_value(kind, node, name),)
    if not isinstance(node, yaml.SequenceNode):
        raise _wrong(node, name, "a list", "begin each entry with `- `")
    return tuple(_value(kind, child, f"{name}[{place}]") for place, child in enumerate(node.value))


def _whole(node: yaml.Node, name: str) -> int:
    try:
        return int(_number_text(node))
    except ValueError:
        raise _wrong(node, name, "a whole number") from None


def _real(node: yaml.Node, name: str) -> float:
    try:
        number = float(_number_text(node))
    except ValueError:
        raise _wrong(node, name, "a number") from None
    if not math.isfinite(number):
        raise _wrong(node, name, "a finite number")
    return number


def _number_text(node: yaml.Node) -> str:
    # YAML 1.1 takes `2e-3`, without a point, for text; a person who writes it unquoted means the number.
    plain = isinstance(node, yaml.ScalarNode) and node.style is None and node.tag == TEXT
    if node.tag not in NUMBERS and not plain:
        raise ValueError
    return str(node.value)


def _flag(node: yaml.Node, name: str) -> bool:
    if node.tag != FLAG:
        raise _wrong(node, name, "true or false")
    return str(node.value).lower() in ("true", "yes", "on")


PLAIN: dict[type, Callable[[yaml.Node, str], object]] = {int: _whole, float: _real, bool: _flag}


def _among(choices: tuple[str, ...], node: yaml.Node, name: str) -> str:
    text = _text(node, name)
    if text not in choices:
        raise _wrong(node, name, f"one of {', '.join(choices)}", did_you_mean(text, choices))
    return text


def _hold(limits: Limits, value: object, node: yaml.Node, name: str) -> None:
    """Refuse a value outside its limits."""
    if limits.among:
        _among(limits.among, node, name)
    if isinstance(value, tuple):
        for each in value:
            _hold(Limits(least=limits.least, most=limits.most), each, node, name)
    if not isinstance(value, int | float):
        return
    if limits.least is not None and value < limits.least:
        raise _wrong(node, name, f"at least {limits.least:g}")
    if limits.most is not None and value > limits.most:
        raise _wrong(node, name, f"at most {limits.most:g}")


def _wrong(node: yaml.Node, name: str, wanted: str, fix: str = "") -> WrongType:
    if isinstance(node, yaml.ScalarNode):
        got = f"'{node.value}'" if node.value else "nothing"
    else:
        got = "a list" if isinstance(node, yaml.SequenceNode) else "keys and values"
    fix = fix or f"write {wanted} there; {KNOBS}"
    return WrongType(f"{name} must be {wanted}, got {got}", where=where(node.start_mark), fix=fix)

"""Writes `docs/reference/configuration.md` from the schema: `python docs/configuration_page.py`."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from inspect import getsource
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from homeostat.config import schema
from homeostat.config.schema import Alerts, Channel, Config, Limits, Policy, Tasks

PAGE = Path(__file__).parent / "reference" / "configuration.md"
HEAD = """# Configuration

Everything `homeostat.yaml` may hold. Every knob has a default; unknown keys are refused. What the file says is
overridden by environment variables (`HOMEOSTAT__GATEWAY__PORT=8500`), and those by `--set gateway.port=8500`.
A relative path lies beside `homeostat.yaml`.

This page is made from `src/homeostat/config/schema.py` by `python docs/configuration_page.py`.
"""
NAMED = (Tasks, Policy)
"""Sections that hold any number of entries, by name."""


def page() -> str:
    """The page: one table per section, one row per knob."""
    texts = _texts()
    hints = get_type_hints(Config)
    own = [entry for entry in fields(Config) if not _section(entry, hints)]
    parts = [HEAD, _table("The project", "", Config, own, texts)]
    for entry in fields(Config):
        kind = _section(entry, hints)
        if kind:
            prefix = f"{entry.name}.NAME" if kind in NAMED else entry.name
            parts.append(_table(texts[kind.__name__, ""], prefix, kind, list(fields(kind)), texts))
        if kind is Alerts:
            inner = "alerts.channels.NAME"
            parts.append(_table(texts[Channel.__name__, ""], inner, Channel, list(fields(Channel)), texts))
    return "\n".join(parts)


def knobs() -> list[str]:
    """Dotted name of every knob."""
    return [line.split("`")[1] for line in page().splitlines() if line.startswith("| `")]


def _section(entry: Field[Any], hints: dict[str, Any]) -> type | None:
    hint = hints[entry.name]
    kind = next((named for named in NAMED if named in get_args(hint)), hint)
    return kind if is_dataclass(kind) and isinstance(kind, type) else None


def _table(title: str, prefix: str, kind: type, entries: list[Field[Any]], texts: dict[tuple[str, str], str]) -> str:
    head = f"## `{prefix}`\n\n{title}\n" if prefix else f"## {title}\n"
    rows = [
        f"| `{f'{prefix}.{entry.name}'.lstrip('.')}` | {_default(entry)} | {_type(entry, kind)} "
        f"| {texts[kind.__name__, entry.name]} |"
        for entry in entries
    ]
    return "\n".join([head, "| knob | default | type | meaning |", "|---|---|---|---|", *rows, ""])


def _default(entry: Field[Any]) -> str:
    if entry.default is None or entry.default is MISSING:
        return "empty"
    return f"`{json.dumps(entry.default)}`"


def _type(entry: Field[Any], kind: type) -> str:
    hint = get_type_hints(kind)[entry.name]
    limits = entry.metadata.get("limits", Limits())
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return " or ".join(f"`{value}`" for value in hint)
    if limits.among:
        return " or ".join(f"`{value}`" for value in limits.among)
    names = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    inner = [kind for kind in get_args(hint) if kind in names]
    name = names.get(hint) or (names[inner[0]] if type(None) in get_args(hint) else "list of texts")
    name = "keys and values" if get_origin(hint) is Mapping else name
    name = "number, or a list of numbers" if get_origin(hint) is tuple and float in get_args(hint) else name
    bounds = [f"{sign} {bound:g}" for sign, bound in (("≥", limits.least), ("≤", limits.most)) if bound is not None]
    return ", ".join([name, *bounds])


def _texts() -> dict[tuple[str, str], str]:
    """(class, field) -> the text under the field; (class, "") -> the class's own."""
    found: dict[tuple[str, str], str] = {}
    for node in ast.parse(getsource(schema)).body:
        if isinstance(node, ast.ClassDef):
            found[node.name, ""] = ast.get_docstring(node) or ""
            found |= {(node.name, name): " ".join(text.split()) for name, text in _under(node)}
    return found


def _under(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for above, below in zip(node.body, node.body[1:], strict=False):
        match above, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, text


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

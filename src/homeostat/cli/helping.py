"""What a command's help needs of its module: the signature, and what that names.

A command that trains imports a model library, which takes seconds; nobody who asks for help should wait for it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def described(module: str) -> tuple[str, Callable[..., None]]:
    """The docstring of a command's module, and a function with the arguments of its `command` that does nothing.

    Of the module are run its imports, classes and values that these arguments are told with, and nothing else.
    """
    path = Path(__file__).with_name(f"{module}.py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at = next(k for k, node in enumerate(tree.body) if isinstance(node, ast.FunctionDef) and node.name == "command")
    command = tree.body[at]
    assert isinstance(command, ast.FunctionDef)
    command.body = [ast.Pass()]
    future = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    signature = ast.fix_missing_locations(ast.Module([*future, *_needed(tree, command), command], []))
    said: dict[str, Any] = {}
    exec(compile(signature, path, "exec"), said)
    return ast.get_docstring(tree) or "", said["command"]


def _needed(tree: ast.Module, command: ast.FunctionDef) -> list[ast.stmt]:
    """The statements of a module that bind what the arguments name, and what those name in turn, in their order."""
    bound = {name: node for node in tree.body for name in _binds(node)}
    wanted, found = _names(command.args), dict[str, ast.stmt]()
    while missing := [name for name in wanted if name in bound and name not in found]:
        for name in missing:
            found[name] = _alone(bound[name], name)
            wanted |= _names(found[name])
    return [found[name] for name in bound if name in found]


def _binds(node: ast.stmt) -> Mapping[str, None]:
    """The names that a statement of a module binds."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return dict.fromkeys(each.asname or each.name.partition(".")[0] for each in node.names)
    if isinstance(node, ast.ClassDef):
        return {node.name: None}
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return dict.fromkeys(_names(node))
    return {}


def _alone(node: ast.stmt, name: str) -> ast.stmt:
    """An import of this name alone, or the plain value behind it; any other statement as it is."""
    if not isinstance(node, ast.ImportFrom):
        return node
    value = _value(str(node.module), name)
    return value or ast.ImportFrom(node.module, [each for each in node.names if name in {each.asname, each.name}], 0)


def _value(module: str, name: str) -> ast.stmt | None:
    """The statement of another module of the package that gives a name a plain value; None where it is something else.

    So a default that a heavy module owns is told without importing it.
    """
    path = Path(__file__).parents[1].joinpath(*module.split(".")[1:]).with_suffix(".py")
    if not module.startswith("homeostat.") or not path.is_file():
        return None
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and name in _names(node):
            return node
    return None


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}

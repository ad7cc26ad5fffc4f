"""Down the stairs, never up; and plain words on the ground floor."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

from house.source import ROOT, Module, listed, modules

PLAIN = ("types/", "errors.py")
DOORS = {"io", "json", "logging", "os", "pathlib", "pickle", "shutil", "socket", "sqlite3", "subprocess", "tempfile"}
"""Modules of the standard library that read or write."""


def test_the_contracts_hold() -> None:
    """import-linter finds every room on its floor, and no import that climbs or opens a door between rooms.

    In a process of its own: it keeps the standard output that it was imported with.
    """
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    told = subprocess.run(
        [*command, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert told.returncode == 0, told.stdout


def imported(node: ast.AST) -> list[str]:
    """Names of the modules that a statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_the_ground_floor_is_plain_words() -> None:
    """`types` and `errors` do no I/O and import the standard library alone."""
    offenders = []
    for module in modules():
        if not module.name.startswith(PLAIN):
            continue
        for node in ast.walk(module.tree):
            for name in imported(node):
                top = name.partition(".")[0]
                ours = name == "homeostat.errors" or name.startswith("homeostat.types")
                if not ours and (top not in sys.stdlib_module_names or top in DOORS):
                    offenders.append(f"{module.name} imports {name}")
    assert not offenders, listed(offenders)


def test_truth_is_read_by_scoring_alone() -> None:
    """What is true of a row goes from the stream's reader to the story that keeps score, and to nothing that learns."""
    allowed = ("collect/stream.py", "collect/git.py", "loop/story/", "cli/")
    offenders = [
        f"{module.name}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and any(alias.name == "Truth" for alias in node.names)
        if not module.name.startswith(allowed)
    ]
    assert not offenders, listed(offenders)


def dotted(module: Module) -> str:
    """Name by which a file is imported."""
    return "homeostat." + module.name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def needed(module: Module, known: set[str]) -> set[str]:
    """Our own files that a file imports, whether by their names or out of their folder."""
    said = [
        name
        for node in ast.walk(module.tree)
        for base in imported(node)
        for name in (base, *(f"{base}.{alias.name}" for alias in getattr(node, "names", ())))
    ]
    return known.intersection(said) - {dotted(module)}


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Names of a circle in a graph, first and last the same; none where there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return list(found.args[1])
    return []


def test_no_file_imports_another_in_a_circle() -> None:
    """Files of one room may call each other, and never in a circle, imports inside functions included."""
    files = [module for module in modules() if not module.name.endswith("__init__.py")]
    known = {dotted(module) for module in files}
    assert not circle({dotted(module): needed(module, known) for module in files})
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})

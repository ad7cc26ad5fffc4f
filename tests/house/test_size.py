"""Functions and files stay short enough to be read in one go."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from math import ceil
from statistics import median

from house.source import PACKAGE, ROOT, Function, Module, listed, modules

MEDIAN, P90, MOST = 10, 40, 80
FILE_P90, FILE_MOST = 300, 500
PARAMETERS = 7
BESIDE = 45
"""Files of a folder, but for `cli`, which has one for each command."""
FLAGS = 8
"""Of a command, whose parameters are options that are always named and mostly left out."""


def all_functions() -> Iterator[tuple[Module, Function, int]]:
    """Every function with its length in lines, from `def` to its last line, docstring included."""
    for module in modules():
        for node in module.functions:
            yield module, node, (node.end_lineno or node.lineno) - node.lineno + 1


def p90(values: list[int]) -> int:
    """The value that nine tenths do not exceed."""
    return sorted(values)[ceil(0.9 * len(values)) - 1]


def longest(entries: list[tuple[int, str]]) -> str:
    """The ten longest, for a message."""
    return listed([f"{size:4d}  {name}" for size, name in sorted(entries, reverse=True)[:10]])


def test_function_lengths() -> None:
    """Half of the functions have at most 10 lines, nine tenths at most 40, all at most 80."""
    entries = [(size, f"{module.name}:{node.lineno} {node.name}") for module, node, size in all_functions()]
    sizes = [size for size, _ in entries]
    found = (median(sizes) <= MEDIAN, p90(sizes) <= P90, max(sizes) <= MOST)
    figures = f"median {median(sizes)}, p90 {p90(sizes)}, max {max(sizes)}; longest, "
    assert found == (True, True, True), figures + longest(entries)


def test_file_lengths() -> None:
    """Nine tenths of the files have at most 300 lines, all at most 500."""
    entries = [(module.lines, module.name) for module in modules()]
    sizes = [size for size, _ in entries]
    figures = f"p90 {p90(sizes)}, max {max(sizes)}; longest, "
    assert (p90(sizes) <= FILE_P90, max(sizes) <= FILE_MOST) == (True, True), figures + longest(entries)


def parameters(node: Function, *, method: bool) -> int:
    """How many parameters a caller meets; `self` and `cls` are none of them."""
    given = node.args
    count = len(given.posonlyargs) + len(given.args) + len(given.kwonlyargs)
    static = any(isinstance(mark, ast.Name) and mark.id == "staticmethod" for mark in node.decorator_list)
    return count + bool(given.vararg) + bool(given.kwarg) - (method and not static)


def test_parameters() -> None:
    """No function has more than seven parameters, no command more than eight."""
    offenders = []
    for module in modules():
        methods = {
            child
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef)
            for child in ast.iter_child_nodes(node)
        }
        for node in module.functions:
            count = parameters(node, method=node in methods)
            if count > (FLAGS if node.name == "command" else PARAMETERS):
                offenders.append(f"{module.name}:{node.lineno} {node.name} has {count}")
    assert not offenders, listed(offenders)


def test_tests_are_as_long_as_the_source() -> None:
    """There is at least one line of test for every line of source."""
    tests = sum(path.read_text(encoding="utf-8").count("\n") for path in (ROOT / "tests").rglob("*.py"))
    source = sum(module.lines for module in modules())
    assert tests >= source, f"{tests} lines of tests, {source} lines of source"


def test_folders_are_looked_over_in_one_go() -> None:
    """No folder of the package but `cli` holds more than 45 files beside each other."""
    folders = Counter(module.path.parent.relative_to(PACKAGE).as_posix() for module in modules())
    offenders = [f"{name}: {count}" for name, count in folders.items() if count > BESIDE and name != "cli"]
    assert not offenders, listed(offenders)

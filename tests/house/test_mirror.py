"""Tests stand where their subject stands."""

from __future__ import annotations

import ast
from pathlib import Path

from house.source import PACKAGE, ROOT, Function, listed

TESTS = ROOT / "tests"
APART = {"house", "contracts"}
"""Folders of tests whose subject is not one module: these rules, and one suite for every backend of a kind."""
OUTSIDE = {"bench", "docs", "recipes"}
"""Folders beside `src` whose scripts have tests too."""


def subject(test: Path) -> Path:
    """What a test file is about: `tests/store/test_blobs.py` is about `src/homeostat/store/blobs.py`."""
    place = test.relative_to(TESTS)
    home = ROOT if place.parts[0] in OUTSIDE else PACKAGE
    return home / place.parent / test.name.removeprefix("test_")


def test_tests_mirror_the_source() -> None:
    """Every test file has the module, or the room, that its name says."""
    tests = [path for path in sorted(TESTS.rglob("test_*.py")) if path.relative_to(TESTS).parts[0] not in APART]
    offenders = [
        f"{test.relative_to(ROOT).as_posix()} is about {subject(test).relative_to(ROOT).as_posix()}, which is not there"
        for test in tests
        if not (subject(test).exists() or subject(test).with_suffix("").is_dir())
    ]
    assert not offenders, listed(offenders)


def test_every_test_says_what_holds() -> None:
    """Every test has a docstring that says in a sentence what holds."""
    offenders = []
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function) and node.name.startswith("test_") and not ast.get_docstring(node):
                offenders.append(f"{path.relative_to(ROOT).as_posix()}:{node.lineno} {node.name}")
    assert not offenders, listed(offenders)

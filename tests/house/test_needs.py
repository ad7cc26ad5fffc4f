"""Whatever is imported is asked for in `pyproject.toml`: what only happens to be installed is missing elsewhere."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from house.source import ROOT, listed

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
BROUGHT = {"tokenizers": "transformers", "markupsafe": "jinja2", "datasets": "trl"}
"""Packages that come with another one for certain, being part of what that one takes and returns."""


def plain(requirement: str) -> str:
    """The package that a requirement names: `psycopg` of `psycopg[binary]>=3.2`."""
    return re.split(r"[\[<>=!~; ]", requirement)[0].lower().replace("_", "-")


def asked(*groups: list[str]) -> set[str]:
    """Packages that lists of requirements name."""
    return {plain(requirement) for group in groups for requirement in group}


def foreign(folder: Path) -> Iterator[tuple[str, str]]:
    """Each import of somebody else's package below a folder: where, and its top name."""
    own = {
        path.stem for path in (*ROOT.glob("tests/**/*.py"), *ROOT.glob("bench/**/*.py"), *ROOT.glob("recipes/**/*.py"))
    }
    own |= {path.name for path in (*(ROOT / "tests").iterdir(), *(ROOT / "bench").iterdir())} | {"homeostat"}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            tops = {name.partition(".")[0] for name in names} - own - sys.stdlib_module_names
            yield from ((f"{path.relative_to(ROOT)}:{node.lineno}", top) for top in sorted(tops))


def missing(folder: str, packages: set[str]) -> list[str]:
    """Imports below a folder that none of these packages provides."""
    owners = packages_distributions()
    offenders = []
    for where, name in foreign(ROOT / folder):
        providers = {plain(owner) for owner in owners.get(name, [])} | {BROUGHT.get(name, name)}
        if not providers & packages:
            offenders.append(f"{where} {name}")
    return offenders


def test_the_package_asks_for_what_it_imports() -> None:
    """`src` needs nothing but the dependencies and the extras that users can ask for."""
    offenders = missing("src", asked(PROJECT["dependencies"], *(EXTRAS[name] for name in EXTRAS if name != "dev")))
    assert not offenders, listed(offenders)


def test_the_tests_ask_for_what_they_import() -> None:
    """`tests` need nothing but what `make test` installs: the dependencies, `dev`, and the extras that `dev` names."""
    drawn = re.search(r"\[(.*)\]", EXTRAS["dev"][0])
    assert drawn is not None, EXTRAS["dev"][0]
    offenders = missing(
        "tests", asked(PROJECT["dependencies"], EXTRAS["dev"], *(EXTRAS[n] for n in drawn[1].split(",")))
    )
    assert not offenders, listed(offenders)

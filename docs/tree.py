"""Draws the house from what its modules say of themselves: `python docs/tree.py`.

Three pictures, each between its marks on a page: the rooms (README), the floors (`concepts/house.md`), and every file
(`reference/tree.md`). The floors are those that import-linter holds (`pyproject.toml`).
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "homeostat"
PAGES = ("README.md", "docs/concepts/house.md", "docs/reference/tree.md")
WIDTH, COLUMN, FILE_COLUMN = 112, 17, 22

OUTSIDE = {
    "README.md": "what it is, one minute to a turning loop, this tree",
    "CONTRIBUTING.md": "how to set up, the rules of the house, how a change lands",
    "CHANGELOG.md": "what a user can do now that was not possible before",
    "Makefile": "demo · test · test-slow · check · bars · bench · docs · clean",
    "pyproject.toml": "metadata, extras, and the settings of ruff, mypy, pytest and import-linter",
    "constraints.txt": "the one pinned version",
    ".ci/run": "what a change must pass before it lands",
    "docs/": "tutorial, concepts, reference (generated), decisions, log (negative results too)",
    "bench/": "every claim as a command that prints one JSON line",
    "deploy/": "Prometheus's rules and Grafana's dashboard (generated)",
    "recipes/": "how the built-in model and the built-in traffic were made",
    "tests/": "mirrors src; plus contracts/ (every backend, one suite) and house/ (these rules, executable)",
}
"""What stands beside the package, and what it is for."""

FLOORS = {"roof": 2, "third floor": 1, "second floor": 1, "first floor": 3, "ground floor": 2}
"""The floors from the top, and how many of import-linter's layers each of them holds."""

MARKED = re.compile(r"<!-- (rooms|floors|files) -->\n.*?<!-- /\1 -->", re.DOTALL)


def layers() -> list[list[str]]:
    """The rooms of every layer, from the top."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    declared = next(c["layers"] for c in contracts if c["type"] == "layers")
    return [[room.strip(" ()") for room in layer.split("|")] for layer in declared]


def floors() -> Iterator[tuple[str, list[list[str]]]]:
    """Every floor with its layers."""
    left = layers()
    if sum(FLOORS.values()) != len(left):
        raise SystemExit(f"docs/tree.py knows {sum(FLOORS.values())} layers, pyproject.toml has {len(left)}")
    for name, height in FLOORS.items():
        yield name, left[:height]
        left = left[height:]


def said(path: Path) -> str:
    """First line of what a module says of itself; empty if it says nothing."""
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0].rstrip(".")


def entry(name: str, text: str, *, indent: int = 0, column: int = COLUMN) -> str:
    """One thing and what it is for, wrapped under itself."""
    lead = " " * indent + name
    lead = lead.ljust(column) if len(lead) < column else lead + "  "
    return "\n".join(wrap(text, WIDTH, initial_indent=lead, subsequent_indent=" " * column)) or lead.rstrip()


def rooms() -> str:
    """What stands beside the package, then floor by floor every room with its purpose."""
    lines = [entry(name, text) for name, text in OUTSIDE.items()] + ["src/homeostat/"]
    for floor, rows in floors():
        lines.append(f"  {floor}")
        for room in (room for row in rows for room in row):
            if (PACKAGE / room).is_dir():
                lines.append(entry(f"{room}/", said(PACKAGE / room / "__init__.py"), indent=4))
            elif (PACKAGE / f"{room}.py").exists():
                lines.append(entry(f"{room}.py", said(PACKAGE / f"{room}.py"), indent=4))
    return "\n".join(lines)


def stairs() -> str:
    """The floors and which way imports may go: from left to right, and from a floor to one below it."""
    return "\n".join(f"{name:<15}" + "  →  ".join(" │ ".join(row) for row in rows) for name, rows in floors())


def files() -> str:
    """Every file of the package, under its folder."""
    blocks = []
    for folder in sorted({path.parent for path in PACKAGE.rglob("*.py")}):
        door = folder / "__init__.py"
        name = folder.relative_to(PACKAGE.parent).as_posix() + "/"
        lines = [entry(name, said(door) if door.exists() else "", column=FILE_COLUMN)]
        own = sorted(path for path in folder.glob("*.py") if path != door)
        lines += [entry(path.name, said(path), indent=2, column=FILE_COLUMN) for path in own]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


PICTURES: dict[str, Callable[[], str]] = {"rooms": rooms, "floors": stairs, "files": files}


def rewritten(text: str) -> str:
    """A page with every picture on it drawn anew."""

    def drawn(mark: re.Match[str]) -> str:
        name = mark.group(1)
        return f"<!-- {name} -->\n```\n{PICTURES[name]()}\n```\n<!-- /{name} -->"

    return MARKED.sub(drawn, text)


if __name__ == "__main__":
    for page in PAGES:
        path = ROOT / page
        path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")

"""What a user can meet has a page, and the page says what is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest

from homeostat.errors import HomeostatError
from house.source import PACKAGE, ROOT, Function, Module, listed, modules, script

DOCS = ROOT / "docs"
KNOBS = 100
CONFIGURATION = script("docs/configuration_page.py")
COMMANDS = script("docs/commands_page.py")
ERRORS = script("docs/errors_page.py")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


@pytest.mark.parametrize("kind", ERRORS["classes"](), ids=lambda kind: kind.code)
def test_every_error_has_a_page(kind: type[HomeostatError]) -> None:
    """The page of an error says what happened and how to fix it, and shows a message with the error's own code."""
    page = (DOCS / "reference" / "errors" / f"{kind.code}.md").read_text(encoding="utf-8")
    wanted = [f"# {kind.code} {kind.__name__}\n", "## What happened", f"\n{kind.code} ", "## How to fix"]
    assert [part for part in wanted if part not in page] == []
    assert f"exit code {kind.exit}" in page.lower()


def test_no_page_of_an_error_that_is_not() -> None:
    """Codes are unique, and every page in the folder belongs to one."""
    codes = [kind.code for kind in ERRORS["classes"]()]
    pages = sorted(path.stem for path in (DOCS / "reference" / "errors").glob("E*.md"))
    assert pages == codes


@pytest.mark.parametrize("made", [CONFIGURATION, COMMANDS, ERRORS], ids=["configuration", "commands", "errors"])
def test_a_generated_page_is_what_the_code_gives(made: dict[str, Any]) -> None:
    """The pages of knobs, commands and errors equal what the code gives now; `make docs` writes them again."""
    assert made["PAGE"].read_text(encoding="utf-8") == made["page"](), "stale: make docs"


def test_knobs_are_few() -> None:
    """`homeostat.yaml` has at most 100 knobs."""
    assert len(CONFIGURATION["knobs"]()) <= KNOBS


@pytest.mark.skipif(not (PACKAGE / "cli" / "entry.py").exists(), reason="there is no command line yet")
def test_every_command_shows_an_example() -> None:
    """Every command has a module, and its help shows a line that one can type."""
    helps = {name: COMMANDS["text"](module) for name, module in COMMANDS["commands"]().items()}
    offenders = [
        name for name, help in helps.items() if not re.search(rf"Example.*?homeostat {name}\b", help, re.DOTALL)
    ]
    assert not offenders, listed(offenders)


def undocumented(module: Module) -> Iterator[str]:
    """Public names of a module, and the module itself, that lack a docstring."""
    if ast.get_docstring(module.tree) is None:
        yield module.name
    waiting: list[tuple[str, ast.AST]] = [(module.name, module.tree)]
    while waiting:
        place, node = waiting.pop()
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, Function | ast.ClassDef) or child.name.startswith("_"):
                continue
            if ast.get_docstring(child) is None and not excused(child):
                yield f"{place}:{child.lineno} {child.name}"
            if isinstance(child, ast.ClassDef):
                waiting.append((f"{place} {child.name}", child))


def excused(node: Function | ast.ClassDef) -> bool:
    """Whether a name's meaning stands elsewhere: an overload, an override, a property's setter."""
    marks = {ast.unparse(mark).rpartition(".")[2] for mark in node.decorator_list}
    return bool(marks & {"overload", "override", "setter"})


def test_every_public_name_has_a_docstring() -> None:
    """Every module, public class, public function and public method says what it is."""
    offenders = sorted(name for module in modules() for name in undocumented(module))
    assert not offenders, listed(offenders)


def test_every_plugin_point_is_described() -> None:
    """Every group of entry points that a registry reads stands in `docs/reference/plugins.md`."""
    page = (DOCS / "reference" / "plugins.md").read_text(encoding="utf-8")
    groups = set()
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).partition("[")[0] == "Registry":
                groups |= {ast.literal_eval(given) for given in node.args[1:2]}
    assert sorted(group for group in groups if f"`{group}`" not in page) == []


def test_no_link_leads_nowhere() -> None:
    """Every relative link of the README, CONTRIBUTING, the CHANGELOG and the pages points to a file that is there."""
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    offenders = []
    for page in sorted(pages):
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if ":" not in target and not (page.parent / target).exists():
                offenders.append(f"{page.relative_to(ROOT).as_posix()} → {target}")
    assert not offenders, listed(offenders)

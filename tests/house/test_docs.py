"""What a user can meet has a page, and the page says what is."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homeostat.config.decode import compose
from homeostat.config.load import load
from homeostat.errors import HomeostatError
from house.source import PACKAGE, ROOT, Function, Module, listed, modules, script

DOCS = ROOT / "docs"
KNOBS = 100
CONFIGURATION = script("docs/configuration_page.py")
COMMANDS = script("docs/commands_page.py")
ERRORS = script("docs/errors_page.py")
METHODS = script("docs/methods_page.py")
YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
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


GENERATED = {"configuration": CONFIGURATION, "commands": COMMANDS, "errors": ERRORS, "methods": METHODS}


@pytest.mark.parametrize("made", GENERATED.values(), ids=GENERATED)
def test_a_generated_page_is_what_the_code_gives(made: dict[str, Any]) -> None:
    """The pages of knobs, commands, errors and methods equal what the code gives now; `make docs` writes them again."""
    assert made["PAGE"].read_text(encoding="utf-8") == made["page"](), "stale: make docs"


def test_every_method_has_a_proof() -> None:
    """Whatever a recipe can name has an entry in `docs/evidence.yaml`, and nothing else but what is beside recipes; the
    tests that are named as its proofs are there.
    """
    told = METHODS["evidence"]()
    beside = told.pop(METHODS["BESIDE"])
    known = {field: set(registry.names()) for field, registry in METHODS["SHELVES"].values()}
    assert {field: set(entries) for field, entries in told.items()} == known
    for field, entries in (told | {METHODS["BESIDE"]: beside}).items():
        for name, entry in entries.items():
            assert set(entry) - {"module"} == {"use", "not", "seen", "proof"}, f"{field}.{name}"
            for proof in METHODS["proofs"](entry):
                file, _, test = proof.partition("::")
                assert f"\ndef {test.partition('[')[0]}(" in (ROOT / file).read_text(encoding="utf-8"), proof


def test_every_effect_on_the_page_is_one() -> None:
    """What the page says of effects is of methods that there are, whose proofs passed, and is surely above 0; of those
    of which that is not so, the page says so under them too.
    """
    there = {f"{field}.{name}" for field, entries in METHODS["evidence"]().items() for name in entries}
    seen = METHODS["effects"](METHODS["measured"]())
    assert set(seen) <= there, "stale: python bench/train_4.py --table"
    weak = [name for name, told in seen.items() if not METHODS["is_proven"](told)]
    told = {
        f"{field}.{name}": entry for field, entries in METHODS["evidence"]().items() for name, entry in entries.items()
    }
    untold = [name for name in weak if "no sure effect" not in told[name]["not"]]
    assert not untold, listed(untold)


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


def test_the_five_lines_of_the_readme_are_a_configuration(tmp_path: Path) -> None:
    """What the README shows as a whole configuration is read without complaint, and is five lines."""
    (shown,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "homeostat.yaml").write_text(shown, encoding="utf-8")
    (tmp_path / "labels.txt").write_text("order_status\nrefund_request\n", encoding="utf-8")
    config = load(tmp_path, environ={})
    assert config.task("routing").labels == ("order_status", "refund_request")
    assert len(shown.splitlines()) == 5


def test_every_yaml_on_a_page_can_be_read() -> None:
    """By our own parser: whoever copies an example into a file has a file that can be read."""
    blocks = [
        (page, block)
        for page in (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))
        for block in YAML.findall(page.read_text(encoding="utf-8"))
    ]
    assert len(blocks) > 20
    for page, block in blocks:
        compose(block, str(page))


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


def links(page: Path) -> Iterator[Path]:
    """The files beside it that a page links to."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if ":" not in target:
            yield (page.parent / target).resolve()


def test_no_link_leads_nowhere() -> None:
    """Every relative link of a page points to a file that is there."""
    pages = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
    offenders = [f"{page.relative_to(ROOT)} → {to}" for page in pages for to in links(page) if not to.exists()]
    assert not offenders, listed(offenders)


def test_every_page_can_be_found() -> None:
    """From the README, links lead to every page of the documentation."""
    found, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in found and page.suffix == ".md" and page.exists():
            found.add(page)
            waiting += links(page)
    lost = sorted(str(page.relative_to(ROOT)) for page in set(DOCS.rglob("*.md")) - found)
    assert not lost, listed(lost)

"""The page of commands is read off the commands' own files."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

PAGE = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "commands_page.py"))

COMMAND = '''
def command(
    name: Annotated[str, typer.Argument(help="Which one.")],
    config: Annotated[Path, typer.Option(help="The file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="For a | machine.")] = False,
    limit: Annotated[int, typer.Option(help="At most.")] = 0,
    since: Annotated[str | None, typer.Option(help="From when.")] = None,
    part: Annotated[str, typer.Option(help="Which part.")] = "all",
) -> None:
    """Do it."""
'''


def test_options_are_told_as_one_types_them() -> None:
    """Arguments, options and flags with their defaults, in their order."""
    assert list(PAGE["_rows"](ast.parse(COMMAND))) == [
        "| `NAME` | required | Which one. |",
        "| `--config` | `homeostat.yaml` | The file. |",
        "| `--json` | off | For a \\| machine. |",
        "| `--limit` | `0` | At most. |",
        "| `--since` |  | From when. |",
        "| `--part` | `all` | Which part. |",
    ]


def test_a_module_without_a_command_has_no_options() -> None:
    """Nothing is invented for a file that declares no command."""
    assert list(PAGE["_rows"](ast.parse("x = 1"))) == []


def test_the_command_line_is_read_without_being_imported() -> None:
    """The commands come from the declaration, and their texts from their docstrings."""
    commands = PAGE["commands"]()
    assert commands["demo"] == "demo"
    assert "Example" in PAGE["text"](commands["demo"])
    assert PAGE["text"]("no_such_module") == ""

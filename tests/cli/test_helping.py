"""A command's help, read off its signature without loading what the command needs."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import Any

import pytest
import typer

from homeostat.cli.entry import COMMANDS
from homeostat.cli.helping import described

ALL = """
import json, sys
from homeostat.cli.entry import COMMANDS
from homeostat.cli.helping import described
for module in COMMANDS.values():
    described(module)
print(json.dumps([name for name in ("torch", "transformers", "peft") if name in sys.modules]))
"""


def told(text: str, command: Any) -> list[dict[str, Any]]:
    """What the help of a command is drawn from."""
    app = typer.Typer(add_completion=False)
    app.command(help=text)(command)
    made: Any = typer.main.get_command(app)
    about = ("name", "opts", "secondary_opts", "default", "required", "nargs", "multiple", "type", "help")
    return [{"help": made.help}, *({each: getattr(one, each, "") for each in about} for one in made.params)]


@pytest.mark.parametrize("module", COMMANDS.values())
def test_the_signature_is_the_commands(module: str) -> None:
    """Every argument has the name, type, default and text of the command's own."""
    whole = importlib.import_module(f"homeostat.cli.{module}")
    plain = json.dumps(told(*described(module)), default=str)
    assert plain == json.dumps(told(whole.__doc__ or "", whole.command), default=str)


def test_no_help_loads_a_model_library() -> None:
    """Not even that of commands which train."""
    done = subprocess.run([sys.executable, "-c", ALL], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_what_is_described_does_nothing() -> None:
    """Behind the signature stands no body: nothing can be trained by asking for help."""
    _, command = described("train")
    assert command(task="none") is None

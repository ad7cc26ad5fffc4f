"""The group of commands: its help, its errors, its exit codes."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import Run
from homeostat import __version__
from homeostat.cli.entry import COMMANDS
from homeostat.errors import NoProject, UnknownKey

HEAVY = {"torch", "transformers", "peft", "accelerate", "sqlalchemy", "dbos", "scipy", "numpy"}
LIGHT = [
    *("init", "versions", "promote", "rollback", "why", "verify", "watch", "turn", "doctor"),
    *("alerts", "alerts test", "alerts silence", "alerts silences", "alerts retry", "alerts close", "alerts rules"),
]
"""Commands that need no model, and so load no model library."""
LOADED = """
import json, sys
from homeostat.cli import main
sys.argv = ["homeostat", *{arguments!r}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("\\n" + json.dumps(sorted(name for name in sys.modules if "." not in name)))
"""


def loaded(*arguments: str) -> set[str]:
    """The modules that a command leaves loaded, in a Python of its own."""
    program = LOADED.format(arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_overview_names_every_command(homeostat: Run) -> None:
    """`homeostat --help` lists all commands with the first line of their own help."""
    ran = homeostat("--help")
    assert ran.code == 0
    for name, module in COMMANDS.items():
        text = inspect.getdoc(importlib.import_module(f"homeostat.cli.{module}")) or ""
        first = " ".join(text.partition("\n")[0].split()[:4])
        assert name in ran.out
        assert first in ran.out


def test_the_overview_loads_nothing_heavy() -> None:
    """`homeostat --help` and `--version` import no model library, no database, no arrays."""
    assert HEAVY & loaded("--help") == set()


def test_a_command_without_a_model_loads_no_model_library() -> None:
    """Of the commands that only read and write rows, none imports torch or transformers."""
    source = "import importlib, json, sys\n" + "".join(
        f"importlib.import_module('homeostat.cli.{COMMANDS[name]}')\n" for name in LIGHT
    )
    program = source + "print(json.dumps([n for n in ('torch', 'transformers', 'peft') if n in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_the_version_is_printed(homeostat: Run) -> None:
    """`--version` prints the package's version and nothing else."""
    assert homeostat("--version").out.strip() == __version__


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_shows_an_example(homeostat: Run, name: str) -> None:
    """`homeostat COMMAND --help` says what it does, takes `--config` unless it needs none, and shows an example."""
    ran = homeostat(name, "--help")
    assert ran.code == 0
    assert f"Example: homeostat {name}" in " ".join(ran.out.split())
    assert "--config" in ran.out or name in {"demo", "quantize"}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"demo", "up"}])
def test_the_help_of_a_command_says_its_exit_codes(name: str) -> None:
    """Whoever calls a command from a script finds its exit codes in its help, before the example that ends it."""
    module = importlib.import_module(f"homeostat.cli.{COMMANDS[name]}")
    text = inspect.getdoc(module) or ""
    assert "Exit codes: 0" in text
    assert text.splitlines()[-1].startswith(f"Example: `homeostat {name}")
    assert text.partition("\n")[0].startswith((inspect.getdoc(module.command) or "?").rstrip("."))


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"demo", "up"}])
def test_a_command_is_short(name: str) -> None:
    """A command reads flags, calls a lower room and prints: its file stays under 100 lines."""
    module = importlib.import_module(f"homeostat.cli.{COMMANDS[name]}")
    assert len(inspect.getsource(module).splitlines()) < 100


def test_an_unknown_key_names_the_one_that_was_meant(homeostat: Run, shop: Path) -> None:
    """A misspelled knob ends with an exit code of its own, its line, and the nearest knob, without a traceback."""
    shop.write_text(shop.read_text() + "gatewy: {port: 1}\n")
    ran = homeostat("versions", "--config", shop)
    assert ran.code == UnknownKey.exit
    assert ran.out == ""
    assert "E101" in ran.err
    assert "line 4" in ran.err
    assert "did you mean 'gateway'?" in ran.err
    assert "Traceback" not in ran.err


def test_a_folder_without_a_project_is_said_to_have_none(homeostat: Run, tmp_path: Path) -> None:
    """Without a homeostat.yaml every command that needs one says how to write one."""
    ran = homeostat("verify", "--config", tmp_path / "homeostat.yaml")
    assert ran.code == NoProject.exit
    assert "homeostat init" in ran.err


def test_an_unknown_command_is_an_error_of_use(homeostat: Run) -> None:
    """A command that does not exist ends with exit code 2, and the one that was meant is named."""
    ran = homeostat("versoins")
    assert ran.code == 2
    assert "versoins" in ran.err
    assert "did you mean 'versions'" in " ".join(ran.err.replace("│", " ").split())


def test_a_command_of_two_words_is_found_before_its_first(homeostat: Run, shop: Path) -> None:
    """`alerts silences` is a command of its own; `alerts` with anything else takes it for its argument."""
    assert homeostat("alerts", "silences", "--config", shop).out.startswith("silences")
    assert homeostat("alerts silences", "--config", shop).out.startswith("silences")
    assert homeostat("alerts", "--config", shop).out.startswith("alerts")
    ran = homeostat("alerts", "silense", "--config", shop)
    assert (ran.code, "E101" in ran.err) == (UnknownKey.exit, True)

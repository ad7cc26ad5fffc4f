"""The group of commands: its help, its errors, its exit codes."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from cli.conftest import Run
from homeostat import __version__
from homeostat.cli.entry import COMMANDS, SHOWN
from homeostat.errors import BadStream, NoProject, NotFound, UnknownKey

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
    assert text.partition("\n")[0].endswith((".", "?"))  # what the overview shows
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


@pytest.mark.parametrize("word", SHOWN)
def test_what_is_no_command_is_shown_by_one(homeostat: Run, word: str) -> None:
    """Who looks for objectives or policies is told where they stand, by a command and flags that there are."""
    ran = homeostat(word)
    assert ran.code == 2
    assert f"`homeostat {SHOWN[word]}` shows that" in " ".join(ran.err.replace("│", " ").split())
    name, *flags = SHOWN[word].split()
    source = inspect.getsource(importlib.import_module(f"homeostat.cli.{COMMANDS[name]}"))
    assert word not in COMMANDS
    assert [flag for flag in flags if f'"{flag}"' not in source] == []


def test_a_command_of_two_words_is_found_before_its_first(homeostat: Run, shop: Path) -> None:
    """`alerts silences` is a command of its own; `alerts` with anything else takes it for its argument."""
    assert homeostat("alerts", "silences", "--config", shop).out.startswith("silences")
    assert homeostat("alerts silences", "--config", shop).out.startswith("silences")
    assert homeostat("alerts", "--config", shop).out.startswith("alerts")
    ran = homeostat("alerts", "silense", "--config", shop)
    assert (ran.code, "E101" in ran.err) == (UnknownKey.exit, True)


def test_an_error_is_an_object_where_json_is_asked_for(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """With `--json` it says the same as without, in one line of JSON on standard error, and ends with the same code."""
    none, answers = tmp_path / "homeostat.yaml", tmp_path / "none.jsonl"
    cases = {
        ("versions",): (none, NoProject),
        ("versions", "--id", "ver_none"): (shop, NotFound),
        ("label", "nothing"): (shop, UnknownKey),
        ("label", "--take", str(answers)): (shop, BadStream),
    }
    for command, (config, kind) in cases.items():
        plain = homeostat(*command, "--config", config)
        ran = homeostat(*command, "--config", config, "--json")
        assert plain.code == kind.exit
        assert (ran.code, ran.out) == (plain.code, "")
        (line,) = ran.err.splitlines()
        error = json.loads(line)["error"]
        assert set(error) == {"code", "what", "where", "fix"}
        head = f"{error['code']} {error['what']}" + (f"  ({error['where']})" if error["where"] else "")
        assert plain.err.strip() == head + (f"\n  fix: {error['fix']}" if error["fix"] else "")


def test_an_unknown_key_as_an_object(homeostat: Run, shop: Path) -> None:
    """Its code is that of its page, and the place is a field of its own, for whoever opens the file there."""
    shop.write_text(shop.read_text() + "gatewy: {port: 1}\n")
    ran = homeostat("versions", "--json", "--config", shop)
    assert ran.code == UnknownKey.exit
    error = json.loads(ran.err)["error"]
    assert error["code"] == "E101"
    assert "line 4" in error["where"]
    assert "did you mean 'gateway'?" in error["fix"] + error["what"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["versions", "--nothing"], "--nothing"),
        (["label", "--n", "none"], "--n"),
        (["versoins"], "did you mean 'versions'"),
        (["why"], "Missing argument"),
    ],
)
def test_an_error_of_use_is_an_object_too(homeostat: Run, arguments: list[str], said: str) -> None:
    """Called wrongly by a program, it says so in the same form, and ends with 2 as ever."""
    ran = homeostat(*arguments, "--json")
    assert (ran.code, ran.out) == (2, "")
    error = json.loads(ran.err)["error"]
    assert error["code"] == "usage"
    assert said in error["what"]
    assert error["where"].startswith("homeostat")
    assert "--help" in error["fix"]
    assert homeostat(*arguments).code == 2


def test_an_end_before_the_end_is_an_object(homeostat: Run, monkeypatch: pytest.MonkeyPatch, shop: Path) -> None:
    """Who breaks off a command that a program called leaves an object as well; a fault of ours keeps its traceback."""
    ended: list[type[BaseException]] = [typer.Abort, EOFError]
    for kind in ended:
        monkeypatch.setattr("homeostat.cli.versions.project", _raising(kind))
        ran = homeostat("versions", "--json", "--config", shop)
        assert ran.code == 1
        assert json.loads(ran.err.splitlines()[-1])["error"]["code"] == "aborted"
    monkeypatch.setattr("homeostat.cli.versions.project", _raising(KeyboardInterrupt))
    assert homeostat("versions", "--json", "--config", shop).code == 130
    monkeypatch.setattr("homeostat.cli.versions.project", _raising(ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        homeostat("versions", "--json", "--config", shop)


def _raising(kind: type[BaseException]) -> Callable[[Path], None]:
    def ends(config: Path) -> None:
        raise kind

    return ends


def test_a_document_still_ends_with_nothing(homeostat: Run, shop: Path) -> None:
    """What succeeds prints its document alone, and its exit code is 0."""
    ran = homeostat("versions", "--json", "--config", shop)
    assert (ran.code, ran.err) == (0, "")
    assert isinstance(ran.json, dict | list)
    assert homeostat("versions", "--help", "--json").code == 0

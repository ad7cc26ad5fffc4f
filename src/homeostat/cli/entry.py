"""The group of commands. A command is a module of this package with a `command` function; its help is its docstring.

Nothing of a command is imported before it is called, so that `--help` is quick and never loads a model library.
"""

from __future__ import annotations

import ast
import importlib
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from homeostat import __version__
from homeostat.cli.helping import described
from homeostat.errors import HomeostatError, did_you_mean, full_disk_named, refused_named

COMMANDS = {
    "demo": "demo",
    "init": "init",
    "up": "up",
    "turn": "turn",
    "decide": "decide",
    "approve": "approve",
    "held": "held",
    "watch": "watch",
    "drift": "drift",
    "quality": "quality",
    "upstream": "upstream",
    "judge": "judge",
    "hindsight": "hindsight",
    "backtest": "backtest",
    "backtest what-if": "whatif",
    "backtest train": "retraining",
    "versions": "versions",
    "releases": "releases",
    "account": "account",
    "try": "trying",
    "promote": "promote",
    "rollback": "rollback",
    "split": "split",
    "split show": "standing",
    "race": "racing",
    "drill": "drill",
    "sign": "sign",
    "card": "card",
    "export": "export",
    "receive": "receive",
    "publish": "publish",
    "mirror": "mirror",
    "why": "why",
    "alerts": "alerts",
    "alerts test": "channels",
    "alerts silence": "silence",
    "alerts silences": "silences",
    "alerts retry": "retry",
    "alerts close": "close",
    "alerts rules": "rules",
    "eval": "evaluate",
    "memory": "memory",
    "attack": "attack",
    "fairness": "fairness",
    "fairness flags": "flags",
    "fairness probes": "probes",
    "leaks": "leaks",
    "leaks rows": "recitable",
    "benchmark": "benchmark",
    "suites": "suites",
    "suites add": "ask",
    "rehearse": "rehearse",
    "prefer": "prefer",
    "label": "label",
    "ensemble": "ensemble",
    "merge": "merge",
    "few": "few",
    "beginning": "beginning",
    "borrow": "borrow",
    "train": "train",
    "unlearn": "unlearn",
    "pretrain": "pretrain",
    "smaller": "smaller",
    "quantize": "quantize",
    "distill": "distill",
    "students": "students",
    "sweep": "sweep",
    "rates": "rates",
    "bases": "bases",
    "import": "imports",
    "diff": "differ",
    "reproduce": "reproduce",
    "erase": "erase",
    "erase check": "remains",
    "gc": "gc",
    "verify": "verify",
    "audit": "audit",
    "doctor": "doctor",
}
"""Command, of one word or two, -> module of this package, in the order of the help."""
SHOWN = {
    "changelog": "releases",
    "changes": "releases",
    "decisions": "decide --dry-run",
    "drills": "drill --past",
    "objective": "quality",
    "objectives": "quality",
    "policies": "decide --dry-run",
    "policy": "decide --dry-run",
    "queue": "label --json",
    "signals": "watch",
    "status": "watch",
}
"""What one may look for and is no command -> the command that shows it."""


class Lazy(TyperGroup):
    """A group that imports a command's module when the command is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the commands, in order."""
        return list(COMMANDS)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is meant; an unknown one is refused with the nearest that there is."""
        if " ".join(args[:2]) in COMMANDS:
            args = [" ".join(args[:2]), *args[2:]]
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            shown = f"`homeostat {SHOWN[args[0]]}` shows that" if args[0] in SHOWN else ""
            ctx.fail(f"No such command '{args[0]}'. {shown or did_you_mean(args[0], COMMANDS).capitalize()}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, or for the overview a stand-in with its help alone."""
        if cmd_name not in COMMANDS:
            return None
        if ctx.resilient_parsing or _overview():
            return TyperCommand(cmd_name, help=_summary(COMMANDS[cmd_name]))
        told, command = described(COMMANDS[cmd_name]) if "--help" in sys.argv else _loaded(COMMANDS[cmd_name])
        app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)
        app.command(name=cmd_name, help=told)(command)
        return typer.main.get_command(app)


def _loaded(module: str) -> tuple[str, Callable[..., None]]:
    """A command's docstring and the command itself."""
    found = importlib.import_module(f"homeostat.cli.{module}")
    return found.__doc__ or "", found.command


def _overview() -> bool:
    """Whether the command line asks for the list of commands alone."""
    return len(sys.argv) < 2 or sys.argv[1] in {"--help", "-h"}


def _summary(module: str) -> str:
    """First line of a command module's docstring, read without importing it."""
    source = Path(__file__).with_name(f"{module}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


app = typer.Typer(
    cls=Lazy,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Keeps a production LLM as good as the day it shipped, and makes it better.",
)


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Print the version and end.")) -> None:
    """Keeps a production LLM as good as the day it shipped, and makes it better."""
    if show:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; an error with a code is printed without a traceback and ends with its exit code.

    With `--json` among the arguments it is one JSON object, on a line of standard error, and so is an error of use.
    """
    # Read by OpenMP when torch is loaded: threads that spin while they wait starve the gateway on a small machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # Where it is installed it is imported by others, and tells everybody of a kernel that we never use.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    as_json = "--json" in sys.argv[1:]
    try:
        with full_disk_named("the disk takes no more files"), refused_named():
            raise SystemExit(_programmed() if as_json else app())
    except HomeostatError as problem:
        code, where, fix = problem.code, problem.where, problem.fix
        typer.echo(failure(code, problem.what, where, fix) if as_json else str(problem), err=True)
        raise SystemExit(problem.exit) from None


def failure(code: str, what: str, where: str, fix: str) -> str:
    """An error as a program reads it: one JSON object on one line, whose fields are there even where they are empty."""
    return json.dumps({"error": {"code": code, "what": what, "where": where, "fix": fix}}, ensure_ascii=False)


def _programmed() -> int:
    """Run a command that a program called; its exit code. An error of use is an object too, of the code `usage`."""
    try:
        ended = app(standalone_mode=False, prog_name="homeostat")
    except typer.Abort:
        typer.echo(failure("aborted", "ended before its end", "", ""), err=True)
        return 1
    except Exception as problem:
        # typer brings its own copy of click or uses the installed one, so these errors are known by what they can do.
        if not hasattr(problem, "format_message"):
            raise
        context = getattr(problem, "ctx", None)
        where = context.command_path if context else "homeostat"
        typer.echo(failure("usage", problem.format_message(), where, f"`{where} --help` says how"), err=True)
        return int(getattr(problem, "exit_code", 2))
    return ended if isinstance(ended, int) else 0

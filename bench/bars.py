"""Runs the bars and prints a table of what they measured: `python bench/bars.py [--full] [loop.6 ...]`.

A bar is a script `bench/GROUP_NUMBER.py` that takes `--quick` and prints JSON lines
`{"bar", "value", "interval", "n", "goal", "met", "seconds"}`. Without `--full` every bar runs quick; with it, each
result is written to `bench/results/` with date, machine and command, and a bar of days writes what it has trained
there as it goes (`LEDGERS`). What is kept of a quick run, or of a part of a bar, is never met there. A bar that is not
there, fails, or prints nothing is shown as such; the exit code is 0 only if every bar is met, as far as its run goes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PROMISED = {"loop": 8, "prove": 10, "train": 8, "watch": 8}
"""Group -> number of its bars: those that have no script yet are shown as missing."""
KEYS = ("bar", "value", "interval", "n", "goal", "met", "seconds")
LIMIT_S = 4 * 3600
LEDGERS = frozenset({"train.1"})
"""Bars that write down what each model came to, in a folder beside the results: what is there is not done again."""
_SCRIPT = re.compile(r"([a-z]+)_(\d+)\.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: what a bar measured, or why it measured nothing."""

    bar: str
    line: dict[str, Any] | None = None
    trouble: str = ""

    @property
    def met(self) -> bool:
        """Whether the bar was measured and reaches its goal."""
        return self.line is not None and self.line["met"] is True


def scripts(folder: Path) -> dict[str, Path | None]:
    """Bar -> script, or None where one is promised and not there; in the order of group and number."""
    found: dict[str, Path | None] = {f"{group}.{k}": None for group, n in PROMISED.items() for k in range(1, n + 1)}
    for path in folder.glob("*.py"):
        if match := _SCRIPT.fullmatch(path.name):
            found[f"{match[1]}.{match[2]}"] = path
    return dict(sorted(found.items(), key=lambda item: (item[0].partition(".")[0], int(item[0].partition(".")[2]))))


def measure(bar: str, script: Path | None, *, full: bool) -> list[Row]:
    """Run a bar's script. Its own messages go to standard error as they come."""
    if script is None:
        return [Row(bar=bar, trouble="missing: it has no script yet")]
    command = [sys.executable, str(script), *(str(each) for each in flags(bar, full=full))]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        more = "; run it again, it goes on where it stood" if bar in LEDGERS else ""
        return [Row(bar=bar, trouble=f"failed: not done after {LIMIT_S} s{more}")]
    rows = list(read(bar, done.stdout))
    if done.returncode:
        rows.append(Row(bar=bar, trouble=f"failed: it ended with {done.returncode}, its messages are above"))
    return rows or [Row(bar=bar, trouble="failed: it printed no result")]


def flags(bar: str, *, full: bool) -> list[str | Path]:
    """What a bar's script is told. A quick run writes into no ledger: its models are others, and nobody keeps them."""
    if not full:
        return ["--quick"]
    return ["--ledger", RESULTS / bar] if bar in LEDGERS else []


def read(bar: str, printed: str) -> Iterator[Row]:
    """The results among the lines that a script printed."""
    for text in printed.splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if not isinstance(line, dict) or "bar" not in line:
            continue
        lacking = [key for key in KEYS if key not in line]
        yield (
            Row(bar=bar, trouble=f"failed: its line lacks {', '.join(lacking)}") if lacking else Row(bar=bar, line=line)
        )


def keep(bar: str, rows: Iterable[Row], folder: Path) -> None:
    """Write the full result of a bar, with what one needs to make it again."""
    folder.mkdir(exist_ok=True)
    kept = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": " ".join(["python", f"bench/{bar.replace('.', '_')}.py", *map(_named, flags(bar, full=True))]),
        "machine": machine(),
        "lines": [settled(row.line) for row in rows if row.line is not None],
    }
    (folder / f"{bar}.json").write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _named(flag: str | Path) -> str:
    """A flag as it is told to others: a folder of ours from the root of the checkout."""
    return flag.relative_to(HERE.parent).as_posix() if isinstance(flag, Path) else flag


def settled(line: dict[str, Any]) -> dict[str, Any]:
    """A line as it is kept: a quick run, or one of a part of the bar (`only`), shows something and meets nothing."""
    part = bool(line.get("quick") or line.get("only"))
    return {**line, "met": False} if part and line.get("met") else line


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    cpus = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", cpus.read_text(), re.MULTILINE) if cpus.exists() else []
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "homeostat": version("homeostat"),
    }


def table(rows: Sequence[Row]) -> Table:
    """The rows as a table; a bar without a figure shows its trouble instead."""
    drawn = Table(show_edge=False, pad_edge=False)
    for title in ("bar", "value", "interval", "n", "goal", "met", "seconds"):
        drawn.add_column(title, justify="left" if title == "bar" else "right")
    for row in rows:
        if row.line is None:
            drawn.add_row(row.bar, row.trouble.partition(":")[0], "", "", "", "no", "")
        else:
            cells = (shown(row.line[key]) for key in ("value", "interval", "n", "goal"))
            # A bar of several streams names each of its lines itself.
            drawn.add_row(str(row.line["bar"]), *cells, "yes" if row.met else "no", shown(row.line["seconds"]))
    return drawn


def shown(value: object) -> str:
    """A value of any shape in few characters."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return " to ".join(shown(part) for part in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(part)}" for key, part in value.items())
    return "–" if value is None else str(value)


def main() -> int:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="not quick, and keep the results")
    parser.add_argument("bars", nargs="*", help="bars to run; all if none is named")
    args = parser.parse_args()
    known = scripts(HERE)
    if unknown := [bar for bar in args.bars if bar not in known]:
        parser.error(f"no bar {shlex.join(unknown)}; known: {', '.join(known)}")
    console, rows = Console(), list[Row]()
    for bar in args.bars or known:
        began = time.perf_counter()
        measured = measure(bar, known[bar], full=args.full)
        print(f"{bar}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
        if args.full and all(row.line is not None for row in measured):
            keep(bar, measured, RESULTS)
        rows += measured
    console.print(table(rows))
    for row in rows:
        if row.trouble:
            console.print(f"{row.bar} {row.trouble}", highlight=False)
    met = sum(row.met for row in rows)
    console.print(
        f"{met} of {len(rows)} met" + ("" if args.full else "; quick runs, not the full ones"), highlight=False
    )
    return 0 if met == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main())

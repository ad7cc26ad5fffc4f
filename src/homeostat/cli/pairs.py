"""A pair of replies on the terminal, the answer to it, and what was said so far."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from textwrap import indent

import typer

from homeostat.cli.table import facts, scored
from homeostat.errors import BadStream, did_you_mean
from homeostat.release.preferred import CHOICES, Pair, Preferred

SKIP, QUIT = "skip", "quit"
KEYS = {name[0]: name for name in (*CHOICES, SKIP, QUIT)}


def ask(pair: Pair, place: str) -> str | None:
    """Show a pair and wait for an answer: a choice, empty to skip it, None to end."""
    parts = {"asked": pair.text, "left": pair.left, "right": pair.right}
    typer.echo(f"\n── {place}")
    for name, text in parts.items():
        typer.echo(f"{name}\n{indent(text, '    ')}")
    while True:
        typer.echo(f"better? {', '.join(f'({name[0]}){name[1:]}' for name in KEYS.values())}: ", nl=False)
        line = sys.stdin.readline()
        said = KEYS.get(line.strip().lower()[:1], "")
        if not line or said == QUIT:
            return None
        if said:
            return "" if said == SKIP else said


def answers(file: Path, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Pairs and choices of a file of answers, all of them read before the first is given.

    Raises:
        BadStream: it cannot be read, or a line is no answer to a pair that waits.
    """
    return each_line(file, partial(_answer, known=known))


def each_line(file: Path, read: Callable[[str, str], tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """What `read` makes of each line that is not blank, told where it stands; all are read before the first is given.

    Raises:
        BadStream: the file cannot be read, or as `read`.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise BadStream(f"cannot be read: {problem}", where=str(file)) from None
    found = [read(line, f"{file} line {k}") for k, line in enumerate(lines, 1) if line.strip()]
    yield from found


def _answer(line: str, where: str, known: Collection[str]) -> tuple[str, str]:
    try:
        given = json.loads(line)
        pair, choice = given["interaction"], given["choice"]
    except (ValueError, KeyError, TypeError):
        raise BadStream("no answer", where=where, fix='write {"interaction": "…", "choice": "left"}') from None
    if choice not in CHOICES:
        raise BadStream(f"no choice '{choice}'", where=where, fix=did_you_mean(str(choice), CHOICES))
    if pair not in known:
        fix = "print them with --json, judge as the one who answers (--by)"
        raise BadStream(f"'{pair}' is no pair that waits", where=where, fix=fix)
    return pair, choice


def show(found: Preferred) -> None:
    """What was said so far."""
    share, agreed = found.share, found.agreement
    preferred = scored(share) if share else "nothing judged yet"
    said = {
        "preferred": preferred,
        "better, worse, tie": f"{found.better}, {found.worse}, {found.ties} ({found.alike} word by word the same)",
        "p that it is no better": f"{found.p:.3g}, however often you look",
        "judges agree": f"{100 * agreed:.0f} %" if agreed is not None else "",
        "nobody judged yet": f"{found.waiting}"
        + (f"; {found.same} more are word by word the same" if found.same else ""),
    }
    facts(f"{found.candidate} beside the champion", said)

"""A request on the terminal and what is right of it; and files of such answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from textwrap import indent

import typer

from homeostat.cli.pairs import each_line
from homeostat.collect.spelling import meant
from homeostat.collect.text import fault_of
from homeostat.errors import BadStream
from homeostat.loop.listening.labeling import Open

SKIP, END, YES = "-", ".", "yes"


def ask(waiting: Sequence[Open], labels: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Show requests one by one and wait for what is right of each: interaction and label or reply, as soon as it is
    said, until the end.

    A label that is nearly a known one, and not it, has to be said twice.
    """
    for place, one in enumerate(waiting, 1):
        typer.echo(f"\n── {place} of {len(waiting)}\n{indent(one.text, '    ')}")
        typer.echo(f"reply ({100 * one.confidence:.0f} % sure)\n{indent(one.reply, '    ')}")
        line = _line(labels)
        if line is None or line == END:
            break
        if line != SKIP:
            yield one.interaction, line or one.reply


def _line(labels: frozenset[str]) -> str | None:
    """What was typed; empty for "the reply is right", None at the end of the input."""
    while True:
        typer.echo(f"right? (Enter: yes; else what is right; {SKIP} skips; {END} ends): ", nl=False)
        read = sys.stdin.readline()
        line = read.strip()
        if not read:
            return None
        near = meant(line, labels) if line not in (*labels, "", SKIP, END) else ""
        if not near:
            return line
        typer.echo(f"'{line}' is new; did you mean '{near}'? ({YES}: it is new) ", nl=False)
        if sys.stdin.readline().strip().lower() == YES:
            return line


def answers(file: Path, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """Interactions and what is right of them, of a file; all of it is read before the first is given.

    The file holds JSON lines, or is the document of `homeostat label --json` with a `value` written into requests;
    those without one still wait.

    Raises:
        BadStream: it cannot be read, or a line is no answer to a request that waits.
    """
    printed = _printed(file)
    if printed is None:
        return each_line(file, partial(_answer, known=known))
    said = {k: one for k, one in enumerate(printed, 1) if not (isinstance(one, dict) and one.get("value") is None)}
    if not said:
        raise BadStream("nothing is said to be right", where=str(file), fix='write a "value" into its requests')
    return iter([_answer(json.dumps(one), f"{file} request {k}", known) for k, one in said.items()])


def _printed(file: Path) -> list[object] | None:
    """The requests of a file that is the document of `--json`; None where it is another file."""
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    requests = given.get("requests") if isinstance(given, dict) else None
    return requests if isinstance(requests, list) else None


def doubted(said: Mapping[str, str], labels: frozenset[str]) -> list[str]:
    """A sentence for each label that is new and nearly a known one, as the gateway warns of it."""
    new = sorted({value for value in said.values() if labels and value not in labels})
    near = {value: meant(value, labels) for value in new}
    return [f"label '{value:.60}' is new; did you mean '{known}'?" for value, known in near.items() if known]


def unheld(said: Collection[str], held: Collection[str]) -> list[str]:
    """A sentence where requests were labeled that had not been held; nothing where all had been."""
    n = sum(id not in held for id in said)
    return [f"{n} of {len(said)} were not held (`--hold`): they teach, and nothing is measured by them"] if n else []


def _answer(line: str, where: str, known: Collection[str]) -> tuple[str, str]:
    fix = 'write {"interaction": "…", "value": "…"}'
    try:
        given = json.loads(line)
        request, value = given["interaction"], given["value"]
    except (ValueError, KeyError, TypeError):
        raise BadStream("no answer", where=where, fix=fix) from None
    if not isinstance(value, str) or not value.strip() or fault_of(value):
        raise BadStream("nothing is said to be right", where=where, fix=fix)
    if request not in known:
        fix = "print those that wait with --json --hold"
        raise BadStream(f"'{request}' is no request that waits for a label", where=where, fix=fix)
    return str(request), value

"""Show the audit log: who wrote what and when, each entry chained to the one before. Says whether the chain holds.

It holds ids and hashes and nothing that users said. `--out` exports it as JSON lines, and `--file` checks such a file
without the project. Keep the head, the seal of the newest entry, anywhere else: `--head` then says whether everything
up to it is still as it was, the end of the log included.

Exit codes: 0 the chain holds; 1x configuration; 21 the file is no export; 23 it cannot be read or written; 44 the chain
does not hold, one line each on standard error.

Example: `homeostat audit --about ver_1v9x3k`
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from homeostat.cli.places import content_of, hold_writable
from homeostat.cli.project import project
from homeostat.cli.table import document, table
from homeostat.errors import BadStream, Tampered
from homeostat.store.audit import START, breaks
from homeostat.web import words
from homeostat.web.plain import plain

SHOWN = 12
"""Letters of a seal in the table."""
COLUMNS = ("entry", "time (UTC)", "who", "what", "about", "seal")
_FIELDS = {"seq": int, "time": int | float} | dict.fromkeys(("who", "what", "about", "hash", "before", "seal"), str)
"""What every entry has -> what it is."""
_EXPORT = "`homeostat audit --out FILE` writes one"


def command(
    about: Annotated[str, typer.Option(help="Only entries about this id; all are checked.")] = "",
    last: Annotated[int, typer.Option(min=0, help="Newest entries that are shown; 0 for all.")] = 20,
    head: Annotated[str, typer.Option(help="Seal of an entry that must be among them.")] = "",
    out: Annotated[Path | None, typer.Option(help="Write all entries to this file as JSON lines.")] = None,
    file: Annotated[Path | None, typer.Option(exists=True, help="Check this export instead of the project.")] = None,
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Show the audit log: who wrote what and when, each entry chained to the one before."""
    if head and len(head) != len(START):
        says = f"a seal has {len(START)} letters; the table shows {SHOWN}, its title and --json all"
        raise typer.BadParameter(says, param_hint="--head")
    hold_writable(out)
    entries = _exported(file) if file else _stored(config)
    problems = list(breaks(entries))
    if head and head not in {entry["seal"] for entry in entries} | {START}:
        problems.append(f"audit: no entry has the seal {head}")
    if out is not None:
        out.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    shown, newest = [e for e in entries if about in ("", e["about"])][-last:], entries[-1]["seal"] if entries else START
    if as_json:
        document({"ok": not problems, "problems": problems, "head": newest, "n": len(entries), "entries": shown})
    else:
        of = f"{len(entries)} entries" if shown or not about else f"none of {len(entries)} entries is about {about!r}"
        table(f"{of}, head {newest}", COLUMNS, [_row(entry) for entry in shown])
        typer.echo("\n".join(problems) or "the chain holds", err=bool(problems))
    if problems:
        raise typer.Exit(Tampered.exit)


def _stored(config: Path) -> list[dict[str, Any]]:
    with project(config) as opened:
        return [plain(entry) for entry in opened.store.audit.list()]


def _exported(file: Path) -> list[dict[str, Any]]:
    """The entries of an export. A byte that was flipped must not hide the rest, so it need not be UTF-8.

    Raises:
        NotText: it cannot be read.
        BadStream: it is empty, or a line is no entry.
    """
    lines = content_of(file).decode(errors="replace").splitlines()
    if not lines:
        raise BadStream("there is no entry in it", where=str(file), fix=_EXPORT)
    return [_entry(line, f"{file} line {number}") for number, line in enumerate(lines, 1)]


def _entry(line: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
        strange = [name for name, kind in _FIELDS.items() if not isinstance(found[name], kind)]
    except (ValueError, KeyError, TypeError):
        strange = ["all of it"]
    if strange:
        raise BadStream("a line is not an entry of the audit log", where=where, fix=_EXPORT)
    return dict(found)


def _row(entry: dict[str, Any]) -> list[str]:
    when = words.when(entry["time"])
    return [str(entry["seq"]), when, entry["who"], entry["what"], entry["about"], entry["seal"][:SHOWN]]

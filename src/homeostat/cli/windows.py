"""Which rows the windows are that a command line names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from homeostat.cli.project import project
from homeostat.collect.logged import read_logged
from homeostat.collect.moment import seconds
from homeostat.errors import BadWindow
from homeostat.store import Store
from homeostat.store.interactions import Which
from homeostat.types.interaction import Interaction
from homeostat.web.newest import newest

MOST = 50_000
"""Rows that are read of a window, the newest ones."""
_GRAMMAR = "write A..B (dates, either may be left out), last:N, first:N, version:ID, or before:N for the reference"
_COUNTED = re.compile(r"(last|first|before):([0-9_,]+)")


def from_log(config: Path, task: str, reference: str, current: str) -> tuple[str, list[Interaction], list[Interaction]]:
    """The task, and the rows of both windows of its log, oldest first; what users got, and no shadow copies.

    Raises:
        BadWindow: a window that is not understood.
        UnknownKey: there is no such task, or none was named and there are several.
    """
    with project(config) as opened:
        name = opened.task(task)
        newer = _rows(opened.store, name, current, "--current", None)
        older = _rows(opened.store, name, reference, "--reference", newer)
    return name, older, newer


def from_files(reference: Path, current: Path) -> tuple[list[Interaction], list[Interaction]]:
    """The rows of two files of JSON lines, oldest first. Raises what `read_logged` does."""
    return read_logged(reference), read_logged(current)


def _rows(store: Store, task: str, window: str, where: str, current: Sequence[Interaction] | None) -> list[Interaction]:
    counted, (start, dots, end) = _COUNTED.fullmatch(window), window.partition("..")
    if counted:
        kind, n = counted[1], int(re.sub("[_,]", "", counted[2]))
        if kind == "first":
            return store.interactions.list(task, limit=min(n, MOST))
        if kind == "last" or current:
            before: Which = {"until": current[0].time} if kind == "before" and current else {}
            return newest(store, task, min(n, MOST), **before)[::-1]
        if current is not None:
            return []
    elif dots:
        since, until = _moment(start, where), _moment(end, where)
        which: Which = {} if since is None else {"since": since}
        return newest(store, task, MOST, **(which if until is None else {**which, "until": until}))[::-1]
    elif window.startswith("version:"):
        return newest(store, task, MOST, version=window.removeprefix("version:"))[::-1]
    raise BadWindow(f"'{window}' names no window", where=where, fix=_GRAMMAR)


def _moment(text: str, where: str) -> float | None:
    """Seconds since 1970; None where nothing is written."""
    try:
        return seconds(text.strip()) if text.strip() else None
    except ValueError as broken:
        fix = "write dates as 2026-01-31 or 2026-01-31T12:00:00+00:00"
        raise BadWindow(f"'{text}' is no date", where=where, fix=fix) from broken

"""Which rows the windows are that a command line names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf
from pathlib import Path

from homeostat.cli.project import project
from homeostat.collect.logged import read_logged
from homeostat.collect.moment import seconds
from homeostat.config.load import load
from homeostat.config.schema import Decide
from homeostat.errors import BadWindow, did_you_mean
from homeostat.monitor.hours import Hours
from homeostat.store import Store
from homeostat.types.interaction import Interaction

MOST = 50_000
"""Rows of a log that are read for a window, the newest ones."""
_GRAMMAR = "write A..B (dates, either may be left out), last:N, first:N, version:ID, or a file that ends in .jsonl"
_BEFORE = "; for the reference also before:N"
_COUNTED = re.compile(r"(last|first|before):([0-9_,]+)")
_FILE = re.compile(r"(?:file:(.+)|(.+\.jsonl(?:\.gz|\.xz)?))", re.DOTALL)


def told_hours(reference: str) -> tuple[str, Hours]:
    """A reference window without what stands behind its last `@`, and which hours of it are compared, as that says.

    Raises:
        BadWindow: something stands there that names no hours.
    """
    window, at, named = reference.rpartition("@")
    if not at or not named.isalpha():  # such as a path with an @ in it
        return reference, Hours.AUTO
    if named not in list(Hours):
        raise BadWindow(f"'@{named}' names no hours", where="--reference", fix=did_you_mean(named, list(Hours)))
    return window, Hours(named)


def read(config: Path, task: str, reference: str, current: str) -> tuple[str, list[Interaction], list[Interaction]]:
    """What is compared, and the rows of both windows, oldest first: what users got, and no shadow copies.

    A window is one of a task's log or a file of JSON lines; where both are files no project is opened.

    Raises:
        BadWindow: a window that is not understood.
        UnknownKey: there is no such task, or none was named and there are several.
        BadStream, EmptyStream, NotText: a file that cannot be read.
    """
    files = [_FILE.fullmatch(window) for window in (reference, current)]
    older, newer = ([] if found is None else read_logged(Path(found[1] or found[2])) for found in files)
    if all(files):
        return f"{reference} → {current}", older, newer
    with project(config) as opened:
        name = opened.task(task)
        newer = newer if files[1] else _rows(opened.store, name, current, "--current", None)
        older = older if files[0] else _rows(opened.store, name, reference, "--reference", newer)
    return name, older, newer


def both_files(reference: str, current: str) -> bool:
    """Whether no window is one of a log."""
    return all(_FILE.fullmatch(window) for window in (reference, current))


def price(config: Path) -> float:
    """What an hour of answering costs by a project's file; by default where there is none."""
    return load(config).decide.price_per_cpu_hour if config.exists() else Decide().price_per_cpu_hour


def _rows(store: Store, task: str, window: str, where: str, current: Sequence[Interaction] | None) -> list[Interaction]:
    """The rows of a window of the log; `current` are those of the other window where this one is the reference."""
    counted, dots = _COUNTED.fullmatch(window), ".." in window
    if counted and (counted[1] != "before" or current is not None):
        kind, n = counted[1], min(int(re.sub("[_,]", "", counted[2]) or 0), MOST)
        if kind == "first":
            return store.interactions.list(task, limit=n)
        until = (current[0].time if current else 0.0) if kind == "before" else inf
        return store.interactions.last(task, n, until=until)
    if dots:
        since, until = stretch(window, where)
        return store.interactions.last(task, MOST, since=since, until=until)
    if window.startswith("version:"):
        return store.interactions.last(task, MOST, version=window.removeprefix("version:"))
    fix = _GRAMMAR + (_BEFORE if current is not None else "")
    raise BadWindow(f"'{window}' names no window", where=where, fix=fix)


def stretch(window: str, where: str) -> tuple[float, float]:
    """Where `A..B` begins and ends, in seconds since 1970; without end or beginning where nothing is written.

    Raises:
        BadWindow: there is no `..`, or a date is none, or the end comes before the beginning.
    """
    start, dots, end = window.partition("..")
    since, until = _moment(start, 0.0, where), _moment(end, inf, where)
    if not dots or until <= since:
        raise BadWindow(f"'{window}' is no stretch of time", where=where, fix="write A..B, the earlier date first")
    return since, until


def between(start: str, end: str) -> tuple[float, float]:
    """What `--from` and `--to` say, in seconds since 1970; without beginning or end where nothing is written.

    Raises:
        BadWindow: a date is none, or the end does not come after the beginning.
    """
    since, until = _moment(start, 0.0, "--from"), _moment(end, inf, "--to")
    if until <= since:
        raise BadWindow(f"{end} does not come after {start}", where="--to", fix="write the earlier date as --from")
    return since, until


def _moment(text: str, default: float, where: str) -> float:
    """Seconds since 1970; the default where nothing is written."""
    try:
        return seconds(text.strip()) if text.strip() else default
    except ValueError as broken:
        fix = "write dates as 2026-01-31 or 2026-01-31T12:00:00+00:00"
        raise BadWindow(f"'{text}' is no date", where=where, fix=fix) from broken

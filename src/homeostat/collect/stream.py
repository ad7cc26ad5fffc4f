"""Reads a labeled, time-ordered stream of requests: JSON lines, plain or packed, one object a line.

Keys: `text`, `label`, `time`, and, optional, `split`, `tags`, `truth`, `reply` (the text that should be answered; a
task of text needs no `label`) and `until` (when a test row is retired because what is right for it changed). Others are
passed over, unless one looks like an optional key misspelled: nearly its name, with a value that would do for it, in a
line that lacks it. What is under `truth` is handed back beside the rows and never in them, so that whoever holds rows
cannot read it.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from homeostat.collect.moment import seconds
from homeostat.collect.spelling import meant
from homeostat.collect.text import fault_of
from homeostat.collect.unpacked import text_of
from homeostat.errors import BadStream, EmptyStream, did_you_mean

Truth = Mapping[str, object]
"""What a stream knows about a row that nothing but scoring may read."""

_OPTIONAL = ("split", "tags", "truth", "reply", "until")
_SHAPE = 'one JSON object a line: {"text", "label", "time"} and, if you like, ' + ", ".join(_OPTIONAL)
_KEYS = frozenset({"text", "label", "time", *_OPTIONAL})


class Split(StrEnum):
    """What a row of a stream is for."""

    HISTORY = "history"
    """Trains the first champion."""
    LIVE = "live"
    """Traffic; its label is revealed through feedback alone."""
    TEST = "test"
    """Evaluation alone; fenced from training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRow:
    """One request of a recorded stream and the reply it should have had."""

    index: int
    """Place in the stream, from 0, in the order of time; `truth[index]` belongs to it."""
    text: str
    label: str
    time: float
    """Seconds since 1970."""
    split: Split
    tags: Mapping[str, str] = field(default_factory=dict)
    reply: str = ""
    """The text that should be answered, where the stream has one."""
    until: float = math.inf
    """When a test row is retired, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A line as read: a split may still be missing."""

    number: int
    text: str
    label: str
    time: float
    split: Split | None
    tags: Mapping[str, str]
    truth: Truth
    reply: str
    until: float


def default_split(index: int, n: int) -> Split:
    """The split of row `index` of `n` where a stream names none: every fifth is test, the first quarter history."""
    if index % 5 == 4:
        return Split.TEST
    return Split.HISTORY if index < n / 4 else Split.LIVE


def history_split(index: int, n: int) -> Split:
    """The same where nothing is to be replayed: every fifth is test, all others history."""
    return Split.TEST if index % 5 == 4 else Split.HISTORY


def all_history(index: int, n: int) -> Split:
    """The same where every row counts, because there are few: all are history."""
    return Split.HISTORY


def read_stream(
    path: Path | str,
    *,
    unnamed: Callable[[int, int], Split] = default_split,
    needed: Collection[Split] = tuple(Split),
    labeled: bool = True,
) -> tuple[list[StreamRow], list[Truth]]:
    """Rows in the order of time, and what is true of each of them, apart.

    Args:
        path: JSON lines, plain, gzipped or packed with xz.
        unnamed: where the stream names no splits, that of row `index` of `n`.
        needed: splits of which there must be rows.
        labeled: whether every row must have a `label`; rows for a task of text need none.

    Raises:
        BadStream: no such file, or a line that does not fit, with its number and what is wrong with it.
        EmptyStream: no rows, or none of a split that is needed.
        NotText: the file is not UTF-8.
    """
    path = Path(path)
    lines = sorted(_lines(path, labeled), key=lambda line: line.time)
    splits = _splits(lines, path, unnamed)
    rows = [
        StreamRow(
            index=k,
            text=line.text,
            label=line.label,
            time=line.time,
            split=split,
            tags=line.tags,
            reply=line.reply,
            until=line.until,
        )
        for k, (line, split) in enumerate(zip(lines, splits, strict=True))
    ]
    require_splits(rows, needed, where=str(path))
    return rows, [line.truth for line in lines]


def require_splits(rows: Sequence[StreamRow], needed: Collection[Split] = tuple(Split), *, where: str) -> None:
    """Hold that there are rows of these splits: of all, if the story is to be told of them.

    Raises:
        EmptyStream: there are no rows, or none of one of these splits.
    """
    if not rows:
        raise EmptyStream("the stream has no rows", where=where, fix=_SHAPE)
    missing = [s.value for s in Split if s in needed and s not in {row.split for row in rows}]
    if missing:
        raise EmptyStream(
            f"the stream has {len(rows)} rows but none of {' and none of '.join(missing)}",
            where=where,
            fix="mark rows of each with `split`, or leave `split` out of all rows and give at least 20",
        )


def _splits(lines: list[_Line], path: Path, unnamed: Callable[[int, int], Split]) -> list[Split]:
    """The split of each line: its own, or all by position where no line names one."""
    named = [line.split for line in lines if line.split is not None]
    if len(named) == len(lines):
        return named
    if named:
        first = min(line.number for line in lines if line.split is None)
        raise BadStream(
            "this row has no `split` and others have one",
            where=f"{path} line {first}",
            fix="give every row a split, or none",
        )
    return [unnamed(k, len(lines)) for k in range(len(lines))]


def _lines(path: Path, labeled: bool) -> Iterator[_Line]:
    for number, text in enumerate(text_of(path).split("\n"), 1):
        if text.strip():
            yield _line(text, number, f"{path} line {number}", labeled)


def _line(text: str, number: int, where: str, labeled: bool) -> _Line:
    try:
        entry = json.loads(text)
    except (ValueError, RecursionError) as broken:
        raise BadStream(f"not JSON: {broken}", where=where, fix=_SHAPE) from broken
    if not isinstance(entry, dict):
        raise BadStream(f"a JSON {type(entry).__name__} where an object is wanted", where=where, fix=_SHAPE)
    line = _Line(
        number=number,
        text=_words(entry, "text", where),
        label=_words(entry, "label", where) if labeled or "label" in entry else "",
        time=_time(entry, "time", where),
        **_optional(entry, where),
    )
    for key in entry:
        if key not in _KEYS and (near := meant(key, _OPTIONAL)) and near not in entry and _would_do(entry[key], near):
            fix = f"rename it to '{near}', or, if it is something else, to a name less like it"
            raise BadStream(f"unknown key '{key}' — did you mean '{near}'?", where=where, fix=fix)
    return line


def _optional(entry: dict[str, object], where: str) -> dict[str, Any]:
    """What stands under the keys that may be missing."""
    return {
        "split": _split(entry.get("split"), where),
        "tags": _tags(entry.get("tags"), where),
        "truth": _truth(entry.get("truth"), where),
        "reply": _words(entry, "reply", where) if "reply" in entry else "",
        "until": _time(entry, "until", where) if "until" in entry else math.inf,
    }


def _would_do(value: object, key: str) -> bool:
    """Whether a value could stand under an optional key."""
    with suppress(BadStream):
        return bool(_optional({key: value}, ""))
    return False


def _words(entry: dict[str, object], key: str, where: str) -> str:
    """The text under a key that must be there and not be blank."""
    if key not in entry:
        raise _missing(entry, key, where)
    value = entry[key]
    if not isinstance(value, str) or not value.strip():
        raise BadStream(f"'{key}' is {value!r:.60}, not a text with words in it", where=where, fix=_SHAPE)
    if fault := fault_of(value):
        raise BadStream(f"'{key}' {fault}", where=where, fix="remove it from the file")
    return value


def _missing(entry: dict[str, object], key: str, where: str) -> BadStream:
    """What to say of a key that must be there: which of those given may be meant, or what a row looks like."""
    near = difflib.get_close_matches(key, [given for given in entry if given not in _KEYS], n=1)
    return BadStream(f"no key '{key}'", where=where, fix=f"rename '{near[0]}' to '{key}'" if near else _SHAPE)


def _time(entry: dict[str, object], key: str, where: str) -> float:
    if key not in entry:
        raise _missing(entry, key, where)
    try:
        return seconds(entry[key])
    except ValueError as broken:
        raise BadStream(
            f"'{key}' is {entry[key]!r:.60}", where=where, fix="write it as 2026-01-31T12:00:00+00:00 or as seconds"
        ) from broken


def _split(value: object, where: str) -> Split | None:
    if value is None:
        return None
    if value not in {s.value for s in Split}:
        raise BadStream(f"unknown split {value!r:.60}", where=where, fix=did_you_mean(str(value), Split))
    return Split(str(value))


def _tags(value: object, where: str) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise BadStream(f"'tags' is {value!r:.60}", where=where, fix='write it as {"name": "text", …}')
    if fault := fault_of("".join([*value, *value.values()])):
        raise BadStream(f"'tags' {fault}", where=where, fix="remove it from the file")
    return value


def _truth(value: object, where: str) -> Truth:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadStream(f"'truth' is {value!r:.60}, not an object", where=where, fix=_SHAPE)
    return value

"""Reads interactions from JSON lines, plain or packed: what another log has kept, to be compared and not to be stored.

Keys: `text`, and, optional, `reply`, `label`, `time`, `tags`, `confidence`, `entropy`, `latency_ms`, `prompt_tokens`,
`reply_tokens`, `version`, `embedding` (a list of numbers), `model`, `system_fingerprint` and `id`. A `label` stands for
the reply where there is none and is a tag beside one; the model that answered elsewhere, with its fingerprint, is the
tag `upstream`. Others are passed over, unless one looks like an optional key misspelled. What a row does not
say is unknown: 0 where an interaction has 0 for that.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from homeostat.collect.moment import seconds
from homeostat.collect.spelling import meant
from homeostat.collect.text import fault_of
from homeostat.collect.unpacked import text_of
from homeostat.errors import BadStream, EmptyStream
from homeostat.types.interaction import Interaction

_WORDS = ("reply", "label", "version", "id")
_ANSWERED = ("model", "system_fingerprint")
_NUMBERS = ("confidence", "entropy", "latency_ms", "prompt_tokens", "reply_tokens")
_OPTIONAL = (*_WORDS, *_ANSWERED, *_NUMBERS, "time", "tags", "embedding")
_SHAPE = 'one JSON object a line: {"text", "reply", "time", "tags", …}; all but the first may be missing'


def read_logged(path: Path) -> list[Interaction]:
    """The interactions of a file, in the order of their times; those of the same time, or of none, as they stand.

    Raises:
        BadStream: it cannot be read, is damaged, or a line does not fit, with its number and what is wrong with it.
        EmptyStream: it has no rows.
        NotText: it is not UTF-8.
    """
    lines = [(n, line) for n, line in enumerate(text_of(path).split("\n"), 1) if line.strip()]
    if not lines:
        raise EmptyStream("the file has no rows", where=str(path), fix=_SHAPE)
    rows = [_row(line, f"{path}:{n}", f"{path} line {n}") for n, line in lines]
    return sorted(rows, key=lambda row: row.time)


def _row(line: str, id: str, where: str) -> Interaction:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as broken:
        raise BadStream(f"not JSON: {broken}", where=where, fix=_SHAPE) from broken
    if not isinstance(entry, dict) or "text" not in entry:
        raise BadStream("not a JSON object with a 'text'", where=where, fix=_SHAPE)
    for key in entry:
        if key not in _OPTIONAL and (near := meant(key, _OPTIONAL)) and near not in entry:
            fix = f"rename it to '{near}', or, if it is something else, to a name less like it"
            raise BadStream(f"unknown key '{key}' — did you mean '{near}'?", where=where, fix=fix)
    said = {key: _words(entry, key, where) for key in ("text", *_WORDS)}
    numbers: dict[str, Any] = {key: _number(entry, key, where) for key in _NUMBERS}
    tags = _upstream(entry, where) | _tags(entry, where)
    return Interaction(
        id=said["id"] or id,
        task="",
        time=_time(entry, where),
        text=said["text"],
        reply=said["reply"] or said["label"],
        version=said["version"],
        tags={"label": said["label"], **tags} if said["reply"] and said["label"] else tags,
        embedding=_embedding(entry, where),
        **numbers,
    )


def _upstream(entry: dict[str, Any], where: str) -> dict[str, str]:
    """The tag of the model of somebody else's that answered; none where the row does not say."""
    parts = [_words(entry, key, where) for key in _ANSWERED if entry.get(key) is not None]
    return {"upstream": " ".join(filter(None, parts))} if any(parts) else {}


def _words(entry: dict[str, Any], key: str, where: str) -> str:
    value = entry.get(key, "")
    if not isinstance(value, str):
        raise BadStream(f"'{key}' is {value!r:.60}, not a text", where=where, fix=_SHAPE)
    if fault := fault_of(value):
        raise BadStream(f"'{key}' {fault}", where=where, fix="remove it from the file")
    return value


def _number(entry: dict[str, Any], key: str, where: str) -> float:
    value = entry.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise BadStream(f"'{key}' is {value!r:.60}, not a number from 0 on", where=where, fix="leave it out if unknown")
    return value


def _time(entry: dict[str, Any], where: str) -> float:
    try:
        return seconds(entry.get("time", 0.0))
    except ValueError as broken:
        fix = "write it as 2026-01-31T12:00:00+00:00 or as seconds"
        raise BadStream(f"'time' is {entry['time']!r:.60}", where=where, fix=fix) from broken


def _tags(entry: dict[str, Any], where: str) -> dict[str, str]:
    value = entry.get("tags", {})
    if not isinstance(value, dict) or not all(isinstance(inner, str) for inner in value.values()):
        raise BadStream(f"'tags' is {value!r:.60}", where=where, fix='write it as {"name": "text", …}')
    if fault := fault_of("".join([*value, *value.values()])):
        raise BadStream(f"'tags' {fault}", where=where, fix="remove it from the file")
    return value


def _embedding(entry: dict[str, Any], where: str) -> bytes:
    value = entry.get("embedding", [])
    if not isinstance(value, list) or not all(isinstance(x, int | float) and not isinstance(x, bool) for x in value):
        raise BadStream(f"'embedding' is {value!r:.60}, not a list of numbers", where=where, fix="leave it out")
    return np.array(value, dtype=np.float16).tobytes() if value else b""

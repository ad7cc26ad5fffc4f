"""A judge's scores of the anchors: read from a file, and what a look at them has found."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

from homeostat.cli.table import facts
from homeostat.errors import BadStream
from homeostat.monitor.anchors import EVERY, Look

_SHAPE = 'write {"anchor": "…", "score": 0.7}, a score from 0 to 1'


def read_scores(file: Path, known: Collection[str]) -> dict[str, list[float]]:
    """Anchor -> its scores, in the order of a file of JSON lines.

    Raises:
        BadStream: it cannot be read, it holds no line, or a line is no score of a known anchor.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise BadStream(f"cannot be read: {problem}", where=str(file)) from None
    found: dict[str, list[float]] = {}
    for k, line in enumerate(lines, 1):
        if line.strip():
            anchor, score = _score(line, f"{file} line {k}", known)
            found.setdefault(anchor, []).append(score)
    if not found:
        raise BadStream("there is no score in it", where=str(file), fix=_SHAPE)
    return found


def _score(line: str, where: str, known: Collection[str]) -> tuple[str, float]:
    try:
        given = json.loads(line)
        anchor, score = str(given["anchor"]), float(given["score"])
    except (ValueError, KeyError, TypeError):
        raise BadStream("no score of an anchor", where=where, fix=_SHAPE) from None
    if not 0.0 <= score <= 1.0:
        raise BadStream(f"a score of {score:g}", where=where, fix=_SHAPE)
    if anchor not in known:
        raise BadStream(f"'{anchor}' is no anchor", where=where, fix="`homeostat judge --anchors` prints them")
    return anchor, score


def show(judge: str, found: Look) -> None:
    """What a look has found, on the terminal."""
    said = {
        "looks": found.looks,
        "p that nothing changed": f"{found.p:.4g}" if found.looks > 1 or found.alarm else "the first look",
        "evidence": f"{found.evidence:.3g}, an alarm at {EVERY}",
        "higher than before by": f"{found.shift:+.3f}",
    }
    first = found.looks == 1 and not found.alarm
    verdict = "the first look, which later ones are compared with" if first else "as it was, as far as can be told"
    facts(f"{judge}: " + ("CHANGED" if found.alarm else verdict), said)

"""What a version did on each row, as numbers between 0 and 1, and their means with intervals.

This room never sees a model: the loop lets both versions answer and hands over one number a row (1.0 for a right
label, 0.0 for a wrong one, a chrF share for a text).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.stats import clustered
from homeostat.types.report import Score

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How well one version did on one row."""

    id: str
    group: str = ""
    """The slice it belongs to; every row belongs to exactly one."""
    value: float
    """Between 0 (useless) and 1 (perfect)."""
    cluster: str = ""
    """The same of rows that belong together, such as a family of cases; empty for a row by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedRow:
    """How well candidate and champion did on the same row."""

    id: str = ""
    group: str = ""
    candidate: float
    champion: float
    slices: tuple[str, ...] = ()
    """Names of the slices that it is in beside its group: values of tags, its label."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """What the request carries, where the task is held to treat groups alike; empty elsewhere."""
    target: str = ""
    """The right reply: where there are tags, and of label tasks."""
    said: tuple[str, str] = ("", "")
    """What candidate and champion replied: where there are tags, and of label tasks."""
    sure: tuple[float, ...] = ()
    """How sure both were, in [0, 1], of label tasks; empty elsewhere."""
    formed: tuple[float, ...] = ()
    """Whether both replies are of the form of the right one, 1 or 0, of tasks of texts; empty elsewhere."""
    cluster: str = ""
    """The same of rows of one user, one episode, or one family of cases; empty for a row by itself."""


def score(rows: Sequence[Row], level: float = 0.95) -> Score:
    """Mean value of the rows with its two-sided interval at `level`; rows that belong together count as they do in
    `stats.clustered`.
    """
    return clustered.mean([row.value for row in rows], clustered.whose([row.cluster for row in rows]), level)


def by_group(rows: Sequence[Row], level: float = 0.95) -> dict[str, Score]:
    """The score of every group, in the order in which the groups first appear."""
    members: dict[str, list[Row]] = {}
    for row in rows:
        members.setdefault(row.group, []).append(row)
    return {group: score(inside, level) for group, inside in members.items()}


def pair(candidate: Sequence[Row], champion: Sequence[Row]) -> tuple[PairedRow, ...]:
    """The two versions' outcomes side by side, in the candidate's order.

    Raises:
        ValueError: the two did not answer exactly the same rows, so nothing they say can be compared.
    """
    other = {row.id: row for row in champion}
    lonely = {row.id for row in candidate} ^ set(other)
    if lonely or len(other) != len(champion) or len(candidate) != len(champion):
        raise ValueError(
            f"candidate ({len(candidate)} rows) and champion ({len(champion)} rows) answered different rows, "
            f"for example {sorted(lonely)[:3]}"
        )
    return tuple(
        PairedRow(id=row.id, group=row.group, candidate=row.value, champion=other[row.id].value) for row in candidate
    )


def differences(rows: Iterable[PairedRow]) -> Floats:
    """Candidate minus champion: float64[rows], each in [-1, 1]."""
    return np.array([row.candidate - row.champion for row in rows], dtype=np.float64)


def to_lines(rows: Iterable[PairedRow]) -> str:
    """The rows as JSON lines. Stored as a blob, its content hash is `fingerprint(rows)`."""
    encode = json.JSONEncoder(ensure_ascii=False).encode
    # Written out by hand: `asdict` copies deeply, which for thousands of rows takes longer than the tests themselves.
    return "".join(
        encode({"id": row.id, "group": row.group, "candidate": row.candidate, "champion": row.champion} | _tagged(row))
        + "\n"
        for row in rows
    )


def _tagged(row: PairedRow) -> dict[str, Any]:
    """What a row says beside its outcomes, as far as it says anything."""
    more = {
        "slices": list(row.slices),
        "tags": dict(row.tags),
        "target": row.target,
        "said": list(row.said) if any(row.said) else [],
        "sure": list(row.sure),
        "formed": list(row.formed),
        "cluster": row.cluster,
    }
    return {name: value for name, value in more.items() if value}


def from_lines(text: str) -> tuple[PairedRow, ...]:
    """The rows that `to_lines` wrote."""
    return tuple(_read(json.loads(line)) for line in text.splitlines())


def _read(row: dict[str, Any]) -> PairedRow:
    return PairedRow(**row | {name: tuple(row[name]) for name in ("slices", "said", "sure", "formed") if name in row})


def fingerprint(rows: Iterable[PairedRow]) -> str:
    """SHA-256 of `to_lines(rows)` in UTF-8, in hexadecimal: names the very outcomes that a verdict rests on."""
    return hashlib.sha256(to_lines(rows).encode()).hexdigest()

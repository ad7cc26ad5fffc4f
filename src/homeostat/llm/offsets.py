"""What is added to labels' log-probabilities for a group of requests, so that a version treats groups alike.

A threshold for each group, after a model has said how likely labels are (post-processing, Hardt et al. 2016,
1610.02413), told as an offset for each label. A group is what a request's tags say; one that lacks a tag, or is of a
group that was never seen, is answered as the model says.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from homeostat.errors import CorruptWeights

FILE = "offsets.json"
"""In a version's folder, beside its weights, and so under its hash and its signature."""
MOST = 20.0
"""Nats beyond which an offset is none: it would name the label whatever was asked."""
Tags = Mapping[str, str]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """The offsets of one group."""

    group: tuple[str, ...]
    """The value of each tag, in their order."""
    offsets: Mapping[str, float]
    """Label -> nats; a label that is missing is left as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offsets:
    """What a version adds, and what that did on rows which it was not trained on."""

    tags: tuple[str, ...] = ()
    """The tags whose values make a group."""
    shifts: tuple[Shift, ...] = ()
    """None where offsets were fitted and not kept."""
    measured: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Figures of before and after, as they were when it was made."""

    @property
    def deciding(self) -> tuple[str, ...]:
        """The tags that change a reply; none where nothing is added."""
        return self.tags if self.shifts else ()

    def group(self, tags: Tags) -> tuple[str, ...] | None:
        """The group of a request that carries these tags; None where it lacks one, or nothing hangs on it."""
        asked = self.deciding
        return tuple(tags[tag] for tag in asked) if asked and all(tag in tags for tag in asked) else None

    def added(self, labels: Sequence[str], tags: Sequence[Tags]) -> Floats:
        """float64[requests, labels]: what is added for requests with these tags."""
        known = {shift.group: np.array([shift.offsets.get(one, 0.0) for one in labels]) for shift in self.shifts}
        nothing = np.zeros(len(labels))
        groups = [self.group(each) for each in tags]
        rows = [nothing if group is None else known.get(group, nothing) for group in groups]
        return np.array(rows, np.float64).reshape(len(tags), len(labels))

    def shifted(self, logs: Floats, labels: Sequence[str], tags: Sequence[Tags]) -> Floats:
        """float64[requests, labels]: log-probabilities with what is added, normalized; others stay as they are, bit for
        bit.
        """
        more = self.added(labels, tags)
        touched = more.any(axis=1)
        out = np.array(logs, np.float64)
        out[touched] = log_softmax(out[touched] + more[touched], axis=1)
        return out


NOTHING = Offsets()


def save_offsets(offsets: Offsets, folder: Path) -> None:
    """Put offsets into a version's folder; equal ones are equal files."""
    (folder / FILE).write_text(json.dumps(asdict(offsets), sort_keys=True, indent=1) + "\n", encoding="utf-8")


def read_offsets(folder: Path | None) -> Offsets:
    """The offsets in a version's folder; nothing where there are none.

    Raises:
        CorruptWeights: they cannot be read.
    """
    if folder is None or not (folder / FILE).exists():
        return NOTHING
    try:
        return told_offsets((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, CorruptWeights) as broken:
        raise CorruptWeights(
            f"{FILE} cannot be read: {broken}", where=str(folder), fix="register the version again"
        ) from broken


def told_offsets(text: str) -> Offsets:
    """The offsets that the text of such a file tells.

    Raises:
        CorruptWeights: it tells none.
    """
    try:
        said = json.loads(text)
        tags = tuple(str(tag) for tag in said["tags"])
        shifts = tuple(
            Shift(group=tuple(map(str, one["group"])), offsets={str(k): float(v) for k, v in one["offsets"].items()})
            for one in said["shifts"]
        )
        if any(len(shift.group) != len(tags) for shift in shifts):
            raise ValueError("a group names another number of values than there are tags")
        if not all(math.isfinite(v) and abs(v) <= MOST for shift in shifts for v in shift.offsets.values()):
            raise ValueError(f"an offset is beyond {MOST:.0f} nats")
        return Offsets(tags=tags, shifts=shifts, measured=dict(said["measured"]))
    except (KeyError, TypeError, ValueError, AttributeError) as broken:
        raise CorruptWeights(f"these are no offsets: {broken}", fix="register the version again") from broken

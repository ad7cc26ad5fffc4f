"""Versions that are several: what the folder of such an ensemble holds, and how its members' words become one.

The folder holds a copy of each member's weights, so that the version is whole by itself: it is exported, signed, served
and erased as any other. Members are adapters, heads or whole weights on the project's base; adapters share a pass.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from homeostat.errors import CorruptWeights
from homeostat.llm.combine import HOW, SLICE, Floats, Slices, aligned, disagreement, mean
from homeostat.types.version import HEAD, Version

FILE = "ensemble.json"
WAYS = (*HOW, SLICE)
"""How members are combined: `mean`, `vote`, `product`, or the one that is best for what the mean would reply."""
ABLE = ("lora", "full", HEAD)
"""Kinds of versions that may be members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A member, as its ensemble keeps it."""

    of: str
    """Id of the version that it is a copy of."""
    kind: str
    labels: tuple[str, ...]
    prior: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """What an ensemble is made of."""

    parts: tuple[Part, ...]
    how: str = "mean"
    best: Mapping[str, int] = field(default_factory=dict)
    """Label that the mean would reply -> the member that answers it, by its place; for `slice`."""
    other: int = 0
    """Who answers the labels that are not among them."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that a member knows, in the order in which they come."""
        return tuple(dict.fromkeys(label for part in self.parts for label in part.labels))

    def members(self, version: Version) -> list[Version]:
        """The members as versions of their own, under ids that are nobody else's."""
        told = {"task": version.task, "time": version.time, "base": version.base}
        return [
            Version(id=f"{version.id}_{k}", kind=part.kind, labels=part.labels, prior=part.prior, **told)  # type: ignore[arg-type]
            for k, part in enumerate(self.parts)
        ]

    def said(self, each: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """(float32[rows, labels] log-probabilities, float32[rows] disagreement in nats) of what each member says, its
        float[rows, own labels].
        """
        known = [part.labels for part in self.parts]
        logs = aligned([rows.double().numpy() for rows in each], known)[1]
        return torch.from_numpy(self._combined(logs)).float(), torch.from_numpy(disagreement(logs)).float()

    def _combined(self, logs: Floats) -> Floats:
        if self.how != SLICE:
            return HOW[self.how](logs)
        labels = self.labels
        likeliest = [labels[k] for k in mean(logs).argmax(axis=1)]
        return Slices(dict(self.best), self.other).choose(logs, likeliest)


def put_assembled(assembled: Assembled, folder: Path) -> None:
    """Write `ensemble.json`; the members' weights lie beside it in folders `0`, `1` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(asdict(assembled), sort_keys=True, indent=1) + "\n", encoding="utf-8")


def read_assembled(version: Version, folder: Path) -> Assembled:
    """What the folder of a version of kind `ensemble` says.

    Raises:
        CorruptWeights: it cannot be read, is of nothing that can be combined, or tells other labels than its version.
    """
    where = str(folder / FILE)
    try:
        said = json.loads((folder / FILE).read_text(encoding="utf-8"))
        parts = tuple(
            Part(of=part["of"], kind=part["kind"], labels=tuple(part["labels"]), prior=tuple(part["prior"]))
            for part in said["parts"]
        )
        best = {str(label): int(k) for label, k in said["best"].items()}
        found = Assembled(parts=parts, how=said["how"], best=best, other=int(said["other"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as damaged:
        raise CorruptWeights(
            f"the ensemble cannot be read: {damaged}", where=where, fix="assemble it again"
        ) from damaged
    places = {*found.best.values(), found.other}
    if found.how not in WAYS or len(parts) < 2 or not places <= set(range(len(parts))):
        raise CorruptWeights("this is no ensemble of versions", where=where, fix="assemble it again")
    if strange := [part.kind for part in parts if part.kind not in ABLE]:
        raise CorruptWeights(f"a member is of kind {strange[0]}", where=where, fix="assemble it again without it")
    if found.labels != version.labels:
        what = f"the members of {version.id} tell other labels than it names"
        raise CorruptWeights(what, where=where, fix="register it with the labels of all its members")
    return found

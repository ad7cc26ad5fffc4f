"""Versions that are several: what the folder of such an ensemble holds, and how its members' words become one.

The folder holds a copy of each member's weights, so that the version is whole by itself: it is exported, signed, served
and erased as any other. Members are adapters, heads or whole weights on the project's base; adapters share a pass. One
that routes holds what it routes by too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from homeostat.errors import CorruptWeights
from homeostat.llm.combine import HOW, ROUTED, SLICE, Floats, Ints, Slices, aligned, disagreement, mean, widened
from homeostat.llm.replies import Group, Scored
from homeostat.llm.router import Router, read_router, save_router
from homeostat.types.version import HEAD, Version

FILE = "ensemble.json"
WAYS = (*HOW, SLICE, ROUTED)
"""How members are combined: `mean`, `vote`, `product`, the one that is best for what the mean would reply, or the one
that was trained for the request's like."""
ABLE = ("lora", "full", HEAD)
"""Kinds of versions that may be members."""
Ask = Callable[[Group], list[Scored]]
"""What each member says of the requests of a group."""


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
    router: Router | None = None
    """Who answers which request, by its embedding under the bare base, for `routed`; domains are the ids of members."""

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

    def together(self, each: Sequence[Scored]) -> Scored:
        """What members say, made one; what is made of a request is what the first makes of it."""
        said, doubt = self.said([one.scores for one in each])
        return Scored(said, each[0].pooled, doubt)

    def answered(self, group: Group, read: Tensor, every: Ask, one: Callable[[int, Group], Scored]) -> Scored:
        """What the member says that each request of a group goes to, and it alone is asked; of requests that are like
        nobody's, the mean of `every` member and how far they disagree.

        Args:
            group: requests that share a pass.
            read: float[rows, hidden], what the bare base makes of them.
            every: what each member says of some of them.
            one: what a member, by its place, says of some of them.
        """
        said, doubt = torch.zeros(len(group.at), len(self.labels)), torch.zeros(len(group.at))
        who = self.who(read.numpy())
        for k in np.unique(who).tolist():
            rows = np.flatnonzero(who == k).tolist()
            if k < 0:
                said[rows], doubt[rows] = self.said([each.scores for each in every(group.only(rows))])
            else:
                logs = one(k, group.only(rows)).scores.double().numpy()
                said[rows] = torch.from_numpy(widened(logs, self.parts[k].labels, self.labels)).float()
        return Scored(said, read, doubt)

    def who(self, embeddings: Floats) -> Ints:
        """int64[rows]: the place of the member that each request of float[rows, hidden] goes to; -1 for nobody."""
        places = {part.of: k for k, part in enumerate(self.parts)}
        routed = self.router.chosen(embeddings) if self.router else []
        return np.array([places.get(one.name, -1) for one in routed], dtype=np.int64)

    def _combined(self, logs: Floats) -> Floats:
        if self.how == ROUTED:
            return mean(logs)
        if self.how != SLICE:
            return HOW[self.how](logs)
        labels = self.labels
        likeliest = [labels[k] for k in mean(logs).argmax(axis=1)]
        return Slices(dict(self.best), self.other).choose(logs, likeliest)


def in_parts(most: int, ask: Ask, group: Group) -> list[Scored]:
    """What each of several says of a group, asked of so many rows at a time at most."""
    rows = range(len(group.at))
    parts = [ask(group.only(rows[k : k + most])) for k in range(0, len(rows), most)]
    said = zip(*parts, strict=True)
    return [Scored(torch.cat([one.scores for one in own]), torch.cat([one.pooled for one in own])) for own in said]


def put_assembled(assembled: Assembled, folder: Path) -> None:
    """Write `ensemble.json`, and the router where there is one; the members' weights lie beside it in folders `0`, `1`
    and so on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    told = asdict(replace(assembled, router=None))
    del told["router"]
    (folder / FILE).write_text(json.dumps(told, sort_keys=True, indent=1) + "\n", encoding="utf-8")
    if assembled.router is not None:
        save_router(assembled.router, folder)


def read_assembled(version: Version, folder: Path, hidden: int = 0) -> Assembled:
    """What the folder of a version of kind `ensemble` says; `hidden` is the width of the base's states, if known.

    Raises:
        CorruptWeights: it cannot be read, is of nothing that can be combined, or tells other labels than its version.
        UnsafeWeights: what it routes by is a pickle by another name.
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
    if found.how != ROUTED:
        return found
    return replace(found, router=read_router(folder, [part.of for part in parts], hidden))

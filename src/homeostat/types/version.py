"""A version: everything that must be the same for a reply to be the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

DRILL = "drill"
"""Name of the recipe of versions that were broken on purpose."""
HEAD = "head"
"""Kind of the versions that are heads: they tell labels from hidden states and words, and reply no token."""
ENSEMBLE = "ensemble"
"""Kind of the versions that are several, which answer as one."""


class State(StrEnum):
    """Where a version is in its life."""

    CANDIDATE = "candidate"
    SHADOW = "shadow"
    CANARY = "canary"
    LIVE = "live"
    RETIRED = "retired"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    """Rolled back after it had answered users."""
    ERASED = "erased"
    """Its weights are gone for good: it had learned from rows that were erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Base + adapter or weights + labels + how they were made. Immutable but for `state`."""

    id: str
    task: str
    time: float
    base: str
    """`builtin`, a hub name or a folder."""
    blob: str = ""
    """Content hash of the folder with the adapter or the weights (safetensors); empty for the bare base."""
    kind: str = "lora"
    """What the blob holds: `base` (nothing), `lora`, `prompt`, `prefix`, `full`, a `head`, which tells labels and
    writes nothing, or an `ensemble` of several.
    """
    labels: tuple[str, ...] = ()
    """Label set this version can reply with; index k of it is the k-th label code, or the k-th column of a head."""
    prior: tuple[float, ...] = ()
    """Share of the log-probability of each label on content-free prompts that is subtracted; empty for nothing."""
    parent: str = ""
    dataset: str = ""
    teachers: tuple[str, ...] = ()
    """Who it learned from by distillation: ids of versions, or the folder or the address of another model."""
    recipe: Mapping[str, object] = field(default_factory=dict)
    """The fields of the recipe that trained it."""
    cost: Mapping[str, float] = field(default_factory=dict)
    """What training took: `flops`, `cpu_seconds`, `gpu_seconds` (on GPUs), `wall_seconds`, `steps`."""
    state: State = State.CANDIDATE
    config: str = ""

    def stands_on(self, base: str) -> str:
        """The base it answers on, where `base` is the project's: a head or weights of its own bring their own."""
        return self.base if self.kind in ("full", HEAD) and self.base else base

    def knowing(self, labels: Sequence[str]) -> Version:
        """The same with room for more labels, its own first.

        Nothing is known of the bias towards the others: they are taken to have the mean of it, so that subtracting the
        prior leaves them where they were among those that have one.
        """
        more = len(labels) - len(self.labels)
        mean = sum(self.prior) / max(1, len(self.prior))
        prior = (*self.prior, *[mean] * more) if self.prior else ()
        return replace(self, labels=tuple(labels), prior=prior)

    @property
    def broken(self) -> bool:
        """Whether it was broken on purpose, for a drill: it never answers everybody."""
        return self.recipe.get("name") == DRILL

"""Several versions that answer as one, and how much they disagree.

Those that are adapters on one base are asked in one pass. What they say is combined over the labels; an ensemble writes
no texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from homeostat.errors import UnknownPlugin, UnsuitedModel, did_you_mean
from homeostat.llm.backend import Request
from homeostat.llm.combine import (
    HOW,
    ROUTED,
    SLICE,
    Floats,
    Ints,
    Slices,
    aligned,
    assigned,
    disagreement,
    entropy,
    mean,
)
from homeostat.llm.local import LocalBackend
from homeostat.types.task import Kind
from homeostat.types.version import Version

_MISSING = {SLICE: "measure the slices first: Slices.measure", ROUTED: "say who answers what: route"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What an ensemble replies, and how sure it is."""

    text: str
    confidence: float
    """Probability of the label replied, as combined."""
    entropy: float
    """Over the labels as combined, in nats."""
    disagreement: float
    """Entropy of the members' mean less their mean entropy, in nats: doubt that comes of the model, not of the request;
    0 where all members say the same."""
    members: tuple[str, ...]
    """What each member would reply."""


class Ensemble:
    """Versions of one task, all of them loaded by the backend; it answers label tasks."""

    def __init__(
        self,
        backend: LocalBackend,
        versions: Sequence[Version],
        *,
        how: str = "mean",
        slices: Slices | None = None,
        slice_of: Callable[[Request], str] | None = None,
        route: Callable[[Sequence[Request]], Ints] | None = None,
    ) -> None:
        """`how` is `mean`, `vote`, `product`, or a way that takes one member's word: `slice`, of the one that `slices`
        names, or `routed`, of the one whose number `route` gives, and the mean where that is -1.

        The slice of a request is what `slice_of` says, by default the label that the mean of the members would reply.

        Raises:
            UnknownPlugin: there is no such way to combine, or what it goes by is missing.
        """
        lacking = {SLICE: slices is None, ROUTED: route is None}
        if lacking.get(how, how not in HOW):
            fix = _MISSING[how] if how in _MISSING else did_you_mean(how, (*HOW, SLICE, ROUTED))
            raise UnknownPlugin(f"an ensemble cannot be combined by '{how}'", where="how", fix=fix)
        self._backend, self.versions, self.how = backend, tuple(versions), how
        self._slices, self._slice_of, self._route = slices, slice_of, route
        self.labels = aligned([np.zeros((0, len(v.labels))) for v in versions], [v.labels for v in versions])[0]
        """Every label that a member knows."""

    def each(self, requests: Sequence[Request]) -> Floats:
        """float64[members, requests, labels]: what each member says, as log-probabilities over all of the labels.

        Raises:
            UnsuitedModel: a request is for a text.
            NotFound: a member is not loaded.
        """
        if any(request.task.kind is not Kind.LABEL for request in requests):
            raise UnsuitedModel("an ensemble replies with labels and writes no texts", fix="ask one version")
        if not requests:
            return np.zeros((len(self.versions), 0, len(self.labels)))
        rows = self._backend.score_each(requests, [version.id for version in self.versions])
        said = [np.stack([row[k] for row in rows]) for k in range(len(self.versions))]
        return aligned(said, [version.labels for version in self.versions])[1]

    def combined(self, requests: Sequence[Request], logs: Floats) -> Floats:
        """float64[requests, labels]: what the members say of these requests, made one; normalized."""
        if self._route is not None and self.how == ROUTED:
            return assigned(logs, self._route(requests))
        if self._slices is None or self.how != SLICE:
            return HOW[self.how](logs)
        likeliest = [self.labels[k] for k in mean(logs).argmax(axis=1)]
        named = [self._slice_of(request) for request in requests] if self._slice_of else likeliest
        return self._slices.choose(logs, named)

    def reply(self, requests: Sequence[Request]) -> list[Opinion]:
        """One opinion per request, in order. Raises as `each`."""
        logs = self.each(requests)
        if not requests:
            return []
        said, own = self.combined(requests, logs), logs.argmax(axis=2)
        doubt, spread = disagreement(logs), entropy(said)
        return [
            Opinion(
                text=self.labels[int(row.argmax())],
                confidence=float(np.exp(row.max())),
                entropy=float(spread[k]),
                disagreement=float(doubt[k]),
                members=tuple(self.labels[int(label)] for label in own[:, k]),
            )
            for k, row in enumerate(said)
        ]

"""Versions that are broken on purpose, and how: what a drill releases, to see whether it is taken back.

A fault is written into the recipe of the version, where everybody sees it, and whoever serves the version commits it.
`sabotaged` is no fault of the serving: there the weights themselves are turned round (`loop.drill`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from homeostat.release.route import uniform
from homeostat.types.version import DRILL, Version

SABOTAGED, SLOW, ERRORING, BIASED = "sabotaged", "slow", "erroring", "biased"
KINDS = (SABOTAGED, SLOW, ERRORING, BIASED)
DELAY_S = 0.5
"""Seconds by which a slow version is late, whatever it is asked."""
SHARES: Mapping[str, float] = {ERRORING: 0.25, BIASED: 0.2}
"""Share of the requests that a version fails on, or of those in its slice that it replies wrongly to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a version does wrong."""

    kind: str
    share: float = 0.0
    """Share of the requests, or of those in the slice, that it befalls."""
    slice: tuple[str, str] = ("", "")
    """Tag and value of the requests that a biased version wrongs."""

    def befalls(self, version: str, text: str, tags: Mapping[str, str]) -> bool:
        """Whether it befalls a request: always the same for the same text."""
        if self.kind == BIASED and tags.get(self.slice[0]) != self.slice[1]:
            return False
        return self.kind == SLOW or uniform(version, text) < self.share


def recipe(fault: Fault) -> dict[str, object]:
    """The recipe of a version with this fault."""
    return {"name": DRILL, "fault": fault.kind, "share": fault.share, "slice": "=".join(fault.slice).strip("=")}


def fault_of(version: Version) -> Fault | None:
    """What a version does wrong when it is served; None for all that were not broken so."""
    if not version.broken or version.recipe.get("fault") not in (SLOW, ERRORING, BIASED):
        return None
    tag, _, value = str(version.recipe["slice"]).partition("=")
    return Fault(kind=str(version.recipe["fault"]), share=float(str(version.recipe["share"])), slice=(tag, value))

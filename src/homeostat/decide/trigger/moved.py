"""A trigger that looks at signals of drift."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from homeostat.decide.trigger.counts import NOTHING
from homeostat.decide.trigger.sight import Past, Sight, Standing
from homeostat.errors import did_you_mean
from homeostat.types.signal import Moved, Signal

ANY = "any"


@dataclass(frozen=True, slots=True)
class Drift:
    """A signal of some kind that stands so far above its threshold."""

    kind: str = ANY
    level: float = 1.0
    """Statistic in units of the threshold."""
    reads = NOTHING

    def standing(self, sight: Sight, past: Past, zone: tzinfo) -> Standing:
        """How far the strongest signal of the kind stands above its threshold; 0 where there is none."""
        wanted = [s for s in sight.signals if self.kind in (ANY, s.moved.value)]
        found = max((_level(s) for s in wanted), default=0.0)
        kind = "" if self.kind == ANY else f" of {self.kind}"
        if not wanted:
            return Standing(value=0.0, line=self.level, says=f"no signal{kind}")
        says = f"a signal{kind} at {found:.3g} times its threshold, where {self.level:g} is wanted"
        return Standing(value=found, line=self.level, says=says)


def drift(value: Any) -> Drift:
    """From the kind of a signal, `any`, or `{kind: novelty, level: 2}`. Raises ValueError where it is neither."""
    given = value if isinstance(value, dict) else {"kind": value}
    if unknown := [key for key in given if key not in ("kind", "level")]:
        raise ValueError(f"has no '{unknown[0]}'; {did_you_mean(unknown[0], ('kind', 'level'))}")
    kind, level = given.get("kind", ANY), given.get("level", 1.0)
    kinds = (ANY, *(moved.value for moved in Moved if moved.retrains))
    if kind not in kinds:
        raise ValueError(f"must be the kind of a signal, got {kind!r}; {did_you_mean(str(kind), kinds)}")
    if isinstance(level, bool) or not isinstance(level, int | float) or level < 1.0:
        raise ValueError(f"has a level below 1, or none: {level!r}; 1 is the threshold of the detector")
    return Drift(kind, float(level))


def _level(signal: Signal) -> float:
    return signal.statistic / signal.threshold if signal.threshold > 0.0 else 1.0

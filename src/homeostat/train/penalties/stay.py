"""Divergence from what the champion said, on the new rows themselves (Li & Hoiem 2016, 1606.09282).

It needs no old rows, and holds the model back just where it should learn: on a small encoder it kept as much of the
old as `Divergence` on old rows did, and learned less of the new.
"""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.config.schema import knob
from homeostat.train.penalties.divergence import Held
from homeostat.train.step import Ground, Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """Mean KL(champion || model) in nats over the labels the champion knew, on rows that are not replayed."""

    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Loss:
        """Ask the champion about every new row."""
        return Held.of(ground, [s for s in ground.train if not s.replay])

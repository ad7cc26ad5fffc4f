"""Elastic weight consolidation: what mattered for the old holds firm, the rest may move (Kirkpatrick et al. 2016,
1612.00796).

One anchor, as in the online form (Schwarz et al. 2018, 1805.06370): where the run begins. What mattered for earlier
tasks comes with the version that is gone on from, where it keeps that (`importance` of a recipe); their rows may be
gone then. Else it is measured on old rows that are replayed.
"""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.config.schema import knob
from homeostat.train.penalties.importance import Importance, drawn_logs, evened, fisher
from homeostat.train.penalties.l2_pull import Pull, trained
from homeostat.train.step import Ground, Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Ewc:
    """½ Σ F (θ - θ₀)² over the trained tensors θ, which began at θ₀; F is their Fisher information, of mean 1, or what
    the version that is gone on from has kept of it: of mean 1 for its last run, and a little less for each before.
    """

    rows: int = knob(256, least=1)
    """Most rows that the Fisher information is taken from where none is kept: replayed ones, or any where none are."""
    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Loss:
        """Copy the trained tensors, and take what mattered, or measure how much each element matters for what the model
        says of old rows; that takes a step's operations for each row, one row at a time.

        Raises:
            CorruptWeights, UnsafeWeights: what is kept cannot be read.
        """
        tensors = trained(ground.opened.model)
        kept = Importance.read(ground.begun).on(ground.opened.model)
        if kept is not None:
            return Pull.of(tensors, kept)
        ground.opened.model.eval()  # it matters what the model says, without dropout
        rows = [s for s in ground.train if s.replay] or list(ground.train)
        return Pull.of(tensors, evened(fisher(drawn_logs(ground, rows, self.rows), tensors)))

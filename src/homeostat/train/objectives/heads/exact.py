"""An exact head: labels told by ridge regression on the bare base's states and on words, solved and not stepped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from homeostat.config.schema import knob
from homeostat.errors import UnsuitedModel
from homeostat.train.step import Ground, Lesson


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """Squared error of every label's share, least over all rows at once (`homeostat.train.head.solve`)."""

    width: int = knob(256, least=1)
    """Random features of a state."""
    buckets: int = knob(2048, least=1)
    """Buckets that words, pairs of words and runs of four letters are hashed to; what is kept grows with the square."""
    pool: Literal["mean", "last"] = "mean"
    """`mean` of the states over the prompt, or `last`, the state that would predict a reply."""
    ridge: float = knob(0.0, least=0.0)
    """What the square of the weights is multiplied with; 0 takes what leaving rows out speaks for."""
    balance: float = knob(0.0, least=0.0)
    """Scores are divided by the rows of their label to this power; 0.5 raises rare labels."""
    weight: float = knob(1.0, least=0.0)

    def begin(self, ground: Ground) -> Lesson:
        """There are no steps.

        Raises:
            UnsuitedModel: always.
        """
        raise UnsuitedModel(
            "an exact head is solved and takes no steps", where="recipe.objective", fix="use it with `homeostat train`"
        )

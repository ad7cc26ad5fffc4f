"""What a recipe says in vain to a head that is trained by steps: it has no tokens, and begins knowing nothing."""

from __future__ import annotations

from typing import NamedTuple

from homeostat.train.order.difficulty import Loss
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.penalties.ewc import Ewc
from homeostat.train.penalties.r_drop import RDrop
from homeostat.train.penalties.stay import Stay
from homeostat.train.recipe import Recipe, plain
from homeostat.train.step import Term

OF_TOKENS = (RDrop, Ewc, Divergence, Stay)
"""Penalties that look at what the model says of tokens, and not at what a head says."""
UNKEPT = ("carry", "importance", "newcomers", "refit", "sharded")
"""Fields, true or false, that training a head by steps does not look at."""


class Vain(NamedTuple):
    """Something that would do nothing, or nothing that was meant."""

    field: str
    what: str
    fix: str


def of_tokens(penalty: Term) -> bool:
    """Whether a penalty looks at what the model says of tokens."""
    return isinstance(penalty, OF_TOKENS) and penalty.weight > 0


def in_vain(recipe: Recipe) -> Vain | None:
    """The first penalty or order that a head takes no notice of, or that could tell nothing of its rows; None where all
    is of use.
    """
    for penalty in recipe.penalties:
        if of_tokens(penalty):
            (name,) = plain(penalty)
            what = f"`{name}` goes by what a model says of tokens, and a head says nothing of them"
            return Vain("penalties", what, "leave it out; `l2_pull`, `noise` and `contrastive` do work beside a head")
    if isinstance(getattr(recipe.order, "difficulty", None), Loss):
        what = "`loss` tells nothing of rows before a head has learned: it finds all alike"
        return Vain("order", what, "take another difficulty, as `length` or `rarity`")
    return None

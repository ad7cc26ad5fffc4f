"""What a head takes no notice of is found before it is trained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homeostat.train.objectives.classes.contrastive import Contrastive
from homeostat.train.objectives.heads.classified import Classified
from homeostat.train.order.curriculum import Curriculum
from homeostat.train.order.difficulty import Length, Loss, Rarity
from homeostat.train.order.draw import RowOrder
from homeostat.train.order.imbalance import Balanced
from homeostat.train.order.trimmed import Trimmed
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.penalties.ewc import Ewc
from homeostat.train.penalties.l2_pull import L2Pull
from homeostat.train.penalties.noise import Noise
from homeostat.train.penalties.r_drop import RDrop
from homeostat.train.penalties.stay import Stay
from homeostat.train.recipe import Recipe
from homeostat.train.step import Term
from homeostat.train.vain import in_vain

HEAD = Recipe(objective=Classified())


@pytest.mark.parametrize(
    ("penalty", "name"), [(RDrop(), "r_drop"), (Ewc(), "ewc"), (Divergence(), "divergence"), (Stay(), "stay")]
)
def test_penalties_of_tokens(penalty: Term, name: str) -> None:
    """Found wherever they stand, by their name; one that weighs nothing is none."""
    found = in_vain(replace(HEAD, penalties=(L2Pull(), penalty)))
    assert found is not None
    assert found.field == "penalties"
    assert f"`{name}`" in found.what
    assert in_vain(replace(HEAD, penalties=(replace(penalty, weight=0.0),))) is None  # type: ignore[type-var]


@pytest.mark.parametrize("order", [Trimmed(), Curriculum(difficulty=Loss())], ids=["trimmed", "curriculum"])
def test_the_loss_of_a_head_that_knows_nothing(order: RowOrder) -> None:
    """It is the same of all rows, so no order follows from it."""
    found = in_vain(replace(HEAD, order=order))
    assert found is not None
    assert (found.field, "rarity" in found.fix) == ("order", True)


@pytest.mark.parametrize("order", [None, Balanced(), Trimmed(difficulty=Rarity()), Curriculum(difficulty=Length())])
def test_what_is_of_use(order: RowOrder | None) -> None:
    """What goes by tensors, by what is read, or by classes, and orders that ask no model."""
    assert in_vain(replace(HEAD, order=order, penalties=(L2Pull(), Noise(), Contrastive()))) is None

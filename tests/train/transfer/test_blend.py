"""Labels move to the codes of all before adapters are added up, and what cannot be added is told."""

from __future__ import annotations

import pytest
import torch

from homeostat.errors import UnknownPlugin, UnsuitedModel
from homeostat.llm.labels import LabelCodes
from homeostat.train.transfer.blend import SUMS, WAYS, How, recoded
from homeostat.train.transfer.product import Adapter, Product

ONE = Product(torch.ones(2, 1), torch.ones(1, 2))


def codes(*labels: str, first: int = 60) -> LabelCodes:
    return LabelCodes(labels, tuple((first + k,) for k in range(len(labels))))


def adapter(*tokens: int) -> Adapter:
    return Adapter(layers={"q": ONE}, rows={token: torch.full((2,), float(token)) for token in tokens}, table="m.embed")


def test_rows_move_to_the_codes_of_all() -> None:
    """Label by label, each row stands at the code that it has among all labels, rows of other tokens stay, and layers
    are left alone; the same labels in the same order move nothing.
    """
    mine, every = codes("b", "c"), codes("a", "b", "c")
    moved = recoded(adapter(60, 61, 9), mine, every)
    assert {token: float(row[0]) for token, row in moved.rows.items()} == {61: 60.0, 62: 61.0, 9: 9.0}
    assert moved.layers["q"] is ONE
    assert list(recoded(adapter(60, 61), mine, codes("b", "c", "a")).rows) == [60, 61]


def test_without_rows_of_its_own_a_label_cannot_move() -> None:
    """A base whose labels are read by the layers alone has nothing to move: then the codes have to be the same."""
    with pytest.raises(UnsuitedModel, match="'b' has another code"):
        recoded(adapter(), codes("b", "c"), codes("a", "b", "c"), "ver_1")
    assert recoded(adapter(), codes("b", "c"), codes("b", "c", "a")).rows == {}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_way_can_do(way: str) -> None:
    """Weights are one for each, and are searched for sums alone; a way that there is not names the nearest."""
    How(way=way, weights=(0.5, 0.5)).hold(2)
    with pytest.raises(UnsuitedModel, match="1 weights for 2"):
        How(way=way, weights=(0.5,)).hold(2)
    if way in SUMS:
        How(way=way, search=True).hold(2)
    else:
        with pytest.raises(UnsuitedModel, match="not searched"):
            How(way=way, search=True).hold(2)
    with pytest.raises(UnknownPlugin) as misspelled:
        How(way=f"{way}s").hold(2)
    assert way in misspelled.value.fix

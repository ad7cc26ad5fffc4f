"""How far a head has moved from the champion, which may be a head or an adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from homeostat.config.schema import Train
from homeostat.train.head.solve import solve
from homeostat.train.headed import train_version
from homeostat.train.moved import moved
from homeostat.train.named import named
from homeostat.train.run import Order, Start, Trained, train
from homeostat.types.dataset import Origin

Taught = Callable[..., Trained]
SETTINGS = Train(rank=4, epochs=4, held_out=0.1, lr=1e-2)


@pytest.fixture
def order(llama: Path, tmp_path: Path) -> Order:
    """Rows of four labels, to be learned by a head from the bare base."""
    return Order(
        task=tiny.ROUTING,
        start=Start(base=str(llama)),
        examples=tiny.examples(each=20),
        labels=tiny.LABELS,
        recipe=replace(named("classifier", SETTINGS), lr=1e-2),
        folder=tmp_path / "first",
    )


def as_start(order: Order, trained: Trained) -> Start:
    return Start(base=order.start.base, folder=trained.weights, kind=trained.kind, labels=trained.labels)


def beside(order: Order, trained: Trained, folder: Path) -> Order:
    """The same rows again with what was trained as the champion, and two labels turned round."""
    swapped = {tiny.LABELS[0]: tiny.LABELS[1], tiny.LABELS[1]: tiny.LABELS[0]}
    start = as_start(order, trained)
    rows = [replace(row, target=swapped.get(row.target, row.target)) for row in order.examples]
    return replace(order, start=start, examples=rows, folder=folder)


def test_a_head_beside_a_head(order: Order, tmp_path: Path) -> None:
    """The first has no champion; the same again stands where it stood; one that learned otherwise is far from it."""
    first = train_version(order)
    assert first.cost["kl_new"] == 0.0
    other = beside(order, first, tmp_path / "other")
    assert moved(other, as_start(order, first))[0] == pytest.approx(0.0, abs=1e-9)
    far = train_version(other)
    assert far.cost["kl_new"] > 0.1
    assert far.cost["kl_new"] == pytest.approx(moved(other, as_start(order, far))[0])
    assert far.cost["flops"] > moved(other, as_start(order, far))[1] > 0


def test_a_head_beside_an_adapter(order: Order, tmp_path: Path) -> None:
    """A champion that tells labels by their codes is asked in its own way; one that learned the same is nearer."""
    champion = train(replace(order, recipe=named("first", SETTINGS)))
    kept = replace(beside(order, champion, tmp_path / "same"), examples=order.examples)
    turned = beside(order, champion, tmp_path / "turned")
    near, far = (train_version(each).cost["kl_new"] for each in (kept, turned))
    assert 0.0 < near < far / 2
    exact = solve(replace(kept, recipe=named("head", SETTINGS), folder=tmp_path / "exact"))
    assert exact.cost["kl_new"] == pytest.approx(moved(kept, as_start(order, exact))[0])
    assert exact.cost["kl_new"] > 0.0


def test_an_adapter_beside_a_head(order: Order, tmp_path: Path) -> None:
    """The other way round: a head that is the champion is not asked in passing, as if it were the bare base."""
    champion = train_version(order)
    careful = replace(named("careful", SETTINGS), refit=False)
    kept = replace(beside(order, champion, tmp_path / "same"), examples=order.examples, recipe=careful)
    turned = replace(beside(order, champion, tmp_path / "turned"), recipe=careful)
    trained = [train(each) for each in (kept, turned)]
    assert [each.cost["kl_new"] for each in trained] == [0.0, 0.0]
    near, far = (moved(each, as_start(order, made))[0] for each, made in zip((kept, turned), trained, strict=True))
    assert 0.0 < near < far


def test_nobody_to_be_far_from(order: Order) -> None:
    """No champion, none of the labels, or no new row: nothing is asked."""
    trained = train_version(order)
    start = as_start(order, trained)
    assert moved(order, as_start(order, trained)) == (0.0, 0.0)
    assert moved(replace(order, start=replace(start, labels=())), start) == (0.0, 0.0)
    old = [replace(row, origin=Origin.REPLAY) for row in order.examples]
    assert moved(replace(order, start=start, examples=old), as_start(order, trained)) == (0.0, 0.0)

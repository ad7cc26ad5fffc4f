"""A pull back to where training began."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import seen
from homeostat.train.penalties.l2_pull import L2Pull, Pull, pull, trained
from homeostat.train.run import Start
from shown import Shown
from train.penalties import forgetting


def test_it_is_half_the_squared_distance() -> None:
    """½ Σ (θ - θ₀)² over all tensors, and with strengths, each square counts by its own."""
    starts = [torch.tensor([[1.0, 2.0]]), torch.tensor([3.0])]
    now = [torch.tensor([[2.0, 2.0]]), torch.tensor([1.0])]
    assert float(pull(now, starts)) == pytest.approx(0.5 * (1 + 4))
    strengths = [torch.tensor([[0.5, 9.0]]), torch.tensor([2.0])]
    assert float(pull(now, starts, strengths)) == pytest.approx(0.5 * (0.5 + 8))
    assert float(pull(starts, starts)) == 0.0


def test_its_gradient_is_the_way_back() -> None:
    """The gradient of a pull is strength × (θ - θ₀)."""
    tensor = torch.tensor([1.0, 2.0], requires_grad=True)
    held = Pull.of([tensor], [torch.tensor([1.0, 3.0])])
    with torch.no_grad():
        tensor += torch.tensor([0.5, -1.0])
    torch.autograd.backward(held(seen.step([(3,)])))
    assert tensor.grad is not None
    assert tensor.grad.tolist() == [0.5, -3.0]


def test_what_is_trained_is_held(champion: Start) -> None:
    """The tensors of the adapter are held, all of them and no others, to what they were when the run began."""
    work = forgetting.job(champion)
    held = L2Pull().begin(work.ground)
    assert isinstance(held, Pull)
    assert [id(tensor) for tensor in held.tensors] == [id(tensor) for tensor in work.parameters]
    assert len(trained(work.ground.opened.model)) == len(work.parameters) > 10
    starts = forgetting.tensors(work)
    with torch.no_grad():
        work.parameters[0].add_(1.0)
    assert forgetting.equal(held.starts, starts)


def test_without_weight_it_is_the_plain_run(champion: Start) -> None:
    """Weight 0 leaves the tensors of the plain run, bit by bit; any other weight does not."""
    plain, none, some = (
        forgetting.left(champion, forgetting.SHORT, *terms) for terms in ((), (L2Pull(weight=0.0),), (L2Pull(),))
    )
    assert forgetting.equal(plain, none)
    assert not forgetting.equal(plain, some)


def test_a_batch_in_parts_is_pulled_once(champion: Start) -> None:
    """Rows taken four at a time are one pull: the same steps as all at once, within rounding."""
    strong = L2Pull(weight=5.0)
    whole, parts = (forgetting.left(champion, replace(forgetting.SHORT, part_rows=rows), strong) for rows in (0, 4))
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=5e-4)


@pytest.mark.slow
def test_it_is_held_to_the_start_after_a_break(champion: Start, tmp_path: Path) -> None:
    """A run that was broken off goes on bit by bit as if it had not been: it is held to where it began, not to where it
    was taken up.
    """
    assert forgetting.goes_on(champion, tmp_path, forgetting.SHORT, L2Pull(weight=1.0))


def test_the_stronger_the_more_is_retained(champion: Start, forgotten: float) -> None:
    """The larger the weight, the less the model forgets of what it knew."""
    weak, strong = (forgetting.retained(champion, L2Pull(weight=weight)) for weight in (1.0, 10.0))
    assert forgotten > 1.5 * weak > 1.5 * strong


@pytest.mark.slow
def test_less_is_forgotten(champion: Start, shown: Shown) -> None:
    """At weight 1, less is lost of what was known than without it, and the new is learned."""
    spared = forgetting.spared(champion, shown.draws(2), L2Pull(weight=1.0))
    shown.over("nats of loss on rows of what was known, less than without it", spared, least=0.2)

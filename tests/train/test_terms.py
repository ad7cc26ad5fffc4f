"""What a run minimizes, part by part."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from homeostat.train.objectives.distill.restore import Restore
from homeostat.train.penalties.l2_pull import L2Pull
from homeostat.train.run import Order, Start, prepare
from homeostat.train.terms import Terms


def test_parts_add_up_to_the_batch(order: Order) -> None:
    """What parts of a batch add is what the whole batch is, penalties counted once, in value and in gradient."""
    job = prepare(replace(order, recipe=replace(order.recipe, penalties=(L2Pull(weight=0.1),)))).job
    job.ground.compute_in("float32")
    with torch.no_grad():
        for parameter in job.parameters:  # so that there is something to pull back
            parameter.add_(0.05)
    terms, batch = Terms.of(job), job.ground.train[:10]

    def done(parts: list[int]) -> tuple[float, list[torch.Tensor]]:
        total, begun = 0.0, 0
        for size in parts:
            part = terms.on(batch[begun : begun + size], batch, 0)
            assert part is not None
            part.backward()  # type: ignore[no-untyped-call]
            total, begun = total + float(part.detach()), begun + size
        slopes = [p.grad.clone() for p in job.parameters if p.grad is not None]
        for parameter in job.parameters:
            parameter.grad = None
        return total, slopes

    (whole, slopes), (parts, others) = done([10]), done([3, 1, 6])
    assert parts == pytest.approx(whole, rel=1e-4)
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in zip(slopes, others, strict=True))
    assert terms.measured(sorted(batch, key=lambda s: s.length), 0) > 0.0


def test_who_asks_a_slow_average_has_one(order: Order, champion: Start) -> None:
    """It begins at the tensors and is where the ground looks for it; who asks none has none."""
    plain = prepare(order).job
    assert Terms.of(plain).trail.tensors == []
    assert plain.ground.trail is None
    trailed = prepare(replace(order, recipe=replace(order.recipe, objective=Restore()), teacher=champion)).job
    terms = Terms.of(trailed)
    assert trailed.ground.trail is not None
    assert all(torch.equal(a, b) for a, b in zip(terms.trail.tensors, trailed.parameters, strict=True))

"""Divergences between two models."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from homeostat.train.objectives.distill.apart import apart, likeliest


def drawn(seed: int) -> torch.Tensor:
    return torch.randn(7, 11, generator=torch.Generator().manual_seed(seed)).log_softmax(-1)


def test_both_ends() -> None:
    """Beta 0 is KL(teacher || student), beta 1 KL(student || teacher), in nats and place by place."""
    student, teacher = drawn(0), drawn(1)
    forward = F.kl_div(student, teacher, reduction="none", log_target=True).sum(-1)
    torch.testing.assert_close(apart(student, teacher, 0.0), forward)
    torch.testing.assert_close(apart(student, teacher, 1.0), apart(teacher, student, 0.0))


@pytest.mark.parametrize("beta", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_as_trl_has_it(beta: float) -> None:
    """The generalized Jensen–Shannon divergence of TRL's GKD, to 1e-5."""
    gkd = pytest.importorskip("trl.experimental.gkd", reason="TRL is a development dependency")
    student, teacher = drawn(2)[None], drawn(3)[None]
    wanted = gkd.GKDTrainer.generalized_jsd_loss(student, teacher, beta=beta, reduction="sum")
    assert apart(student[0], teacher[0], beta).sum().item() == pytest.approx(wanted.item(), abs=1e-5)


def test_between_the_ends_it_is_bounded_and_zero_for_equals() -> None:
    """Jensen–Shannon lies between 0 and log 2, also where one gives nothing a chance that the other does."""
    student, teacher = drawn(4), drawn(5)
    teacher = teacher.masked_fill(teacher < teacher.median(), -torch.inf).log_softmax(-1)
    each = apart(student, teacher, 0.5)
    assert bool(torch.isfinite(each).all())
    assert 0.0 < float(each.min()) < float(each.max()) < 0.6932
    torch.testing.assert_close(apart(student, student, 0.5), torch.zeros(7), atol=1e-6, rtol=0)


def test_the_likeliest_and_the_rest() -> None:
    """The teacher's three likeliest keep their chances and the others are one; of all but one, nothing is lost."""
    student, teacher = drawn(6), drawn(7)
    few, theirs = likeliest(student, teacher, 3)
    assert few.shape == theirs.shape == (7, 4)
    torch.testing.assert_close(theirs.exp().sum(-1), torch.ones(7))
    torch.testing.assert_close(few.exp().sum(-1), torch.ones(7))
    assert bool((apart(few, theirs) <= apart(student, teacher) + 1e-6).all())
    whole = apart(*likeliest(student, teacher, 10))
    torch.testing.assert_close(whole, apart(student, teacher), atol=1e-4, rtol=1e-4)

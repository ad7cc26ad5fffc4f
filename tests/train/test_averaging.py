"""The average of the trained tensors."""

from __future__ import annotations

import pytest
import torch

from homeostat.train.averaging import Average, Trail


def test_it_follows() -> None:
    """Of steps long past the beginning, each keeps its share of the average; early ones soon forget the start."""
    tensor = torch.nn.Parameter(torch.zeros(2))
    average = Average.of([tensor], 0.9)
    with torch.no_grad():
        tensor.fill_(1.0)
    average.follow([tensor], step=1000)
    assert average.tensors[0].tolist() == pytest.approx([0.1, 0.1])
    early = Average.of([torch.zeros(2)], 0.999)
    for step in range(1, 40):
        early.follow([tensor], step)
    assert early.tensors[0].tolist()[0] > 0.99


def test_it_stands_in_for_a_moment() -> None:
    """The average is in the tensors' place inside, and they are back behind, also after an error."""
    tensor = torch.nn.Parameter(torch.ones(2))
    average = Average(0.9, [torch.full((2,), 5.0)])

    def fail() -> None:
        with average.standing_in([tensor]):
            assert tensor.tolist() == [5.0, 5.0]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert tensor.tolist() == [1.0, 1.0]


def test_no_average() -> None:
    """Without a decay nothing is kept and nothing stands in."""
    tensor = torch.nn.Parameter(torch.ones(2))
    average = Average.of([tensor], 0.0)
    average.follow([tensor], 5)
    with average.standing_in([tensor]):
        assert tensor.tolist() == [1.0, 1.0]
    assert average.tensors == []


def test_a_slow_one_keeps_its_share_from_the_first_step() -> None:
    """Without a lead an early step counts as a late one, so that where it began is not soon forgotten; the trail stands
    in for the model as the average does.
    """
    tensor = torch.nn.Parameter(torch.ones(2))
    trail = Trail(Average.of([torch.zeros(2)], 0.9, lead=0), [tensor])
    for step in (1, 2):
        trail.average.follow([tensor], step)
    with trail.standing_in():
        assert tensor.tolist() == pytest.approx([0.19, 0.19])
    assert tensor.tolist() == [1.0, 1.0]

"""Hidden states that are alike."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from homeostat.errors import UnsuitedModel
from homeostat.train.objectives.distill.likeness import Likeness, likeness
from homeostat.train.step import Step
from shown import Shown
from train.objectives.distill import school


def test_it_is_zero_for_states_that_are_turned_or_stretched() -> None:
    """States of another width, turned and stretched, are as alike as before; others are not."""
    draw = torch.Generator().manual_seed(0)
    states, turn = torch.randn(6, 4, generator=draw), torch.linalg.qr(torch.randn(9, 4, generator=draw)).Q
    assert float(likeness(states, 3.0 * states @ turn.T)) == pytest.approx(0.0, abs=1e-5)
    assert float(likeness(states, torch.randn(6, 4, generator=draw))) > 0.1


@pytest.mark.slow
def test_states_become_alike(tmp_path: Path, shown: Shown) -> None:
    """On unseen rows, the student's states are more like the teacher's than after learning labels alone."""
    teacher, folder = school.teacher(tmp_path / "teacher"), school.student(tmp_path / "student")
    nearer = []
    for draw in shown.draws(1):
        told = []
        for penalties in ((), (Likeness(weight=5.0),)):
            recipe = school.replace(school.RECIPE, penalties=penalties)
            on = school.taught(school.ground(folder, school.labeled(10, draw), teacher), recipe=recipe)
            with torch.no_grad():
                told.append(float(Likeness().begin(on)(Step(on, on.held_out))))
        nearer.append(1.0 - told[1] / told[0])
    shown.over("share of the distance from the teacher's states on unseen rows that is gone", nearer, least=0.2)


def test_a_teacher_is_needed(tmp_path: Path) -> None:
    """Without one there is nothing to be like."""
    with pytest.raises(UnsuitedModel, match="no teacher"):
        Likeness().begin(school.ground(school.student(tmp_path), school.labeled(1, 0)))

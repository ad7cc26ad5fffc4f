"""Learning from answers that were kept: the same as from the teacher itself, and better than from few labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from homeostat.errors import UnsuitedModel
from homeostat.llm.load import Opened
from homeostat.stats.intervals import paired
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.distill.follow import Follow
from homeostat.train.objectives.distill.told import Told
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Step
from shown import Shown
from train.objectives.distill import school


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return school.student(tmp_path_factory.mktemp("student"))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    return school.teacher(tmp_path_factory.mktemp("teacher"))


@torch.no_grad()
def answered(rows: list[Sample], teacher: Opened, on: Ground) -> list[Sample]:
    """The rows with what the teacher says of each label; their own labels are the teacher's word too."""
    said = on.predict([s.rendered for s in rows], teacher).logits[:, on.allowed].log_softmax(-1)
    assert on.allowed is not None
    best = on.allowed[said.argmax(1)].tolist()
    return [
        replace(s, told=tuple(row.tolist()), rendered=replace(s.rendered, completion=(code,)))
        for s, row, code in zip(rows, said, best, strict=True)
    ]


@pytest.mark.slow
@torch.no_grad()
def test_equal_to_following_the_teacher_itself(folder: Path, teacher: Opened) -> None:
    """The loss of a batch is that of `follow` with the teacher at hand, to 1e-5, at any share and temperature."""
    rows = school.labeled(4, 0)
    on = school.ground(folder, rows, teacher)
    kept = [replace(one, rendered=row.rendered) for one, row in zip(answered(rows, teacher, on), rows, strict=True)]
    for share, heat in ((1.0, 2.0), (0.4, 1.0), (0.8, 4.0)):
        from_answers = Told(share=share, temperature=heat).begin(replace(on, train=kept))(Step(on, kept))
        at_hand = Follow(share=share, temperature=heat).begin(on)(Step(on, rows))
        assert float(from_answers) == pytest.approx(float(at_hand), abs=1e-5)


@torch.no_grad()
def test_rows_without_an_answer_are_learned_by_their_label(folder: Path, teacher: Opened) -> None:
    """Beside answered rows, a labeled one counts with its cross-entropy; weights count as ever."""
    rows = school.labeled(2, 0)
    on = school.ground(folder, rows, teacher)
    mixed = [*answered(rows[:3], teacher, on), replace(rows[3], weight=3.0)]
    lesson = Told(share=1.0).begin(replace(on, train=mixed))
    soft = lesson(Step(on, mixed[:3]))
    hard = Completion().begin(on)(Step(on, mixed[3:]))
    assert float(lesson(Step(on, mixed))) == pytest.approx((3 * float(soft) + 3 * float(hard)) / 6, abs=1e-5)


@torch.no_grad()
def told_right(on: Ground) -> list[float]:
    """1 for each held-out row that is told right, else 0."""
    step = Step(on, on.held_out)
    return (step.scores.argmax(1) == step.right).float().tolist()


@pytest.mark.slow
def test_a_teachers_answers_are_worth_more_than_a_few_labels(
    folder: Path, teacher: Opened, draw: int, shown: Shown
) -> None:
    """Fifteen labeled rows, and 150 that nobody has labeled: the student that learns what the teacher said of all of
    them tells more unseen rows right than the same student on the labels, by an interval above 0. Answers given to
    the wrong rows are of no use.
    """
    rows, more = school.labeled(5, 10 * draw, school.NOISE), school.labeled(50, 10 * draw + 1)
    on = school.ground(folder, rows)
    unseen = replace(on, held_out=school.labeled(60, 10 * draw + 77))
    alone = told_right(school.taught(replace(unseen, opened=school.ground(folder, rows).opened)))
    every = answered([*rows, *more], teacher, on)
    recipe = replace(school.RECIPE, epochs=10)

    def learned(rows: list[Sample]) -> list[float]:
        fresh = replace(unseen, opened=school.ground(folder, rows).opened, train=rows, held_out=unseen.held_out)
        held = answered(list(fresh.held_out), teacher, on)
        return told_right(
            replace(school.taught(replace(fresh, held_out=held), Told(), recipe), held_out=unseen.held_out)
        )

    of = "share of unseen rows told right, more than from 15 labels alone"
    shown.within(of, paired(learned(every), alone))
    shuffled = torch.randperm(len(every), generator=torch.Generator().manual_seed(0)).tolist()
    astray = [replace(row, told=every[k].told) for row, k in zip(every, shuffled, strict=True)]
    assert sum(learned(astray)) < sum(alone)


def test_what_cannot_be_learned_from(folder: Path, teacher: Opened) -> None:
    """No answers, no labels, and answers over other labels are refused before the first step."""
    rows = school.labeled(2, 0)
    on = school.ground(folder, rows, teacher)
    with pytest.raises(UnsuitedModel, match="no answers"):
        Told().begin(on)
    with pytest.raises(UnsuitedModel, match="no answers"):
        Told().begin(replace(on, train=answered(rows, teacher, on), allowed=None))
    with pytest.raises(UnsuitedModel, match="over 2 labels"):
        Told().begin(replace(on, train=[replace(rows[0], told=(-0.5, -1.0))]))

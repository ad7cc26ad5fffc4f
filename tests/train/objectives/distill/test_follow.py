"""Distillation: the student comes nearer to the teacher than labels bring it, and where it goes itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import tiny
from homeostat.errors import UnsuitedModel
from homeostat.llm.generate import generate
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered
from homeostat.train.objectives.distill.apart import apart
from homeostat.train.objectives.distill.follow import Follow
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
def told(on: Ground, teacher: Opened) -> tuple[float, float]:
    """On held-out rows: the mean KL(teacher || student) in nats, and the share that is told right."""
    step = Step(on, on.held_out)
    said = on.predict([s.rendered for s in on.held_out], teacher).logits[:, on.allowed].log_softmax(-1)
    right = float((step.scores.argmax(1) == step.right).float().mean())
    return float(apart(step.scores.log_softmax(-1), said).mean()), right


@pytest.mark.slow
def test_a_student_comes_nearer_to_its_teacher(folder: Path, teacher: Opened, shown: Shown) -> None:
    """At equal steps on the same 60 rows, three labels in ten of which were drawn by chance, ten of 100 unseen rows
    more are told right than with labels alone, and the divergence from the teacher on them is 30 of 100 lower.
    """
    gained, nearer = [], []
    for draw in shown.draws(1):
        rows = school.labeled(20, draw, school.NOISE)
        alone = told(school.taught(school.ground(folder, rows, teacher)), teacher)
        with_teacher = told(school.taught(school.ground(folder, rows, teacher), Follow(share=0.8)), teacher)
        nearer.append(1.0 - with_teacher[0] / alone[0])
        gained.append(with_teacher[1] - alone[1])
    shown.over("share of unseen rows told right, more than from the same noisy labels alone", gained, least=0.1)
    assert sum(nearer) / len(nearer) > 0.3, nearer


@pytest.mark.slow
def test_a_teacher_that_talks_nonsense_is_of_no_use(folder: Path, teacher: Opened, tmp_path: Path) -> None:
    """From a teacher that was never taught, the student learns less than from labels."""
    rows, nonsense = school.labeled(20, 0, school.NOISE), open_model(str(tiny.llama(tmp_path, hidden=96, seed=8)))
    alone = told(school.taught(school.ground(folder, rows, teacher)), teacher)
    misled = told(school.taught(school.ground(folder, rows, nonsense), Follow(share=0.8)), teacher)
    assert misled[0] > 0.9 * alone[0]


def test_without_a_share_of_the_teacher_nothing_changes(folder: Path, teacher: Opened) -> None:
    """Share 0 is plain learning, bit by bit."""
    rows = school.labeled(4, 0)
    works = [school.taught(school.ground(folder, rows, teacher), objective) for objective in (None, Follow(share=0.0))]
    for one, other in zip(*(w.opened.model.parameters() for w in works), strict=True):
        assert torch.equal(one, other)


@torch.no_grad()
def astray(on: Ground, teacher: Opened) -> float:
    """Mean KL(student || teacher) in nats a token on what the student itself writes."""
    torch.manual_seed(0)
    prompts = [s.rendered.prompt for s in on.held_out]
    written = generate(on.opened, prompts, most=24, temperature=1.0).tokens
    rows = [Rendered(p, tuple(w)) for p, w in zip(prompts, written, strict=True)]
    student, said = (on.predict(rows, model).logits.log_softmax(-1) for model in (on.opened, teacher))
    return float(apart(student, said, 1.0).mean())


@pytest.mark.slow
def test_requests_alone_are_enough_where_it_learns_on_its_own_words(folder: Path, tmp_path: Path) -> None:
    """From requests without replies, a student that is corrected where it goes itself halves its distance from the
    teacher on what it writes; one that follows the teacher on the empty replies does not.
    """
    knows, rows = school.teacher(tmp_path, labels=False), school.replied(20, 0)
    learned = school.taught(school.ground(folder, rows, labels=False), recipe=replace(school.RECIPE, epochs=25))
    learned.opened.model.save_pretrained(tmp_path / "learned")
    learned.opened.tokenizer.save_pretrained(tmp_path / "learned")
    bare = [replace(row, rendered=Rendered(row.rendered.prompt, row.rendered.completion[-1:])) for row in rows]
    short = replace(school.RECIPE, epochs=8, looks=1)
    off, on = (
        school.taught(
            school.ground(tmp_path / "learned", bare, knows, labels=False),
            Follow(share=1.0, temperature=1.0, beta=0.5, on_policy=own, most=24),
            short,
        )
        for own in (0.0, 1.0)
    )
    before = astray(learned, knows)
    assert astray(on, knows) < 0.5 * before
    assert astray(off, knows) > 0.8 * before


def test_whose_words_a_step_learns_from(folder: Path, teacher: Opened) -> None:
    """A share of the steps, drawn by the seed, the same for the same step; none where no gradient is taken."""
    on = school.ground(folder, school.labeled(1, 0), teacher)
    lesson = Follow(on_policy=0.3).begin(on)
    own = [lesson._own(Step(on, on.train, k)) for k in range(400)]  # type: ignore[attr-defined]
    assert own == [lesson._own(Step(on, on.train, k)) for k in range(400)]  # type: ignore[attr-defined]
    assert 80 < sum(own) < 160
    with torch.no_grad():
        assert not lesson._own(Step(on, on.train, own.index(True)))  # type: ignore[attr-defined]


def test_a_teacher_is_needed_and_must_write_alike(folder: Path, tmp_path: Path) -> None:
    """No teacher, or one of another vocabulary, is refused before the first step."""
    rows = [Sample(Rendered((1, 2), (3,)))]
    with pytest.raises(UnsuitedModel, match="no teacher"):
        Follow().begin(school.ground(folder, rows))
    other = open_model(str(tiny.llama(tmp_path, tokenizer=tiny.chat_tokenizer(codes=8))))
    with pytest.raises(UnsuitedModel, match="other tokens"):
        Follow().begin(school.ground(folder, rows, other))

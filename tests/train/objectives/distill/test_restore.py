"""Repair: what an update has cost comes back from the model before it, and what it brought stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tiny
from homeostat.errors import UnsuitedModel
from homeostat.llm.load import open_model
from homeostat.llm.render import Rendered, Renderer
from homeostat.stats.intervals import paired
from homeostat.train.averaging import Average, Trail
from homeostat.train.objectives.distill.apart import apart
from homeostat.train.objectives.distill.follow import UNKNOWN
from homeostat.train.objectives.distill.restore import Restore
from homeostat.train.run import Start
from homeostat.train.samples import Sample
from homeostat.train.step import Ground, Step
from shown import Shown
from train.objectives.distill import school
from train.objectives.distill.past import NEW, OLD, Past, beginning, past, started, update


@pytest.fixture(scope="module")
def forgot(champion: Start, tmp_path_factory: pytest.TempPathFactory) -> Past:
    """One of labels, from the champion of the room."""
    folder = tmp_path_factory.mktemp("forgot")
    return Past("labels", 0, folder, champion, started(update(beginning("labels", 0, folder), champion, 0)))


def test_what_was_forgotten_comes_back_from_requests_alone(forgot: Past, tmp_path: Path, shown: Shown) -> None:
    """The candidate has forgotten nine tenths of what was known. From new rows and as many old requests, whose
    labels it is not told, over six tenths of it come back, and of what was learned as much stays. Means over draws.
    """
    back, stays, known = list[float](), list[float](), list[tuple[float, float]]()
    for draw in shown.draws(1):
        one = past("labels", draw, tmp_path / str(draw)) if draw else forgot
        before, lost = (np.mean(one.right(start, OLD)) for start in (one.champion, one.candidate))
        repaired = one.repaired("repaired", Restore())
        known.append((float(before), float(lost)))
        stays.append(float(np.mean(one.right(repaired, NEW)) / np.mean(one.right(one.candidate, NEW))))
        back.append(float((np.mean(one.right(repaired, OLD)) - lost) / (before - lost)))
    before, lost = np.mean(known, 0)
    assert before > 0.8
    assert lost < 0.2
    assert np.mean(stays) > 0.6
    shown.over("share of what was forgotten that is back, of unseen rows", back, least=0.6)


@pytest.mark.slow
def test_nothing_comes_back_from_nothing(forgot: Past) -> None:
    """Where old rows weigh nothing, and where the candidate is its own teacher, it goes on answering as it did; with a
    weight of 0 the tensors are those it had, bit by bit.
    """
    off = forgot.repaired("off", Restore(pull=0.0), epochs=3)
    itself = forgot.repaired("itself", Restore(), teacher=forgot.candidate, epochs=3)
    for start in (off, itself):
        assert np.mean(forgot.right(start, OLD)) < 0.1
    still = forgot.repaired("still", Restore(weight=0.0), epochs=1)
    assert forgot.candidate.folder is not None
    assert still.folder is not None
    for file in forgot.candidate.folder.glob("*.safetensors"):
        assert file.read_bytes() == (still.folder / file.name).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["labels", "replies"])
def test_it_does_so_on_every_seed(kind: str, seed: int, tmp_path: Path) -> None:
    """Over half of the loss comes back, by an interval over rows, of labels and, by chrF, of replies that it writes
    itself; of what was learned over seven tenths stay. The candidate as teacher brings next to nothing back.
    """
    here = past(kind, seed, tmp_path)
    repaired = here.repaired("repaired", Restore(most=16))
    itself = here.repaired("itself", Restore(most=16), teacher=here.candidate)
    made = {"champion": here.champion, "candidate": here.candidate, "repaired": repaired, "itself": itself}
    old = {name: here.right(start, OLD) for name, start in made.items()}
    new = {name: float(np.mean(here.right(start, NEW))) for name, start in made.items()}
    lost, back = paired(old["champion"], old["candidate"]), paired(old["repaired"], old["candidate"])
    print(
        kind, seed, {name: (round(float(np.mean(of)), 3), round(new[name], 3)) for name, of in old.items()}, lost, back
    )
    assert lost.mean > 0.5
    assert back.low > 0.5 * lost.mean
    assert new["repaired"] > 0.7 * new["candidate"]
    assert paired(old["itself"], old["candidate"]).high < 0.2 * lost.mean


def ground(llama: Path, **changes: Any) -> Ground:
    """Two labels that the teacher knows, and one that it does not; the second row is old."""
    codes, taught = torch.tensor([60, 61, 62]), torch.tensor([60, 61, -1])
    samples = [Sample(school.labeled(1, 3)[k].rendered, replay=k == 1, weight=1.0 + k) for k in range(3)]
    return Ground(opened=open_model(str(llama)), train=samples, allowed=codes, taught=taught, bfloat16=False, **changes)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("before"), seed=5)


def test_every_row_has_its_teacher(llama: Path, before: Path) -> None:
    """Old rows are measured from the teacher, which gives next to nothing to a label that it does not know, and new
    ones from the student as it began; rows count by their weight, and old ones by `pull` too.
    """
    work = ground(llama, teacher=open_model(str(before)))
    parameters = list(work.opened.model.parameters())
    began = [p.detach().clone() for p in parameters]
    work.trail = Trail(Average(1.0, began), parameters)
    rendered = [s.rendered for s in work.train]
    with torch.no_grad():
        start = work.predict(rendered).logits[:, work.allowed].log_softmax(-1)
        theirs = work.predict(rendered, work.teacher).logits[:, work.allowed[:2]].log_softmax(-1)  # type: ignore[index]
        for parameter in parameters:
            parameter.mul_(1.1)
        now = work.predict(rendered).logits[:, work.allowed].log_softmax(-1)
    old = torch.cat([theirs[1], torch.tensor([UNKNOWN])])
    for beta in (0.0, 0.5, 1.0):
        told = torch.stack([start[0], old, start[2]])
        each = apart(now, told, beta)
        wanted = (each[0] + 2 * 0.5 * each[1] + 3 * each[2]) / 5.0
        lesson = Restore(pull=0.5, beta=beta).begin(work)
        assert float(lesson(Step(work, work.train)).detach()) == pytest.approx(float(wanted), rel=1e-4)
        assert lesson.weigh(work.train) == 5.0
    assert all(torch.equal(p * 1.0, b * 1.1) for p, b in zip(parameters, began, strict=True))


def test_it_learns_on_its_own_words(before: Path, llama: Path) -> None:
    """Of a task of text the divergence is that on replies which the student writes, the same for the same random state,
    and not on those that the rows have; a look measures the rows' own.
    """
    draws: list[Callable[[], Any]] = []
    for reply in ("we send you another pump", "the parcel"):
        samples = [replace(row, replay=True) for row in school.replied(2, 3)]
        renderer = Renderer(tiny.chat_tokenizer())
        samples = [replace(s, rendered=Rendered(s.rendered.prompt, renderer.target(reply))) for s in samples]
        work = Ground(opened=open_model(str(llama)), train=samples, teacher=open_model(str(before)), bfloat16=False)
        lesson = Restore(most=8).begin(work)
        draws.append(lambda lesson=lesson, work=work: lesson(Step(work, work.train)))  # type: ignore[misc]
    said = []
    for draw in draws:
        torch.manual_seed(3)
        said.append(float(draw().detach()))
    with torch.no_grad():
        looked = [float(draw()) for draw in draws]
    assert said[0] == pytest.approx(said[1], rel=1e-5)
    assert looked[0] != pytest.approx(looked[1], rel=1e-3)


def test_a_model_before_it_is_needed_and_must_write_alike(llama: Path, tmp_path: Path) -> None:
    """No teacher, or one of another vocabulary, is refused before the first step."""
    with pytest.raises(UnsuitedModel, match="no model before it"):
        Restore().begin(ground(llama))
    other = open_model(str(tiny.llama(tmp_path, tokenizer=tiny.chat_tokenizer(codes=8))))
    with pytest.raises(UnsuitedModel, match="other tokens"):
        Restore().begin(ground(llama, teacher=other))

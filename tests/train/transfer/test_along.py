"""Along the line from a champion to a candidate that forgot lies a version that learned and kept; it is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import tiny
from homeostat.errors import UnsuitedModel
from homeostat.stats.intervals import paired
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.stacked import Stacked
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.train.transfer.along import SHARES, Line, along, point
from homeostat.train.transfer.interpolate import between
from homeostat.train.transfer.product import Adapter
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind, Task
from shown import Shown
from train.transfer.adapters import DOMAINS, EVERY, Judge, answers

OLD, NEW = DOMAINS
SAYING = Task(name="saying", kind=Kind.TEXT)
RECIPE = Recipe(lr=5e-3, epochs=10, batch_rows=12, looks=5, patience=5, warm_up=0.1, held_out=0.3)


def order(base: Path, folder: Path, labels: tuple[str, ...], draw: int, *, start: Path | None = None) -> Order:
    """Training on requests of these labels alone, the champion's going on from where it stands."""
    begun = Start(base=str(base), folder=start, kind="lora" if start else "base", labels=OLD if start else ())
    known = EVERY if start else OLD
    examples = tiny.examples(labels, each=60, seed=10 * draw + len(labels) + bool(start))
    recipe = replace(RECIPE, seed=draw)
    return Order(task=tiny.ROUTING, start=begun, examples=examples, labels=known, recipe=recipe, folder=folder)


@pytest.fixture(scope="module")
def line(llama: Path, draw: int, tmp_path_factory: pytest.TempPathFactory) -> Line:
    """A champion of two labels, and a candidate that went on from it with two new ones alone, and forgot."""
    folder = tmp_path_factory.mktemp("line")
    first = order(llama, folder / "champion", OLD, draw)
    champion = train(first)
    naive = order(llama, folder / "candidate", NEW, draw, start=champion.weights)
    candidate = train(naive)
    remembered = [replace(row, origin=Origin.RECALL) for row in first.examples]
    known = replace(naive, examples=[*naive.examples, *remembered], folder=folder / "between")
    return Line(order=known, candidate=candidate.weights, prior=champion.prior)


def rows(labels: tuple[str, ...], draw: int = 0) -> list[Example]:
    """Requests that nobody has seen."""
    return tiny.examples(labels, each=60, seed=10 * draw + 99)


def test_what_was_forgotten_is_had_again_with_what_was_learned(
    judge: Judge, line: Line, draw: int, shown: Shown
) -> None:
    """The candidate has forgotten over half of what was known; the point found has most of it and of what is new, by
    rows that neither training nor the search has seen.
    """
    found = along(line, most_lost=0.3).point
    assert found is not None
    candidate, point, old = Adapter.read(line.candidate), Adapter.read(found.trained.weights), rows(OLD, draw)
    before = judge.accuracy(Adapter.read(line.order.start.folder), old, OLD)
    assert before > 0.9
    assert before - judge.accuracy(candidate, old) > 0.5
    assert before - judge.accuracy(point, old) < 0.3
    assert judge.accuracy(point, rows(NEW, draw)) > 0.6
    back = paired(judge.right(point, old), judge.right(candidate, old))
    shown.within("share of unseen rows of what was forgotten told right, more than by the candidate", back, least=0.2)
    assert found.share in SHARES
    assert found.kept >= -0.3
    assert found.gained > 0.5
    assert 40 <= found.n <= 100
    assert found.trained.cost["flops"] > 0


def test_nothing_is_found_where_all_lose_too_much(line: Line, tmp_path: Path) -> None:
    """Asked to gain half on what is known, no point will do, and nothing is left; but looking has taken as much as
    where one does.
    """
    elsewhere = replace(line, order=replace(line.order, folder=tmp_path))
    sought = along(elsewhere, most_lost=-0.5, shares=(0.5,))
    assert sought.point is None
    assert sought.cost["cpu_seconds"] > 0.0
    assert not list(tmp_path.iterdir())
    found = along(elsewhere, most_lost=10.0, shares=(0.5,))
    assert found.point is not None
    assert found.point.trained.cost["flops"] == found.cost["flops"] == sought.cost["flops"] > 0.0


def test_without_refit_the_points_are_those_of_the_line(llama: Path, line: Line, tmp_path: Path) -> None:
    """A recipe that does not fit the rows of the labels leaves the exact point."""
    plain = replace(line.order, recipe=replace(RECIPE, refit=False), folder=tmp_path)
    found = along(replace(line, order=plain), most_lost=1.0, shares=(0.5,)).point
    assert found is not None
    ends = Adapter.read(line.order.start.folder), Adapter.read(line.candidate)
    between(*ends, 0.5, ends[1].rank).save(tmp_path / "wanted")
    assert torch.allclose(answers(llama, found.trained.weights), answers(llama, tmp_path / "wanted"), atol=1e-5)


@pytest.mark.parametrize("adapt", [Stacked(rank=4, back=0.5), Lora(rs=True)], ids=["stacked", "rs"])
def test_a_point_is_opened_as_it_lies(llama: Path, line: Line, adapt: Lora, tmp_path: Path) -> None:
    """A way that takes its champion part of the way back, or makes other adapters, does nothing to the points."""
    recipe = replace(RECIPE, refit=False, adapt=adapt)
    end = point(replace(line, order=replace(line.order, recipe=recipe, folder=tmp_path)), 1.0)
    assert torch.allclose(answers(llama, end.weights), answers(llama, line.candidate), atol=1e-4)
    assert Adapter.read(end.weights).rank == Adapter.read(line.candidate).rank


def test_all_weights_and_replies(llama: Path, tmp_path: Path) -> None:
    """Whole models have a line too, and replies are looked at by how likely they are; what comes between two models
    that were told different replies finds those of the candidate likelier than the champion does.
    """
    told = [[Example(text=f"say {k}", target=reply) for k in range(24)] for reply in ("red", "blue green")]
    recipe = Recipe(adapt=Full(), lr=3e-3, epochs=6, batch_rows=8, looks=3, held_out=0.2, refit=False)
    first = Order(
        task=SAYING, start=Start(base=str(llama)), examples=told[0], labels=(), recipe=recipe, folder=tmp_path / "a"
    )
    champion = train(first)
    gone_on = Start(base=str(llama), folder=champion.weights, kind="full")
    later = replace(first, start=gone_on, examples=told[1], folder=tmp_path / "b")
    candidate = train(later)
    remembered = [replace(row, text=f"{row.text} again", origin=Origin.RECALL) for row in told[0]]
    known = replace(later, examples=[*told[1], *remembered], folder=tmp_path / "c")
    found = along(Line(order=known, candidate=candidate.weights), most_lost=10.0, shares=(0.5,)).point
    assert found is not None
    assert found.trained.kind == "full"
    assert found.gained > 0.1
    assert found.kept < 0.0


@pytest.mark.parametrize("kind", ["prompt", "prefix"])
def test_no_line_between_leads(kind: str, line: Line) -> None:
    """Versions that are a lead before every prompt have no line between them, and nothing is opened to find out."""
    start = replace(line.order.start, kind=kind)
    with pytest.raises(UnsuitedModel, match=f"no line between versions of kind {kind}"):
        along(replace(line, order=replace(line.order, start=start)), most_lost=0.3)


@pytest.mark.slow
def test_of_several_tasks_none_may_lose_too_much(judge: Judge, llama: Path, line: Line, tmp_path: Path) -> None:
    """A candidate that learned replies in words alone has lost labels of the task beside; the point that is found has
    most of them again, and finds the replies likelier than the champion does.
    """
    champion, remembered = line.order.start, [row for row in line.order.examples if row.origin is Origin.RECALL]
    new = [Example(text=f"say {k}", target="blue green", task=SAYING.name) for k in range(40)]
    told = replace(line.order, task=SAYING, beside=(tiny.ROUTING,), labels=OLD, examples=new, folder=tmp_path / "a")
    candidate = train(replace(told, recipe=replace(RECIPE, refit=False)))
    old = [replace(row, task=tiny.ROUTING.name) for row in remembered]
    known = replace(told, examples=[*new, *old], folder=tmp_path / "b")
    found = along(Line(order=known, candidate=candidate.weights), most_lost=0.1).point
    assert found is not None
    before, after = (judge.accuracy(Adapter.read(w), rows(OLD), OLD) for w in (champion.folder, found.trained.weights))
    assert after > before - 0.1
    assert after >= judge.accuracy(Adapter.read(candidate.weights), rows(OLD), OLD)
    assert found.gained > 0.1
    assert found.trained.prior == ()

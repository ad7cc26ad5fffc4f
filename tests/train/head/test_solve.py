"""An exact head, from examples to a folder: the solution of all rows, however it was come by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny
from homeostat.config.schema import Train
from homeostat.errors import NothingToTrainOn, UnknownLabel, UnsuitedModel
from homeostat.llm.backend import Request
from homeostat.llm.exact import ExactHead, load_exact
from homeostat.llm.local import LocalBackend
from homeostat.train.head.solve import apart, begun, foretold, solve
from homeostat.train.named import named
from homeostat.train.objectives.heads.exact import Exact
from homeostat.train.run import Order, Start, Trained
from homeostat.types.dataset import Example
from homeostat.types.version import Version
from shown import Shown

LABELS = (*tiny.LABELS, "wrong_bill")
FEW = Exact(width=32, buckets=128, ridge=0.5)
HIDDEN = 48


@pytest.fixture
def headed(order: Order) -> Order:
    """60 rows of 3 labels for an exact head of 160 features."""
    return replace(order, recipe=replace(named("head", Train()), objective=FEW), labels=LABELS)


def rows(labels: tuple[str, ...] = tiny.LABELS, each: int = 20, seed: int = 0) -> list[Example]:
    """Labeled sentences, a second apart."""
    return [replace(row, time=float(k)) for k, row in enumerate(tiny.examples(labels, each, seed))]


def after(order: Order, trained: Trained, examples: list[Example], **more: Any) -> Order:
    """The order that goes on from what another one left."""
    start = Start(base=order.start.base, folder=trained.weights, kind=trained.kind, labels=trained.labels)
    folder = order.folder.with_name(f"{order.folder.name}+")
    return replace(order, start=start, held=order.examples, examples=examples, folder=folder, **more)


def batch_solution(head: ExactHead, order: Order) -> np.ndarray:
    """Ridge regression on all rows of an order at once, in a head's features, by least squares."""
    requests = [Request(task=order.task, text=row.text, version="") for row in order.examples]
    seen = head.features.of(LocalBackend(order.start.base).embed(requests), [row.text for row in order.examples])
    hot = np.array([[float(row.target == label) for label in head.labels] for row in order.examples])
    wide = np.concatenate([seen, np.sqrt(FEW.ridge) * np.eye(seen.shape[1])])
    long = np.concatenate([hot, np.zeros((seen.shape[1], hot.shape[1]))])
    solution: np.ndarray = np.linalg.lstsq(wide, long, rcond=None)[0]
    return solution


def test_it_is_the_solution_of_all_rows(headed: Order) -> None:
    """What answers are the weights of ridge regression on the states and words of every row; labels without a row are
    not told, and what it took is.
    """
    trained = solve(headed)
    head = load_exact(trained.weights, HIDDEN)
    np.testing.assert_allclose(head.weights, batch_solution(head, headed), atol=1e-6)
    assert (trained.kind, trained.labels, head.labels) == ("head", tiny.LABELS, tiny.LABELS)
    assert (trained.cost["rows"], trained.cost["added"], trained.cost["removed"]) == (60, 60, 0)
    assert trained.cost["flops"] == pytest.approx(foretold(headed)[1], rel=1e-3)


def test_going_on_reads_new_rows_alone_and_solves_all(headed: Order) -> None:
    """From a champion head, 20 new rows and a new label: the weights are those of all rows at once to 1e-6."""
    first = solve(headed)
    more = rows(LABELS, 5, seed=3)
    going = after(headed, first, [*headed.examples, *more])
    trained = solve(going)
    head = load_exact(trained.weights, HIDDEN)
    assert (trained.cost["added"], trained.cost["removed"], trained.labels) == (20, 0, LABELS)
    np.testing.assert_allclose(head.weights, batch_solution(head, going), atol=1e-6)


def test_how_far_a_head_has_moved(headed: Order) -> None:
    """From the champion head, as the two answer the rows that came since, over the labels that both know; a head with
    no new rows, or begun anew, has moved from nothing; rows that contradict move it further than more of the same.
    """
    first = solve(headed)
    same = rows(each=5, seed=3)
    turned = [replace(row, target=tiny.LABELS[tiny.LABELS.index(row.target) - 1]) for row in same]
    moved = []
    for k, more in enumerate((same, turned)):
        going = after(headed, first, [*headed.examples, *(replace(row, time=1e3 + row.time) for row in more)])
        trained = solve(replace(going, folder=going.folder / str(k)))
        requests = [Request(task=headed.task, text=row.text, version="v") for row in more]
        was, now = (told(headed.start.base, one, requests) for one in (first, trained))
        wanted = float((was * np.log(was / now)).sum(axis=1).mean())
        assert trained.cost["kl_new"] == pytest.approx(wanted, rel=1e-3)
        moved.append(wanted)
    assert moved[1] > 2 * moved[0] > 0
    assert first.cost["kl_new"] == solve(after(headed, first, list(headed.examples))).cost["kl_new"] == 0.0


def told(base: str, trained: Trained, requests: list[Request]) -> np.ndarray:
    """float[requests, labels]: what a head says when it is served."""
    backend = LocalBackend(base)
    backend.load(
        Version(id="v", task="routing", time=0.0, base=base, kind="head", labels=trained.labels), trained.weights
    )
    return np.exp(np.array(backend.score(requests), dtype=np.float64))


def test_rows_taken_out_were_never_there(headed: Order) -> None:
    """A head without 15 of its rows, one label's among them, is the head that never had them, to 1e-6."""
    wider = replace(headed, examples=[*headed.examples, *rows(LABELS[3:], 15, seed=4)])
    begun_with = solve(headed)
    with_more = solve(after(headed, begun_with, list(wider.examples)))
    without = solve(after(wider, with_more, list(headed.examples)))
    assert (without.cost["added"], without.cost["removed"], without.labels) == (0, 15, tiny.LABELS)
    left, never = (load_exact(made.weights, HIDDEN) for made in (without, begun_with))
    np.testing.assert_allclose(left.weights, never.weights, atol=1e-6)
    assert left.sharpness == pytest.approx(never.sharpness, rel=1e-4)


def test_a_row_told_otherwise_moves(headed: Order) -> None:
    """A row whose label was corrected goes as it was and comes as it is."""
    first = solve(headed)
    corrected = [replace(headed.examples[0], target="broken_pump"), *headed.examples[1:]]
    trained = solve(after(headed, first, corrected))
    assert (trained.cost["added"], trained.cost["removed"]) == (1, 1)


def test_what_differs() -> None:
    """Rows are told apart by what they say, as often as they say it."""
    new, gone = apart([("a", "x"), ("a", "x"), ("b", "y")], [("a", "x"), ("b", "z"), ("c", "z")])
    assert (new, gone) == ([("b", "z"), ("c", "z")], [("a", "x"), ("b", "y")])


def test_heads_of_another_make_are_not_gone_on_from(headed: Order) -> None:
    """Another instruction, other features, other rows than those it is known by, or a bare start: all is read anew."""
    going = after(headed, solve(headed), list(headed.examples))
    assert begun(going) is not None
    for other in (
        replace(going, task=replace(going.task, instruction="sort")),
        replace(going, recipe=replace(going.recipe, objective=replace(FEW, width=16))),
        replace(going, recipe=replace(going.recipe, warm_start=False)),
        replace(going, held=going.held[1:]),
        replace(going, start=headed.start),
    ):
        assert begun(other) is None


def test_confidence_is_the_share_that_is_right(headed: Order) -> None:
    """Where a third of the labels are wrong, the head is about as sure as it is right on requests it has not seen."""
    rng = np.random.default_rng(0)

    def noisy(made: list[Example]) -> list[Example]:
        wrong = rng.random(len(made)) < 1 / 3
        return [
            replace(row, target=str(rng.choice(tiny.LABELS)) if bad else row.target)
            for row, bad in zip(made, wrong, strict=True)
        ]

    trained = solve(replace(headed, examples=noisy(rows(each=100))))
    head, tests = load_exact(trained.weights, HIDDEN), noisy(rows(each=100, seed=9))
    backend = LocalBackend(headed.start.base)
    requests = [Request(task=headed.task, text=row.text, version="") for row in tests]
    scores = head.sharpness * head.scores(backend.embed(requests), [row.text for row in tests])
    chances = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    right = [head.labels[k] == row.target for k, row in zip(scores.argmax(1), tests, strict=True)]
    assert 0.6 < np.mean(right) < 0.9
    assert abs(float(chances.max(1).mean()) - float(np.mean(right))) < 0.06


def test_unseen_rows_are_told_right(headed: Order, shown: Shown) -> None:
    """Solved from 40 rows of each of three labels, a head tells far more unseen rows right than guessing does."""
    gained, backend = [], LocalBackend(headed.start.base)
    for draw in shown.draws(3):
        order = replace(headed, examples=rows(each=40, seed=100 + draw), labels=tiny.LABELS)
        head = load_exact(solve(replace(order, folder=headed.folder / str(draw))).weights, HIDDEN)
        unseen = rows(each=60, seed=200 + draw)
        texts = [row.text for row in unseen]
        asked = [Request(task=headed.task, text=text, version="") for text in texts]
        told = head.scores(backend.embed(asked), texts).argmax(1)
        right = [head.labels[k] == row.target for k, row in zip(told, unseen, strict=True)]
        gained.append(float(np.mean(right)) - 1 / 3)
    shown.over("share of unseen rows told right, more than by guessing", gained, least=0.25)


def test_what_cannot_be_learned(headed: Order, tmp_path: Path) -> None:
    """No rows, one label alone, a label that is not in the set, and a task of texts are refused."""
    with pytest.raises(UnsuitedModel, match="writes texts"):
        solve(replace(headed, task=tiny.REPLIES))
    with pytest.raises(NothingToTrainOn):
        solve(replace(headed, examples=[]))
    with pytest.raises(NothingToTrainOn, match="nothing to tell apart"):
        solve(replace(headed, examples=rows(LABELS[:1]), labels=LABELS[:1]))
    with pytest.raises(UnknownLabel, match="row 1 of the dataset"):
        solve(replace(headed, labels=("a", "b")))

"""Labels, replies in words, and the better of two replies, in one run and one adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import tiny
from homeostat.errors import UnknownLabel
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.preference.dpo import Dpo
from homeostat.train.objectives.preference.mixed import Mixed
from homeostat.train.objectives.preference.orpo import Orpo
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.penalties.ewc import Ewc
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, Trained, prepare, train
from homeostat.train.samples import alike
from homeostat.train.step import Step
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version
from shown import Shown

SAYING = Task(name="saying", kind=Kind.TEXT, instruction="say")
LIKING = Task(name="liking", kind=Kind.TEXT, instruction="like")
SAID = ("money", "van", "pump")
RECIPE = Recipe(objective=Mixed(), lr=7e-3, epochs=20, batch_rows=16, looks=5, patience=5, warm_up=0.1)


def rows(each: int = 24, seed: int = 0) -> list[Example]:
    """Rows of all three tasks: what a request is about, in a label, in words, and as the better of two replies."""
    made = []
    for row in tiny.examples(each=each, seed=seed):
        right, other, wrong = (SAID[(tiny.LABELS.index(row.target) + k) % 3] for k in range(3))
        made += [
            replace(row, task="routing"),
            replace(row, task="saying", target=right),
            replace(row, task="liking", target=other, rejected=wrong),
        ]
    return made


def order(base: Path, folder: Path, examples: Sequence[Example], recipe: Recipe = RECIPE) -> Order:
    return Order(
        task=LIKING,
        beside=(tiny.ROUTING, SAYING),
        start=Start(base=str(base)),
        examples=examples,
        labels=tiny.LABELS,
        recipe=recipe,
        folder=folder,
    )


def right(base: Path, trained: Trained, task: Task) -> float:
    """The share of unseen requests of a task that are answered as they should be."""
    backend = LocalBackend(str(base))
    version = Version(id="v", task="", time=0.0, base="", kind=trained.kind, labels=trained.labels)
    backend.load(version, trained.weights)
    wanted = [row for row in rows(each=10, seed=9) if row.task == task.name]
    asked = [Request(task=task, text=row.text, version="v", max_tokens=12) for row in wanted]
    said = backend.reply(asked)
    return sum(reply.text == row.target for reply, row in zip(said, wanted, strict=True)) / len(wanted)


@pytest.fixture(scope="module")
def all_three(llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """One adapter that learned all three tasks in one run."""
    return train(order(llama, tmp_path_factory.mktemp("mixed"), rows()))


@pytest.mark.slow
def test_one_adapter_learns_labels_replies_and_preferences(llama: Path, tmp_path: Path, shown: Shown) -> None:
    """Each task's unseen requests are answered in its own way, told apart by the instruction alone."""
    gained = []
    for draw in shown.draws(1):
        trained = train(order(llama, tmp_path / str(draw), rows(seed=draw)))
        told = [right(llama, trained, task) for task in (tiny.ROUTING, SAYING, LIKING)]
        gained.append(sum(told) / 3 - 1 / 3)
    shown.over("share of unseen rows of three tasks answered right, more than by chance", gained, least=0.4)


@pytest.mark.slow
def test_a_task_in_words_goes_on_from_one_of_labels_and_keeps_it(
    llama: Path, all_three: Trained, tmp_path: Path
) -> None:
    """Going on with replies alone, the labels are lost; with a few replayed rows of the other task they are kept, and
    both runs have learned the new replies. The rows of the labels come along either way.
    """
    start = Start(base=str(llama), folder=all_three.weights, kind="lora", labels=all_three.labels)
    new = [row for row in rows(seed=3) if row.task == "saying"]
    old = [replace(row, origin=Origin.REPLAY) for row in rows(seed=0) if row.task == "routing"]
    recipe = replace(RECIPE, penalties=(Divergence(), Ewc(rows=8, weight=0.01)))
    kept = []
    for name, examples in (("alone", new), ("replayed", [*new, *old])):
        base = order(llama, tmp_path / name, examples, recipe)
        trained = train(replace(base, task=SAYING, beside=(tiny.ROUTING,), start=start))
        assert trained.labels == tiny.LABELS
        assert trained.prior == ()
        kept.append(right(llama, trained, tiny.ROUTING))
    assert kept[1] > 0.8
    assert kept[1] > kept[0]


def test_rows_count_as_rows(llama: Path, tmp_path: Path) -> None:
    """The loss of a batch of all sorts is the mean over its rows of what each sort is learned by, and labels compete
    among labels where replies compete with the whole vocabulary.
    """
    ground = prepare(order(llama, tmp_path, rows(each=2))).job.ground
    sorts = alike([*ground.train, *ground.held_out])
    assert [(some[0].free, some[0].rejected is not None) for some in sorts] == [
        (False, False), (True, False), (True, True),
    ]  # fmt: skip
    lesson = Mixed(pairs=Orpo(ratio=0.3)).begin(ground)
    assert lesson.weigh([*ground.train, *ground.held_out]) == 18.0
    for some, wanted in zip(sorts, (Completion(), Completion(), Orpo(ratio=0.3)), strict=True):
        under = ground.under(some)
        assert (under.allowed is None) == some[0].free
        step = Step(under, some)
        assert step.scores.shape[1] == (step.predicted.logits.shape[1] if some[0].free else 3)
        torch.testing.assert_close(lesson(step), wanted(step))
        torch.testing.assert_close(lesson.looked(step), wanted(step))


def test_each_sort_is_made_ready_on_its_own_rows(llama: Path, tmp_path: Path) -> None:
    """An objective that asks the model beforehand asks about pairs alone: rows with one reply are nothing to it."""
    ground = prepare(order(llama, tmp_path, rows(each=2))).job.ground
    lesson = Mixed(pairs=Dpo()).begin(ground)
    pairs = next(some for some in alike(ground.train) if some[0].rejected is not None)
    assert float(lesson(Step(ground.under(pairs), pairs)).detach()) > 0.0


def test_a_label_that_is_none_is_told_for_the_task_that_has_labels(llama: Path, tmp_path: Path) -> None:
    """A reply in words need not be in the label set; a label of a task beside must be."""
    wrong = [Example(text="where is it", target="nowhere", task="routing")]
    with pytest.raises(UnknownLabel, match="'nowhere'"):
        train(order(llama, tmp_path, [*rows(each=2), *wrong]))

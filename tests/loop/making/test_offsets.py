"""Offsets of groups as a part of a training: on rows held out, kept where they help beyond doubt, the same again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_project import tiny_base

from homeostat.config.schema import Config, Tasks, Train
from homeostat.errors import WrongType
from homeostat.llm.backend import Request
from homeostat.llm.load import open_model
from homeostat.llm.local import LocalBackend
from homeostat.llm.offsets import FILE, read_offsets
from homeostat.loop.making.learn import carried_out, fairly, kept_tags
from homeostat.loop.making.offsets import LOST, measured, with_offsets
from homeostat.loop.steps import suited
from homeostat.loop.workshop import Workshop
from homeostat.metrics.fairness import equal_opportunity_difference
from homeostat.train.flops import Size
from homeostat.train.named import named
from homeostat.train.offsets import Held
from homeostat.train.run import Order, Start, Trained
from homeostat.types.dataset import Example
from homeostat.types.task import Kind, Task
from homeostat.types.version import HEAD, Version

TASK, TAG, LABELS = Task(name="desk"), "sender", ("delivery", "refund")
WORDS = {"refund": ["refund", "money", "charged"], "delivery": ["parcel", "courier", "late"]}
FILLERS = (
    *("please", "help", "today", "my", "the", "again", "with", "about", "order"),
    *("question", "hello", "thanks", "since", "morning", "week"),
)
HEADED = replace(named("head", Train()), name="by tag", offset=(TAG,))


def rows(n: int, share: float, seed: int) -> list[Example]:
    """Requests of two labels from two senders; the sender's title goes with the label in a share of them, and one in
    two says nothing else by which to tell.
    """
    rng, made = np.random.default_rng(seed), []
    for k in range(n):
        label = k % 2
        group = label if rng.random() < share else 1 - label
        own = [str(rng.choice(WORDS[LABELS[label]]))] if rng.random() < 0.5 else []
        said = rng.permutation([*own, *rng.choice(FILLERS, 5, replace=False)])
        text = f"{('Mr', 'Ms')[group]} Smith asks {' '.join(said)} {k}"
        made.append(Example(text=text, target=LABELS[label], tags={TAG: "mf"[group]}))
    return made


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_base(tmp_path_factory.mktemp("base")))


def order(base: str, folder: Path, examples: list[Example], **more: Any) -> Order:
    values: dict[str, Any] = {"task": TASK, "recipe": HEADED} | more
    return Order(start=Start(base=base), examples=examples, labels=LABELS, folder=folder, **values)


@pytest.fixture(scope="module")
def trained(base: str, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A head that was taught where titles go with labels in nine of ten rows."""
    return carried_out(order(base, tmp_path_factory.mktemp("trained"), rows(600, 0.9, 0)))


def replies(base: str, trained: Trained, asked: list[Example], *, tagged: bool) -> list[str]:
    backend = LocalBackend(base)
    fields = {"task": TASK.name, "time": 0.0, "base": base, "labels": trained.labels}
    backend.load(Version(id="ver_1", kind=trained.kind, **fields), trained.weights)  # type: ignore[arg-type]
    requests = [Request(task=TASK, text=r.text, version="ver_1", tags=r.tags if tagged else {}) for r in asked]
    return [reply.text for reply in backend.reply(requests)]


def test_a_biased_version_treats_groups_alike_by_their_tags(base: str, trained: Trained) -> None:
    """On rows where titles say nothing of the label: the same weights, asked with tags, treat both alike, and are no
    less right for it; asked without, they follow the title as before. What was measured on rows held out says as much.
    """
    asked = rows(1200, 0.5, 1)
    right, groups = [row.target for row in asked], [row.tags[TAG] for row in asked]
    gaps, accuracy = {}, {}
    for tagged in (False, True):
        said = replies(base, trained, asked, tagged=tagged)
        gaps[tagged] = max(equal_opportunity_difference(said, right, groups, label) for label in LABELS)
        accuracy[tagged] = float(np.mean([mine == target for mine, target in zip(said, right, strict=True)]))
    assert gaps[False] > 0.3
    assert gaps[True] < 0.4 * gaps[False]
    assert accuracy[True] > accuracy[False] - LOST
    found = read_offsets(trained.weights).measured
    assert found["kept"]
    assert found["before"]["gap"][0] > found["after"]["gap"][0] + 0.1
    assert found["narrowed_at_least"] > 0.0
    assert found["rows"] < 600 / 2


def test_what_is_fitted_to_is_not_trained_on(base: str, tmp_path: Path) -> None:
    """The rows that reach the training are the others, and it is told nothing of offsets. What fitting took is added
    to what the version has cost.
    """
    seen: list[Order] = []
    every = rows(300, 0.9, 2)

    def made(given: Order) -> Trained:
        seen.append(given)
        return replace(carried_out(given), cost={"cpu_seconds": 1.0, "steps": 3.0})

    found = with_offsets(order(base, tmp_path, every), made)
    (given,) = seen
    assert given.recipe.offset == ()
    assert len(given.examples) == len(every) - read_offsets(found.weights).measured["rows"]
    assert found.cost["cpu_seconds"] > 1.0
    assert found.cost["steps"] == 3.0
    assert found.kind == HEAD


@pytest.mark.slow
def test_the_same_order_leaves_the_same_bytes(base: str, trained: Trained, tmp_path: Path) -> None:
    """So that a version can be made again, and is signed and gated as a whole."""
    again = carried_out(order(base, tmp_path, rows(600, 0.9, 0)))
    assert {p.name: p.read_bytes() for p in again.weights.iterdir()} == {
        p.name: p.read_bytes() for p in trained.weights.iterdir()
    }


@pytest.mark.slow
def test_where_groups_are_alike_nothing_is_added(base: str, tmp_path: Path) -> None:
    """Titles that say nothing of the label leave nothing to narrow; the version says why it adds nothing."""
    found = read_offsets(carried_out(order(base, tmp_path, rows(600, 0.5, 3))).weights)
    assert (found.shifts, found.deciding, found.measured["kept"]) == ((), (), False)
    assert "not beyond doubt" in found.measured["because"]


@pytest.mark.slow
def test_rows_without_tags_are_all_trained_on(base: str, tmp_path: Path) -> None:
    """The version is that of the plain recipe, but for a file that says so."""
    bare = [replace(row, tags={}) for row in rows(100, 0.9, 4)]
    with_file = carried_out(order(base, tmp_path / "a", bare))
    plain = carried_out(order(base, tmp_path / "b", bare, recipe=replace(HEADED, offset=())))
    files = {p.name: p.read_bytes() for p in with_file.weights.iterdir() if p.name != FILE}
    assert files == {p.name: p.read_bytes() for p in plain.weights.iterdir()}
    assert read_offsets(with_file.weights).measured["rows"] == 0


def test_texts_have_no_thresholds(base: str, tmp_path: Path) -> None:
    """It is said before anything is trained."""
    with pytest.raises(WrongType, match="replies with text"):
        carried_out(order(base, tmp_path, rows(4, 0.9, 0), task=replace(TASK, kind=Kind.TEXT)))


def table(gaps: tuple[float, float], n: int = 60, seed: int = 0) -> tuple[Held, np.ndarray]:
    """Rows of two groups and labels that a version tells right in 80 % of those of its favorite label and in less of
    the other, before and after.
    """
    rng = np.random.default_rng(seed)
    group, target = np.arange(4 * n) // (2 * n), np.arange(4 * n) % 2
    sides = []
    for gap in gaps:
        right = rng.random(4 * n) < np.where(group == target, 0.85, 0.85 - gap)
        said = np.where(right, target, 1 - target)
        sides.append(np.log(np.where(said[:, None] == np.arange(2), 0.9, 0.1)))
    return Held(sides[0], target, group), sides[1]


@pytest.mark.parametrize(("gaps", "kept"), [((0.45, 0.02), True), ((0.45, 0.43), False), ((0.05, 0.0), False)])
def test_they_are_kept_where_they_narrow_the_gap_beyond_doubt(gaps: tuple[float, float], kept: bool) -> None:
    """A wide gap that is closed; not one that is as wide as before, nor one that may have been chance."""
    found = measured(*table(gaps), LABELS, ("m", "f"))
    assert found["kept"] is kept
    assert set(found["before"]) == {"label", "gap", "rows", "most", "least"}
    assert (found["narrowed_at_least"] > 0.0) is kept


def test_they_are_not_kept_where_they_cost_too_much() -> None:
    """Groups that are alike because all are answered wrongly are not what is wanted."""
    held, _ = table((0.45, 0.0))
    wrong = np.log(np.where((1 - held.target)[:, None] == np.arange(2), 0.9, 0.1))
    found = measured(held, wrong, LABELS, ("m", "f"))
    assert found["after"]["gap"][0] == 0.0
    assert not found["kept"]
    assert "points of accuracy" in found["because"]
    assert found["accuracy_after"] == 0.0


def test_too_few_rows_of_a_group_say_nothing() -> None:
    """Nine rows of each group and label: nothing is measured, so nothing is kept."""
    found = measured(*table((0.45, 0.0), n=9), LABELS, ("m", "f"))
    assert found["kept"] is False
    assert "no label has" in found["because"]


def test_tasks_that_cannot_have_them_pass_them_over(tmp_path: Path) -> None:
    """Attempts are those of all tasks: one that writes texts, or is held to nothing, is tried without; one that has a
    head for a champion with them, as they begin at the bare base.
    """
    tasks = {
        "desk": Tasks(fair={TAG: 0.1}),
        "plain": Tasks(),
        "letters": Tasks(kind=Kind.TEXT, fair={TAG: {"accuracy": 0.1}}),
    }
    train = Train(attempts=("careful", "thresholds"))
    with closing(Workshop.open(Config(folder=str(tmp_path), tasks=tasks, train=train))) as shop:
        champions = [Version(id=f"ver_{name}", task=name, time=0.0, base="builtin") for name in tasks]
        assert [suited(shop, one) for one in champions] == [("careful", "thresholds"), ("careful",), ("careful",)]
        heads = [replace(one, kind=HEAD) for one in champions]
        assert [suited(shop, one) for one in heads] == [("head", "thresholds"), ("head",), ("head",)]


def test_tags_stand_in_for_fair() -> None:
    """As where rows are weighed: the task's own, beside others that are named; rows keep them, and a task that names
    none is told so. What would be trained on in a copy is no recipe.
    """
    config = Config(tasks={"desk": Tasks(fair={"a": 0.1})})
    recipe = replace(named("thresholds", Train()), offset=("fair", "b"))
    assert fairly(config, "desk", recipe).offset == ("a", "b")
    assert kept_tags(config, "desk", recipe) == ("a", "b")
    with pytest.raises(WrongType, match="goes by no tag"):
        fairly(Config(tasks={"desk": Tasks()}), "desk", recipe)
    for other in ({"swap": "english"}, {"disturb": ["typos"]}):
        with pytest.raises(WrongType, match="copies of these"):
            named("mine", Train(recipes={"mine": {"like": "thresholds", **other}}))


def test_asking_about_rows_held_out_counts(base: str, tmp_path: Path) -> None:
    """The operations are those of the training and of asking about the rows that offsets are fitted to."""
    some, plain = rows(600, 0.9, 0), list[Trained]()

    def made(left: Order) -> Trained:
        plain.append(carried_out(left))
        return plain[-1]

    found = with_offsets(order(base, tmp_path, some), made)
    offsets = read_offsets(found.weights)
    assert offsets is not None
    asked = found.cost["flops"] - plain[0].cost["flops"]
    size = Size.of(open_model(base).model)
    assert asked > offsets.measured["rows"] * size.forward(5, 25, 1)
    none = with_offsets(order(base, tmp_path / "untagged", [replace(row, tags={}) for row in some[:60]]), made)
    assert none.cost["flops"] == plain[1].cost["flops"]

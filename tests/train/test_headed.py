"""From texts and numbers, labels or tags to a folder that answers: learned, composed, resumed, and refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import tiny
from homeostat.config.schema import Train
from homeostat.errors import BadTarget, HomeostatError, NothingToTrainOn, UnknownLabel, UnsuitedModel
from homeostat.llm.adapters import ADAPTER
from homeostat.llm.backend import Request
from homeostat.llm.head import FILE, HeadedModel
from homeostat.llm.local import LocalBackend
from homeostat.metrics.regression import mean_absolute_error, r_squared
from homeostat.metrics.replies import agreement, number, tags, written_number, written_tags
from homeostat.metrics.tags import micro_f1
from homeostat.train.adapt.lora import Lora
from homeostat.train.headed import HeadOrder, train_head, train_version
from homeostat.train.named import named
from homeostat.train.objectives.classes.focal import Focal
from homeostat.train.objectives.heads.estimated import Estimated
from homeostat.train.order.curriculum import Curriculum
from homeostat.train.order.difficulty import Length
from homeostat.train.order.trimmed import Trimmed
from homeostat.train.penalties.l2_pull import L2Pull
from homeostat.train.penalties.r_drop import RDrop
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start
from homeostat.types.dataset import Example
from homeostat.types.version import HEAD, Version

QUICK = Recipe(adapt=Lora(rank=4), lr=1e-2, epochs=8, batch_rows=16, looks=4, patience=4)
Ordered = Callable[..., HeadOrder]


def words(text: str, label: str) -> int:
    """How many of a label's words a text has."""
    return sum(word in tiny.WORDS[label] for word in text.split())


@pytest.fixture
def order(llama: Path, tmp_path: Path) -> Ordered:
    """An order of labels, or of what is said otherwise."""

    def make(form: str = "label", **more: Any) -> HeadOrder:
        rows = [(row.text, row.target) for row in tiny.examples(each=24)]
        plain = HeadOrder(
            base=str(llama), rows=rows, form=form, names=tiny.LABELS, folder=tmp_path / "run", recipe=QUICK
        )
        return replace(plain, **more)

    return make


def test_labels_are_learned_with_an_adapter(order: Ordered) -> None:
    """Unseen requests are told right, by a head and an adapter trained together that lie in one folder; what it cost is
    told.
    """
    seen = [(row.text, row.target) for row in tiny.examples(each=60)]
    made = order(instruction="route", rows=seen)
    trained = train_head(made)
    assert sorted(p.name for p in trained.weights.glob("*.safetensors")) == [ADAPTER, FILE]
    model = HeadedModel.open(made.base, trained.weights)
    rows = tiny.examples(each=20, seed=5)
    right = [a == row.target for a, row in zip(model.label([r.text for r in rows]), rows, strict=True)]
    assert np.mean(right) > 0.8
    assert {"flops", "cpu_seconds", "steps", "best_step", "held_out"} < set(trained.cost)
    assert min(trained.cost[name] for name in ("flops", "cpu_seconds", "wall_seconds", "steps", "held_out", "lr")) > 0


def test_tags_are_learned(order: Ordered) -> None:
    """Requests that are about two things get both tags, others one, and filler alone none."""

    def made(seed: int) -> list[tuple[str, tuple[str, ...]]]:
        columns = [tiny.texts(label, 30, seed) for label in tiny.LABELS]
        both = [(f"{a} {b}", tiny.LABELS[:2]) for a, b in zip(columns[0], columns[1], strict=True)]
        one = [(text, (label,)) for label, texts in zip(tiny.LABELS, columns, strict=True) for text in texts]
        return [*both, *one, *((" ".join(tiny.FILLER[k : k + 5]), ()) for k in range(10))]

    trained = train_head(order("tags", rows=made(0), recipe=replace(QUICK, epochs=12)))
    rest = made(3)
    model = HeadedModel.open(order().base, trained.weights)
    told = model.tags([text for text, _ in rest])
    assert micro_f1(told, [tags for _, tags in rest]) > 0.85
    assert {0, 1, 2} <= set(map(len, told))


@pytest.mark.slow
def test_numbers_are_told_in_their_own_units(order: Ordered) -> None:
    """Prices in the thousands and shares below one are learned side by side, and told as such."""
    texts = [text for label in tiny.WORDS for text in tiny.texts(label, 30, 2)]
    prices = [5000.0 + 300.0 * len(text.split()) for text in texts]
    shares = [words(text, "broken_pump") / len(text.split()) for text in texts]
    made = order(
        "numbers",
        rows=[(t, [p, s]) for t, p, s in zip(texts, prices, shares, strict=True)],
        names=("price", "share"),
        recipe=replace(QUICK, objective=Estimated(delta=1.0), epochs=16),
    )
    trained = train_head(made)
    told = HeadedModel.open(made.base, trained.weights).tell(texts)
    assert r_squared(told[:, 0].tolist(), prices) > 0.8
    assert r_squared(told[:, 1].tolist(), shares) > 0.8
    assert mean_absolute_error(told[:, 0].tolist(), prices) < 300


def test_a_number_that_never_changes(order: Ordered) -> None:
    """Rows that all have one number are learned as that number, in whatever unit."""
    rows = [(row.text, 7.5) for row in tiny.examples(each=8)]
    made = order("numbers", rows=rows, names=("value",), ahead=1.0)
    told = HeadedModel.open(made.base, train_head(made).weights).tell(["my pump", "hello"])
    np.testing.assert_allclose(told, 7.5, atol=0.2)


def test_it_composes_with_penalties_and_orders(order: Ordered) -> None:
    """A strong pull to where it began keeps adapter and head near to it, beside an order of rows by length."""
    moved = {}
    for name, pull in (("free", 0.0), ("held", 1e4)):
        recipe = replace(
            QUICK, penalties=(L2Pull(weight=pull),), order=Curriculum(difficulty=Length()), lr=1e-3, looks=1
        )
        trained = train_head(order(recipe=recipe, folder=order().folder / name))
        moved[name] = float(load_file(trained.weights / FILE)["layers.0.weight"].norm())
    assert moved["held"] < 0.3 * moved["free"]


def test_a_run_that_was_ended_goes_on(order: Ordered) -> None:
    """Ended in the middle and begun again, it leaves the same bytes as a run that was not disturbed."""
    whole = train_head(order(folder=order().folder / "whole"))

    class Ended(Exception):
        pass

    def end(values: dict[str, float]) -> None:
        if values["step"] > 10:
            raise Ended

    with pytest.raises(Ended):
        train_head(order(report=end))
    again = train_head(order())
    for name in (FILE, ADAPTER):
        assert (again.weights / name).read_bytes() == (whole.weights / name).read_bytes()


@pytest.mark.parametrize("family", ["bert", "t5"])
def test_other_families(family: str, order: Ordered, tmp_path: Path) -> None:
    """A head learns on an encoder and on a sequence-to-sequence model too."""
    base = str(getattr(tiny, family)(tmp_path / family))
    made = order(base=base, recipe=replace(QUICK, epochs=12, lr=2e-2))
    model = HeadedModel.open(base, train_head(made).weights)
    rows = tiny.examples(each=12, seed=5)
    right = [a == row.target for a, row in zip(model.label([r.text for r in rows]), rows, strict=True)]
    assert np.mean(right) > 0.6


def test_a_frozen_base_stays_as_it_is(order: Ordered, llama: Path) -> None:
    """With the head alone, only the head is written, and it looks at the base's own states."""
    trained = train_head(order(ahead=1.0))
    assert [path.name for path in trained.weights.iterdir()] == [FILE]
    torch.manual_seed(1)
    assert HeadedModel.open(str(llama), trained.weights).head.shape.kind == "base"


BAD: list[tuple[str, dict[str, Any], type[HomeostatError], str]] = [
    ("label", {"rows": [("x", "refund_reqest")]}, UnknownLabel, "did you mean 'refund_request'"),
    ("tags", {"rows": [("x", ("late_delivery", "wet"))]}, UnknownLabel, "row 1"),
    ("label", {"rows": [("x", ("late_delivery", "broken_pump"))]}, BadTarget, "one label"),
    ("label", {"rows": []}, NothingToTrainOn, "no rows"),
    ("numbers", {"rows": [("x", 1.0)]}, BadTarget, "3 numbers"),
    ("numbers", {"rows": [("x", float("nan"))], "names": ("a",)}, BadTarget, "1 numbers"),
    ("numbers", {"rows": [("x", "much")], "names": ("a",)}, BadTarget, "'much'"),
    ("number", {}, UnsuitedModel, "did you mean 'numbers'"),
    ("label", {"pool": "first"}, UnsuitedModel, "'first' is no pool"),
    ("label", {"recipe": replace(QUICK, objective=Estimated())}, UnsuitedModel, "use `classified`"),
    ("tags", {"recipe": replace(QUICK, objective=Focal())}, UnsuitedModel, "use `tagged`"),
    ("label", {"recipe": replace(QUICK, penalties=(L2Pull(), RDrop()))}, UnsuitedModel, "`r_drop` goes by"),
    ("label", {"recipe": replace(QUICK, order=Trimmed())}, UnsuitedModel, "finds all alike"),
]


@pytest.mark.parametrize(("form", "more", "error", "said"), BAD)
def test_what_cannot_be_learned(
    form: str, more: dict[str, Any], error: type[HomeostatError], said: str, order: Ordered
) -> None:
    """Labels that are none, numbers that are none or too few, and a form, a pool or an objective that does not fit are
    told of before anything is opened or written.
    """
    made = order(form, **more)
    with pytest.raises(error, match=said):
        train_head(made)
    assert not made.folder.exists()


def test_wrong_numbers_do_not_set_the_unit(order: Ordered) -> None:
    """One number in ten that is a thousand times too large leaves the unit at the spread of the others."""
    rows = [(row.text, 1000.0 if k % 10 == 0 else float(k % 7)) for k, row in enumerate(tiny.examples(each=24))]
    trained = train_head(order("numbers", rows=rows, names=("value",), ahead=1.0))
    kept = load_file(trained.weights / FILE)
    assert 1.0 < float(kept["spread"]) < 5.0
    assert 2.0 <= float(kept["shift"]) <= 4.0


def test_a_number_far_out_is_no_divergence(order: Ordered) -> None:
    """One held-out number a thousand spreads out, squared, is not taken for a run that has run away."""
    rows = [(row.text, float(k % 5)) for k, row in enumerate(tiny.examples(each=8))]
    for k in range(len(rows)):
        far = [(text, 5000.0 if j == k else number) for j, (text, number) in enumerate(rows)]
        made = order("numbers", rows=far, names=("value",), ahead=1.0, folder=order().folder / str(k))
        if train_head(replace(made, recipe=replace(QUICK, epochs=2))).cost["held_out"] > 1e4:
            return
    raise AssertionError("no held-out row was far out")


MINUTES = {"refund_request": 10.0, "late_delivery": 40.0, "broken_pump": 90.0}


def written(form: str, seed: int, each: int = 24) -> list[Example]:
    """Requests with what is replied: the minutes that such a one takes, or what it is about and if it is polite."""
    rows = tiny.examples(each=each, seed=seed)
    if form == "numbers":
        return [replace(row, target=written_number(MINUTES[row.target])) for row in rows]
    return [replace(row, target=written_tags({row.target, *({"polite"} & set(polite(row.text)))})) for row in rows]


def polite(text: str) -> tuple[str, ...]:
    return ("polite",) if {"please", "thanks"} & set(text.split()) else ()


@pytest.mark.slow
@pytest.mark.parametrize(("form", "name"), [("numbers", "estimator"), ("tags", "tagger")])
def test_a_version_that_replies_with_a_number_or_tags(llama: Path, tmp_path: Path, form: str, name: str) -> None:
    """From replies in words to a version that the backend asks as any other: unseen requests get nearly the right
    reply, far nearer than any one reply would be to all of them, and just what the head says when it is asked alone.
    """
    recipe = replace(named(name, Train()), adapt=Lora(rank=4), lr=1e-2, epochs=12.0, batch_rows=16)
    order = Order(
        task=replace(tiny.REPLIES, instruction="say"),
        start=Start(base=str(llama)),
        examples=written(form, 0, each=60),
        labels=(),
        recipe=recipe,
        folder=tmp_path,
    )
    made = train_version(order)
    assert (made.kind, made.labels) == (HEAD, ())
    backend = LocalBackend(str(llama))
    version = Version(id="ver_h", task="replies", time=0.0, base=str(llama), kind=HEAD)
    backend.load(version, made.weights)
    rest = written(form, 5)
    replies = backend.reply([Request(task=order.task, text=row.text, version="ver_h") for row in rest])
    near = [agreement(reply.text, row.target) for reply, row in zip(replies, rest, strict=True)]
    best_of_one = max(np.mean([agreement(one.target, row.target) for row in rest]) for one in rest)
    assert np.mean(near) > best_of_one + 0.1
    alone = HeadedModel.open(str(llama), made.weights)
    texts = [row.text for row in rest]
    if form == "tags":
        assert [tags(reply.text) for reply in replies] == [frozenset(told) for told in alone.tags(texts)]
        assert all(0.0 < reply.confidence <= 1.0 and reply.entropy >= 0.0 for reply in replies)
    else:
        told = [number(reply.text) for reply in replies]
        np.testing.assert_allclose(np.array(told, float), alone.tell(texts)[:, 0], rtol=1e-3)
    with pytest.raises(UnsuitedModel, match="tells no labels"):
        backend.reply([Request(task=replace(tiny.ROUTING, labels=tiny.LABELS), text="hi", version="ver_h")])
    backend.unload("ver_h")
    assert backend.loaded() == ()


def test_replies_that_are_no_number_and_no_list(llama: Path, tmp_path: Path) -> None:
    """Rows that a head cannot learn are named, and so is a recipe for a task of another kind."""
    order = Order(
        task=tiny.REPLIES,
        start=Start(base=str(llama)),
        examples=[*written("numbers", 0)[:5], Example(text="and this", target="about an hour")],
        labels=(),
        recipe=named("estimator", Train()),
        folder=tmp_path,
    )
    with pytest.raises(BadTarget, match=r"about an hour.*row 6.*'and this'") as caught:
        train_version(order)
    assert "number, such as" in str(caught.value)
    with pytest.raises(BadTarget, match=r"list of tags.*row 1"):
        train_version(replace(order, recipe=named("tagger", Train())))
    with pytest.raises(UnsuitedModel, match="one of its labels"):
        train_version(replace(order, task=tiny.ROUTING))
    with pytest.raises(UnsuitedModel, match="writes texts"):
        train_version(replace(order, recipe=named("classifier", Train())))


@pytest.mark.slow
@pytest.mark.parametrize("heavy", [0, 1])
def test_rows_count_by_their_weight(order: Ordered, heavy: int) -> None:
    """Every text stands there with two labels; the one that weighs ten times as much is learned, whichever it is."""
    texts = tiny.texts(tiny.LABELS[0], 40, 2)
    rows = [(text, label) for text in texts for label in tiny.LABELS[:2]]
    weights = [10.0 if label == tiny.LABELS[heavy] else 1.0 for _, label in rows]
    trained = train_head(order(rows=rows, names=tiny.LABELS[:2], weights=weights))
    told = HeadedModel.open(order().base, trained.weights).label(tiny.texts(tiny.LABELS[0], 20, 4))
    assert np.mean([label == tiny.LABELS[heavy] for label in told]) > 0.9


@pytest.mark.slow
def test_a_classifier_weighs_rows_by_their_tags(llama: Path, tmp_path: Path) -> None:
    """Three of four rows of each group have one label: weighed, that is no more than chance, and the head is less sure
    of it than one that was trained on the same rows as they are.
    """
    rows = [
        Example(text=f"{name} {word}", target=tiny.LABELS[(k == 3) ^ (name == "adam")], tags={"who": name})
        for name in ("adam", "eve")
        for word in tiny.FILLER
        for k in range(4)
    ]
    sure = {}
    for by in ((), ("who",)):
        recipe = replace(named("classifier", Train(rank=4, epochs=8, held_out=0.1)), lr=1e-2, reweigh=by)
        folder = tmp_path / f"run{len(by)}"
        trained = train_version(
            Order(
                task=tiny.ROUTING,
                start=Start(base=str(llama)),
                examples=rows,
                labels=tiny.LABELS[:2],
                recipe=recipe,
                folder=folder,
            )
        )
        backend = LocalBackend(str(llama))
        version = Version(id="ver_1", task="routing", time=0.0, base=str(llama), kind=HEAD, labels=trained.labels)
        backend.load(version, trained.weights)
        asked = [Request(task=tiny.ROUTING, text=f"{name} hello", version="ver_1") for name in ("adam", "eve")]
        one, other = (np.exp(scores) for scores in backend.score(asked))
        sure[by] = abs(float(one[0] - other[0]))
    assert sure[()] > 0.3
    assert sure[("who",)] < sure[()] / 2


def test_all_that_a_head_took_is_told(order: Ordered, llama: Path, tmp_path: Path) -> None:
    """As of any run: with what was done before the first step, after the last one and in asking how far it has moved,
    and with a rate that suits the base where the recipe names none.
    """
    made = order(recipe=replace(QUICK, epochs=1, looks=1))
    began = time.process_time()
    cost = train_head(made).cost
    assert cost["cpu_seconds"] == pytest.approx(time.process_time() - began, rel=0.1, abs=0.05)
    assert {"padding", "back_offs", "skipped", "part_rows", "cut", "lr", "wall_seconds"} <= set(cost)
    assert cost["lr"] == QUICK.lr
    recipe = replace(named("classifier", Train()), adapt=Lora(rank=2), lr=0.0, epochs=1.0, batch_rows=16)
    version = Order(
        task=tiny.ROUTING,
        start=Start(base=str(llama)),
        examples=tiny.examples(each=24),
        labels=tiny.LABELS,
        recipe=recipe,
        folder=tmp_path / "version",
    )
    again = replace(
        version,
        folder=tmp_path / "again",
        champion=Start(base=str(llama), folder=train_version(version).weights, kind=HEAD, labels=tiny.LABELS),
    )
    began = time.process_time()
    cost = train_version(again).cost
    assert cost["cpu_seconds"] == pytest.approx(time.process_time() - began, rel=0.1, abs=0.05)
    assert cost["lr"] > 0.0

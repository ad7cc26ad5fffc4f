"""Versions of a store asked together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.config.schema import Config, Model, Tasks
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.errors import NothingToTrainOn, NotReleasable, UnknownLabel, UnsuitedModel
from homeostat.llm.backend import Request
from homeostat.loop.making.ensemble import by_slice, gathered, measured, route
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.registry import register
from homeostat.train.adapt.full import Full
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.types.task import Kind
from homeostat.types.version import Version


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ensemble")


@pytest.fixture(scope="module")
def shop(folder: Path) -> Iterator[Workshop]:
    """Two adapters on the project's base, and a whole model that stands on a smaller base of its own, with another
    tokenizer.
    """
    base = tiny.llama(folder / "base")
    small = tiny.llama(folder / "small", tokenizer=tiny.chat_tokenizer(codes=8), hidden=32, layers=1, seed=3)
    tasks = {"routing": Tasks(instruction="route"), "replies": Tasks(kind=Kind.TEXT)}
    opened = Workshop.open(Config(project="p", folder=str(folder / "p"), model=Model(base=str(base)), tasks=tasks))
    for seed, (where, recipe) in enumerate(
        [
            (base, Recipe(lr=8e-3, max_steps=12, looks=1, batch_rows=10)),
            (base, Recipe(lr=8e-3, max_steps=12, looks=1, batch_rows=10, seed=1)),
            (small, Recipe(lr=8e-3, max_steps=60, epochs=20, looks=1, batch_rows=10, adapt=Full())),
        ]
    ):
        order = Order(
            task=opened.config.task("routing"),
            start=Start(base=str(where)),
            examples=tiny.examples(each=10, seed=seed),
            labels=tiny.LABELS,
            recipe=recipe,
            folder=folder / f"run{seed}",
        )
        made = train(order)
        version = Version(
            id=f"ver_{seed}", task="routing", time=0.0, base=str(where), kind=made.kind, labels=made.labels
        )
        register(opened.store, version, made.weights)
    yield opened
    opened.close()


DOMAINS = {"parcels": ("refund_request", "late_delivery"), "machines": ("broken_pump", "wrong_bill", "light_out")}


@pytest.fixture(scope="module")
def domains(shop: Workshop, folder: Path) -> list[Version]:
    """Two adapters on the project's base, each of which has learned the labels of its own domain."""
    made = []
    for name, labels in DOMAINS.items():
        rows = tiny.examples(labels, each=80)
        curated = Curated(examples=tuple(rows), labels=labels)
        dataset = store_dataset(shop.store, curated, task="routing", turn=name, now=0.0)
        order = Order(
            task=shop.config.task("routing"),
            start=Start(base=shop.config.model.base),
            examples=rows,
            labels=labels,
            recipe=Recipe(lr=8e-3, epochs=6, looks=1, batch_rows=10),
            folder=folder / name,
        )
        trained = train(order)
        version = Version(
            id=f"ver_{name}",
            task="routing",
            time=0.0,
            base=shop.config.model.base,
            kind=trained.kind,
            labels=labels,
            dataset=dataset.id,
        )
        register(shop.store, version, trained.weights)
        made.append(shop.store.versions.get(version.id))
    return made


def versions(shop: Workshop, *numbers: int) -> list[Version]:
    return [shop.store.versions.get(f"ver_{number}") for number in numbers]


def exams(each: int = 15) -> list[Exam]:
    return [Exam(text=text, target=label, time=0.0) for label in tiny.LABELS for text in tiny.texts(label, each, 5)]


def test_members_answer_as_they_do_alone(shop: Workshop) -> None:
    """Also one that stands on another base, which reads requests with a tokenizer of its own."""
    task, texts = shop.config.task("routing"), [exam.text for exam in exams(4)]
    with gathered(shop, versions(shop, 0, 1, 2)) as ensemble:
        own = [opinion.members for opinion in ensemble.reply([Request(task=task, text=t, version="") for t in texts])]
    for k, version in enumerate(versions(shop, 0, 1, 2)):
        assert [members[k] for members in own] == [reply.text for reply in shop.answers(task, version, texts)]


def test_a_student_on_another_base_answers_as_its_own_model(shop: Workshop) -> None:
    """A model whose tokenizer is not the project's is read with its own: it tells most labels right."""
    rows = exams()
    replies = shop.answers(shop.config.task("routing"), versions(shop, 2)[0], [row.text for row in rows])
    assert np.mean([reply.text == row.target for reply, row in zip(replies, rows, strict=True)]) > 0.6


def test_the_sheet_holds_every_member_and_every_way(shop: Workshop) -> None:
    """On the same rows, by the metrics of a version."""
    found = measured(shop, versions(shop, 0, 1), exams())
    assert [line.name for line in found.lines] == ["ver_0", "ver_1", "mean", "vote", "product", "slice"]
    assert {line.accuracy.n for line in found.lines} == {45}


def test_a_request_goes_to_the_version_that_was_trained_for_its_like(shop: Workshop, domains: list[Version]) -> None:
    """Fresh rows of each domain are answered by its own adapter, and more of them rightly than by any other way."""
    rows = [
        Exam(text=text, target=label, time=0.0)
        for labels in DOMAINS.values()
        for label in labels
        for text in tiny.texts(label, 25, 5)
    ]
    found = {line.name: line.accuracy.mean for line in measured(shop, domains, rows).lines}
    assert found["routed"] > max(found["ver_parcels"], found["ver_machines"]) + 0.15
    assert found["routed"] > found["mean"] + 0.1
    task = shop.config.task("routing")
    with shop.loaded(*domains) as backend:
        who = route(shop, backend, domains)([Request(task=task, text=row.text, version="") for row in rows])
    own = np.repeat([0, 1], [50, 75])
    assert np.mean(who == own) > 0.75


def test_a_routed_ensemble_replies_with_the_word_of_one(shop: Workshop, domains: list[Version]) -> None:
    """The reply is that of the member the request goes to, whatever the others say."""
    task, texts = shop.config.task("routing"), tiny.texts("broken_pump", 10, 5) + tiny.texts("refund_request", 10, 5)
    requests = [Request(task=task, text=text, version="") for text in texts]
    with gathered(shop, domains, "routed") as ensemble:
        opinions, logs = ensemble.reply(requests), ensemble.each(requests)
        with_mean = ensemble.combined(requests, logs)
    assert [ensemble.labels[k] for k in with_mean.argmax(1)] == [opinion.text for opinion in opinions]
    assert all(opinion.text in {*opinion.members, *ensemble.labels} for opinion in opinions)
    assert sum(opinion.text == opinion.members[k < 10] for k, opinion in enumerate(opinions)) >= 17


def test_versions_of_unknown_rows_are_not_routed_to(shop: Workshop) -> None:
    """Where nobody knows what a version was trained on, there is no such line, and asking for it says why."""
    assert "routed" not in [line.name for line in measured(shop, versions(shop, 0, 1), exams(4)).lines]
    with (
        pytest.raises(NothingToTrainOn, match="ver_0 learned 0 new rows"),
        gathered(shop, versions(shop, 0, 1), "routed"),
    ):
        pass


def test_no_row_has_a_say_in_who_answers_it() -> None:
    """The member for a slice is chosen on the other half: changing a row's right label leaves its own answer alone."""
    draw = np.random.default_rng(0)
    raw = draw.normal(size=(3, 60, 4)) * 2
    logs = raw - np.log(np.exp(raw).sum(-1, keepdims=True))
    target = draw.integers(0, 4, 60)
    before = by_slice(logs, target)
    for row in range(8):
        changed = np.array(target)
        changed[row] = (changed[row] + 1) % 4
        assert np.array_equal(by_slice(logs, changed)[row], before[row])
    assert all(any(np.array_equal(before[k], logs[m, k]) for m in range(3)) for k in range(60))


def test_what_cannot_answer_as_one(shop: Workshop) -> None:
    """Versions of two tasks, of a task of texts, or without labels are refused before a model is asked."""
    one, two = versions(shop, 0, 1)
    for changed, error in (
        ([one, replace(two, task="replies")], NotReleasable),
        ([replace(one, task="replies"), replace(two, task="replies")], UnsuitedModel),
        ([one, replace(two, labels=())], UnknownLabel),
    ):
        with pytest.raises(error), gathered(shop, changed):
            pass

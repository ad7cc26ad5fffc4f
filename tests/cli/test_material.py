"""What a candidate is trained on by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cli.scenes import START, request, stream, version
from homeostat.cli.material import (
    Material,
    goes_on,
    left_of,
    of_dataset,
    of_log,
    of_source,
    of_stream,
    require_known_labels,
    wanted,
)
from homeostat.collect.stream import read_stream
from homeostat.config.load import load
from homeostat.curate.snapshot import examples
from homeostat.curate.suspect import Suspicion
from homeostat.errors import (
    EmptyStream,
    NotFound,
    NothingToTrainOn,
    UnknownKey,
    UnknownLabel,
    UnknownPlugin,
    UnsuitedModel,
)
from homeostat.loop.listening.held import hold, release
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.registry import promote
from homeostat.train.named import NAMES, named
from homeostat.train.recipe import Recipe
from homeostat.types.dataset import Origin
from homeostat.types.task import Task

TASK = Task(name="routing")


@pytest.fixture
def workshop(shop: Path) -> Iterator[Workshop]:
    """The project's workshop; no model is opened in it."""
    opened = Workshop.open(load(shop))
    yield opened
    opened.close()


def test_what_is_left_of_a_stream_is_told_where_nothing_is(workshop: Workshop, tmp_path: Path) -> None:
    """With the file, the task, and how many rows each step of curating has left."""
    rows = [{"text": f"{k} " + "word " * 2000, "label": "ab"[k % 2], "time": START + k} for k in range(12)]
    file = tmp_path / "long.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(NothingToTrainOn, match="rows is left to learn from") as caught:
        of_stream(workshop, TASK, file, named("joint", workshop.config.train), None)
    assert (str(file) in caught.value.where, "routing" in caught.value.where) == (True, True)
    assert "cleaned 0" in caught.value.fix


def test_test_rows_and_the_suite_are_fenced(workshop: Workshop, tmp_path: Path) -> None:
    """Neither the stream's own test rows nor the task's suite are learned."""
    file = stream(tmp_path / "s.jsonl", 40)
    rows, _ = read_stream(file)
    workshop.put_suite("routing", [Exam(text=rows[0].text, target=rows[0].label, time=START)])
    learned = {example.text for example in of_stream(workshop, TASK, file, Recipe(), None).examples}
    assert rows[0].text not in learned
    assert learned
    assert not learned & {row.text for row in rows if row.split == "test"}


@pytest.mark.parametrize("split", ["history", "live"])
def test_rows_of_one_split_are_enough(workshop: Workshop, tmp_path: Path, split: str) -> None:
    """Training by hand needs rows to learn from, and no others; where all are for testing there are none."""
    assert of_stream(workshop, TASK, stream(tmp_path / "s.jsonl", 40, split=split), Recipe(), None).examples
    with pytest.raises(EmptyStream, match="all 40 rows are for testing"):
        of_stream(workshop, TASK, stream(tmp_path / "t.jsonl", 40, split="test"), Recipe(), None)


def test_what_the_log_was_told_is_learned_too(workshop: Workshop, tmp_path: Path) -> None:
    """Feedback since the champion's dataset is in the material beside the stream."""
    request(workshop.store, 1, "", said="a new label")
    material = of_stream(workshop, TASK, stream(tmp_path / "s.jsonl", 40), Recipe(), None)
    assert "a new label" in material.labels
    assert any(example.interaction == "int_0001" for example in material.examples)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"domain", "repair", "student"} - {"estimator", "tagger"}))
def test_who_begins_anew_learns_what_is_remembered(workshop: Workshop, tmp_path: Path, name: str) -> None:
    """From a stream as from the log: a run that does not go on from the champion learns its rows as new ones, and its
    labels keep their codes; one that goes on replays and recalls them.
    """
    told(workshop, {"language": 0.1})
    old, new = stream(tmp_path / "old.jsonl", split="history"), tmp_path / "new.jsonl"
    lines = [{"text": f"water is leaking from pump {k}", "label": "leak", "time": START + 9999 + k} for k in range(8)]
    new.write_text("".join(json.dumps(line | {"split": "live"}) + "\n" for line in lines))
    taught = of_stream(workshop, TASK, old, Recipe(warm_start=False), None)
    parent = version(workshop.store, "first", kind="lora", labels=taught.labels, dataset=taught.keep().id)
    recipe = named(name, workshop.config.train, where="--recipe")
    if recipe.only_wrong:
        with pytest.raises(UnsuitedModel, match="nobody has replied to a stream's rows"):
            of_stream(workshop, TASK, new, recipe, parent)
        return
    rows = [row for row in of_stream(workshop, TASK, new, recipe, parent).examples if not row.disturbed]
    anew = [row for row in rows if row.origin is Origin.NEW]
    known = {row.text for row in taught.examples}
    if goes_on(recipe, parent):
        assert [row.text for row in anew] == [line["text"] for line in lines]
    else:
        assert {row.text for row in rows} == known | {line["text"] for line in lines}
        assert anew == rows
    assert of_stream(workshop, TASK, new, recipe, parent).labels == (*taught.labels, "leak")


def test_what_is_held_back_is_not_learned_by_hand(workshop: Workshop, tmp_path: Path) -> None:
    """Doubted statements teach nothing, from the log and beside a stream; released ones count from then on."""
    for number in range(4):
        request(workshop.store, number, "", said=("refund", "delivery")[number % 2])
    found = Suspicion(group="g", held=("fbk_0001",), contradicting=1, n=1, p=1e-9, since=START, until=START)
    hold(workshop.store, TASK.name, "ver_one", found)
    file = stream(tmp_path / "s.jsonl")

    def learned(source: str) -> set[str]:
        rows = of_source(workshop, TASK, source, Recipe(), None).examples
        return {row.interaction for row in rows} - {""}

    for source in ("", str(file)):
        assert learned(source) == {"int_0000", "int_0002", "int_0003"}
    known = of_log(workshop, TASK, Recipe(), None)
    parent = version(workshop.store, "two", kind="lora", labels=known.labels, dataset=known.keep().id)
    release(workshop.store, TASK.name, "g", START + 999)
    assert learned("") == {f"int_000{k}" for k in range(4)}
    new = [row for row in of_log(workshop, TASK, Recipe(), parent).examples if row.origin is Origin.NEW]
    assert [row.interaction for row in new] == ["int_0001"]


def test_corrections_are_of_wrong_replies(workshop: Workshop) -> None:
    """By hand as in a turn: of what the log was told only where the reply was another one."""
    for number in range(4):
        request(workshop.store, number, "", said=("refund", "delivery")[number % 2])  # each was answered `refund`
    naive, wrong = (named(name, workshop.config.train) for name in ("naive", "corrections"))
    assert len(of_log(workshop, TASK, naive, None).examples) == 4
    assert {row.target for row in of_log(workshop, TASK, wrong, None).examples} == {"delivery"}


def test_nothing_is_written_before_it_is_kept(workshop: Workshop, tmp_path: Path) -> None:
    """Looking at the material leaves the store alone; keeping it twice keeps one dataset."""
    material = of_stream(workshop, TASK, stream(tmp_path / "s.jsonl", 40), Recipe(), None)
    assert workshop.store.datasets.list() == []
    kept = material.keep()
    assert material.keep() == kept
    assert [one.id for one in workshop.store.datasets.list()] == [kept.id]
    assert of_dataset(workshop, TASK, kept.id, Recipe()).examples == list(material.examples)


def test_a_dataset_of_another_task_is_refused(workshop: Workshop, tmp_path: Path) -> None:
    """A dataset is learned by its own task alone."""
    kept = of_stream(workshop, TASK, stream(tmp_path / "s.jsonl", 40), Recipe(), None).keep()
    with pytest.raises(NotFound, match="is a dataset of task 'routing'"):
        of_dataset(workshop, Task(name="replies"), kept.id, Recipe())


def test_a_champion_never_loses_a_label(workshop: Workshop) -> None:
    """Going on from a champion needs its labels, in its order; starting anew does not."""
    parent = version(workshop.store, "first", labels=("a", "b"))
    older = Material(examples=(), labels=("a",), keep=lambda: pytest.fail("kept"))
    with pytest.raises(UnknownLabel) as caught:
        require_known_labels(older, Recipe(), parent)
    assert caught.value.where == "it lacks b"
    with pytest.raises(UnknownLabel, match="other labels"):
        require_known_labels(replace(older, labels=("b", "a")), Recipe(), parent)
    require_known_labels(older, Recipe(warm_start=False), parent)
    require_known_labels(replace(older, labels=("a", "b", "c")), Recipe(), parent)
    require_known_labels(older, Recipe(), None)


def test_a_source_is_a_dataset_or_a_stream(workshop: Workshop, tmp_path: Path) -> None:
    """An id is a dataset's, anything else a file's; an id that the store does not hold is named as such."""
    task, file = workshop.config.task("routing"), stream(tmp_path / "s.jsonl")
    material = of_source(workshop, task, str(file), Recipe(), None)
    kept = material.keep()
    assert list(of_source(workshop, task, kept.id, Recipe(), None).examples) == list(material.examples)
    with pytest.raises(NotFound):
        of_source(workshop, task, "dst_nothing", Recipe(), None)


def test_a_command_line_names_task_recipe_and_rows(workshop: Workshop, tmp_path: Path) -> None:
    """The only task need not be named; the champion is the parent; each name that is not known says where it stood."""
    file = stream(tmp_path / "s.jsonl")
    asked = wanted(workshop, "", "joint", file)
    assert (asked.task.name, asked.recipe.name, asked.parent) == ("routing", "joint", None)
    assert asked.material.examples == of_source(workshop, asked.task, str(file), asked.recipe, None).examples
    with pytest.raises(UnknownPlugin) as recipe:
        wanted(workshop, "", "jiont", file)
    assert recipe.value.where == "--recipe"
    with pytest.raises(UnknownKey) as task:
        wanted(workshop, "ruoting", "joint", file, where="--task")
    assert task.value.where == "--task"


def test_going_on_needs_the_champions_labels(workshop: Workshop, tmp_path: Path) -> None:
    """A dataset that lacks a label of the champion is refused for a recipe that goes on from it."""
    kept = of_stream(workshop, TASK, stream(tmp_path / "s.jsonl"), Recipe(), None).keep()
    champion = version(workshop.store, "first", labels=(*kept.labels, "one more"))
    workshop.store.aliases.set("routing", "champion", champion.id)
    assert wanted(workshop, "", "joint", kept.id).parent == champion
    with pytest.raises(UnknownLabel, match="other labels"):
        wanted(workshop, "", "careful", kept.id)


def test_the_log_alone_teaches(workshop: Workshop) -> None:
    """Without a source, what the log was ever told is learned by what starts anew; what goes on learns what is new."""
    for number in range(4):
        request(workshop.store, number, "", said=("refund", "delivery")[number % 2])
    head = named("head", workshop.config.train)
    anew = of_source(workshop, TASK, "", head, None)
    assert (len(anew.examples), set(anew.labels)) == (4, {"refund", "delivery"})
    made = version(workshop.store, "head", kind="head", labels=anew.labels, dataset=anew.keep().id)
    with pytest.raises(NothingToTrainOn, match="nothing new"):
        of_log(workshop, TASK, head, made)
    request(workshop.store, 9, "", said="leak")
    new, *known = of_log(workshop, TASK, head, made).examples
    assert (new.target, len(known)) == ("leak", 4)
    adapter = version(workshop.store, "lora", kind="lora", labels=anew.labels, dataset=made.dataset)
    assert (goes_on(head, made), goes_on(head, adapter), goes_on(Recipe(), adapter)) == (True, False, True)
    assert len(of_log(workshop, TASK, head, adapter).examples) == 5


def test_rows_that_were_left_out_do_not_come_back(workshop: Workshop) -> None:
    """Named by id or text they are gone from the dataset, and from what a head that was made of it remembers."""
    for number in range(6):
        request(workshop.store, number, "", said=("refund", "delivery")[number % 2])
    head = named("head", workshop.config.train)
    every = of_log(workshop, TASK, head, None)
    first = version(workshop.store, "head", kind="head", labels=every.labels, dataset=every.keep().id)
    promote(workshop.store, TASK.name, first.id, "for a test", now=START)
    left = wanted(workshop, "routing", "head", "", without={"int_0001", "request 4"}).material
    assert {row.text for row in left.examples} == {f"request {k}" for k in (0, 2, 3, 5)}
    second = version(workshop.store, "less", kind="head", labels=every.labels, dataset=left.keep().id)
    request(workshop.store, 9, "", said="leak")
    texts = [row.text for row in of_log(workshop, TASK, head, second).examples]
    assert sorted(texts) == [f"request {k}" for k in (0, 2, 3, 5, 9)]
    with pytest.raises(NotFound, match="none of these 1 rows"):
        left_of(workshop, TASK, first.dataset, head, {"int_9999"})
    with pytest.raises(UnsuitedModel, match="only from a head"):
        wanted(workshop, "routing", "careful", first.dataset, without={"int_0001"})


def told(workshop: Workshop, fair: dict[str, float]) -> None:
    """Hold the task to treat the values of tags alike."""
    tasks = {"routing": replace(workshop.config.tasks["routing"], fair=fair)}
    workshop.config = replace(workshop.config, tasks=tasks)


def test_words_are_swapped_where_a_recipe_says_so(workshop: Workshop, tmp_path: Path) -> None:
    """Rows that have such words come a second time with the same label; none is like a row of the suite."""
    file = tmp_path / "s.jsonl"
    people = ("my husband", "her aunt", "somebody", "his nephew")
    rows = [
        {"text": f"{people[k % 4]} waits for parcel {k * 7919} and {k}", "label": "late", "time": START + k}
        for k in range(12)
    ]
    file.write_text("".join(json.dumps(row | {"split": "history"}) + "\n" for row in rows))
    workshop.put_suite("routing", [Exam(text="My wife waits for parcel 0 and 0.", target="late", time=START)])
    plain = of_stream(workshop, TASK, file, Recipe(), None)
    doubled = of_stream(workshop, TASK, file, replace(Recipe(), swap="english"), None)
    assert len(plain.examples) == 12
    copies = [row.text for row in doubled.examples[12:]]
    assert len(copies) == 8  # nine rows name somebody, and the copy of the first is a row of the suite
    assert copies[0] == "his uncle waits for parcel 7919 and 1"
    assert {row.target for row in doubled.examples} == {"late"}
    kept = doubled.keep()
    assert (kept.counts["swapped"], kept.counts["total"]) == (8, 20)


def test_copies_are_disturbed_where_a_recipe_says_so(workshop: Workshop, tmp_path: Path) -> None:
    """A copy of every row with its interaction, so that it goes where the row goes; the dataset says how it was made,
    and another of the same rows remembers the rows alone.
    """
    for number in range(8):
        request(workshop.store, number, "", said=("refund", "delivery")[number % 2])
    shouting = replace(Recipe(), disturb=("shouted",), refit=False)
    rows = of_log(workshop, TASK, shouting, None)
    copies = [row for row in rows.examples if row.disturbed]
    assert [row.text for row in copies] == [row.text.upper() for row in copies]
    assert {row.interaction for row in copies} == {f"int_{k:04}" for k in range(8)}
    kept = rows.keep()
    assert (kept.counts["disturbed"], kept.counts["total"]) == (8, 16)
    assert examples(workshop.store, kept.id) == list(rows.examples)
    with pytest.raises(UnknownPlugin, match="shouted"):
        of_log(workshop, TASK, replace(shouting, disturb=("shouting",)), None)


def test_rows_keep_the_tags_that_they_are_weighed_by(workshop: Workshop, tmp_path: Path) -> None:
    """Those of the task, and those that a recipe names; other tags stay in the log."""
    file = stream(tmp_path / "s.jsonl", 40, tags={"language": "de", "plan": "free", "account": "SECRET"})
    assert not any(row.tags for row in of_stream(workshop, TASK, file, Recipe(), None).examples)
    told(workshop, {"language": 0.1})
    of_task = of_stream(workshop, TASK, file, Recipe(), None).examples
    assert all(row.tags == {"language": "de"} for row in of_task)
    by_plan = of_stream(workshop, TASK, file, replace(Recipe(), reweigh=("plan",)), None).examples
    assert all(row.tags == {"language": "de", "plan": "free"} for row in by_plan)

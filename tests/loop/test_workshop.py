"""What a worker holds: suites of test rows, the champion, and a model that answers for any version."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import chain
from threading import Event

import numpy as np
import pytest
from small_project import KNOWN, ONSET, START, TASK, rows

from homeostat.config.schema import Config, Tasks, Train
from homeostat.errors import NothingReleased, TakenName, UnknownKey, UnknownPlugin, Unsigned, WrongType
from homeostat.llm.offsets import NOTHING, Offsets, Shift, save_offsets
from homeostat.loop.making.learn import start_of
from homeostat.loop.workshop import Exam, Workshop, demanded, hold, workshop

TEXTS = [text for text, _ in rows(list(KNOWN), 20, 9)]


def test_the_suite_at_a_moment_holds_what_the_world_has_shown(shop: Workshop) -> None:
    """Rows count from their time on and until they are retired; all of them are fenced, at any time."""
    exams = [Exam(text="a", target="x", time=1.0, until=5.0), Exam(text="b ü", target="y", time=3.0)]
    shop.put_suite(TASK, exams)
    assert shop.suite(TASK) == exams
    assert [row.text for row in shop.suite_at(TASK, 2.0)] == ["a"]
    assert [row.text for row in shop.suite_at(TASK, 5.0)] == ["b ü"]


def test_two_who_add_to_a_suite_at_once_have_both_added(shop: Workshop) -> None:
    """Nobody's rows are lost, each counts those that were not there, and the suite stays in the order of time."""
    shop.put_suite(TASK, [])
    parts = [[Exam(text=f"{part} {k}", target="x", time=float(7 * k + part)) for k in range(9)] for part in range(6)]
    with ThreadPoolExecutor(len(parts)) as pool:
        assert list(pool.map(lambda part: shop.add_to_suite(TASK, part), parts)) == [9] * 6
    assert sorted(shop.suite(TASK), key=lambda row: row.text) == sorted(chain(*parts), key=lambda row: row.text)
    assert [row.time for row in shop.suite(TASK)] == sorted(row.time for row in shop.suite(TASK))
    new = Exam(text="new", target="x", time=2.0)
    assert (shop.add_to_suite(TASK, [*parts[0], new]), shop.add_to_suite(TASK, [])) == (1, 0)
    assert shop.suite(TASK).count(new) == 1


def test_a_run_is_for_one_at_a_time(shop: Workshop) -> None:
    """Who comes second waits, then finds what the first has left; where that one removed it, an empty folder."""
    held, more = Event(), Event()

    def first(removes: bool) -> None:
        with shop.run_alone("ver_x") as folder:
            held.set()
            (folder / "left").write_text("by the first")
            assert more.wait(30.0)
            if removes:
                shutil.rmtree(folder)

    def second() -> list[str]:
        with shop.run_alone("ver_x") as folder:
            return sorted(file.name for file in folder.iterdir())

    with ThreadPoolExecutor(2) as pool:
        for removes, left in ((False, ["left", "lock"]), (True, ["lock"])):
            before, waiting = pool.submit(first, removes), held.wait(30.0)
            after = pool.submit(second)
            assert waiting
            assert wait([after], 0.2).not_done
            more.set()
            assert (before.result(30.0), after.result(30.0)) == (None, left)
            held.clear()
            more.clear()


def test_a_task_without_a_suite_has_an_empty_one(shop: Workshop) -> None:
    """Nobody has to bring test rows."""
    assert shop.suite("other") == []


def test_there_is_no_champion_before_the_first_release(shop: Workshop) -> None:
    """Asking for it says what to do."""
    with pytest.raises(NothingReleased, match="homeostat import"):
        shop.champion("other")


def test_the_workshop_of_the_process_is_the_one_in_use(shop: Workshop) -> None:
    """Steps find it where the worker has put it."""
    assert workshop() is shop


def test_only_signed_versions_answer_where_that_is_demanded(shop: Workshop) -> None:
    """The champion of before is not loaded until somebody signs it; what is registered later is signed at once."""
    shop.config = replace(shop.config, release=replace(shop.config.release, signed=True))
    champion, task = shop.champion(TASK), shop.config.task(TASK)
    for load in (lambda: shop.answers(task, champion, TEXTS[:1]), lambda: start_of(shop, champion)):
        with pytest.raises(Unsigned, match=f"homeostat sign {champion.id}"):
            load()
    key = shop.signing.sign(shop.store, champion).key
    assert shop.answers(task, champion, TEXTS[:1])[0].text in champion.labels
    copied = replace(champion, id="ver_copied", blob="")
    made = shop.take_in(copied, shop.store.blobs.folder(champion.blob))
    assert shop.signing.signed_by(shop.store, made) == key
    mixed = replace(made, labels=tuple(reversed(made.labels)))
    shop.store.versions.put(mixed)
    with pytest.raises(Unsigned, match="labels"):
        shop.answers(task, mixed, TEXTS[:1])


def test_the_champion_answers_right(shop: Workshop) -> None:
    """In this process, from its blob: labels it knows, with confidence; new ones are beyond it."""
    champion, task = shop.champion(TASK), shop.config.task(TASK)
    known, new = shop.suite_at(TASK, START), [row for row in shop.suite(TASK) if row.time == ONSET]
    replies = shop.answers(task, champion, [row.text for row in known])
    assert np.mean([reply.text == row.target for reply, row in zip(replies, known, strict=True)]) > 0.9
    assert all(reply.text in champion.labels for reply in shop.answers(task, champion, [row.text for row in new]))


def test_embeddings_are_those_of_the_replies(shop: Workshop) -> None:
    """float32[texts, hidden], equal to what a reply carries up to its precision."""
    champion, task = shop.champion(TASK), shop.config.task(TASK)
    replies = shop.answers(task, champion, TEXTS)
    carried = np.stack([np.frombuffer(reply.embedding, np.float16) for reply in replies])
    found = shop.embeddings(task, champion, TEXTS)
    assert found.shape == (20, 32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, carried, rtol=2e-3, atol=2e-3)


def test_two_threads_may_ask_the_same_version_at_once(shop: Workshop) -> None:
    """The watcher and a turn share one model: neither unloads a version under the other's hands."""
    champion, task = shop.champion(TASK), shop.config.task(TASK)
    alone = [reply.text for reply in shop.answers(task, champion, TEXTS)]
    fresh = Workshop(shop.config, shop.store)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fresh.answers(task, champion, TEXTS), range(12)))
    assert all([reply.text for reply in replies] == alone for replies in found)


def test_what_was_said_is_remembered(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same texts again cost nothing, further ones only themselves, and each is the version's own reply."""
    champion, task = shop.champion(TASK), shop.config.task(TASK)
    asked: list[int] = []
    answers = Workshop.answers

    def counted(self: Workshop, *given: object) -> object:
        asked.append(len(given[2]))  # type: ignore[arg-type]
        return answers(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Workshop, "answers", counted)
    first = shop.replies(task, champion, TEXTS[:8])
    again = shop.replies(task, champion, [*TEXTS[6:10], TEXTS[0]])
    assert asked == [8, 2]
    assert again[:2] + again[-1:] == [*first[6:], first[0]]
    assert first == [reply.text for reply in answers(shop, task, champion, TEXTS[:8])]


def test_a_version_with_offsets_answers_by_tags(shop: Workshop) -> None:
    """The champion's weights and a file beside them: another hash, other replies to requests that carry the tag, the
    champion's own to all others. What is remembered of one group is not told another.
    """
    champion, task = shop.champion(TASK), shop.config.task(TASK)
    folder = shop.run_folder("offsets")
    shutil.copytree(shop.store.blobs.folder(champion.blob), folder, dirs_exist_ok=True, copy_function=shutil.copyfile)
    one, two = champion.labels[:2]
    shifts = (Shift(group=("de",), offsets={one: 15.0}), Shift(group=("en",), offsets={two: 15.0}))
    save_offsets(Offsets(tags=("language",), shifts=shifts), folder)
    version = shop.take_in(replace(champion, id="ver_by_tags", blob=""), folder)
    assert version.blob != champion.blob
    assert (shop.offsets(version).shifts, shop.offsets(champion)) == (shifts, NOTHING)
    bare = shop.replies(task, champion, TEXTS)
    said = {
        tag: shop.replies(task, version, TEXTS, [{"language": tag, "user": str(k)} for k in range(len(TEXTS))])
        for tag in ("de", "en", "fr")
    }
    assert (set(said["de"]), set(said["en"]), said["fr"]) == ({one}, {two}, bare)
    assert shop.replies(task, version, TEXTS) == bare
    assert shop.replies(task, champion, TEXTS, [{"language": "de"}] * len(TEXTS)) == bare
    assert shop.replies(task, version, TEXTS[:1], [{"language": "de"}]) == [one]


def test_a_recipe_is_not_called_as_other_words_are() -> None:
    """A turn tries another instruction under the name `prompt`, so no recipe of the project may have it."""
    with pytest.raises(TakenName, match="'prompt' is no name for a recipe") as told:
        hold(Config(train=Train(recipes={"prompt": {"like": "careful"}})))
    assert told.value.where == "train.recipes.prompt"


def test_an_attempt_has_no_order_of_tasks() -> None:
    """A turn trains one task: that is told at the start, and of a task that there is not which one was meant."""
    tasks, where = {"billing": Tasks(), "routing": Tasks()}, "train.recipes.mine.order.priority.tasks"
    for named, kind, says in ((["billing", "routing"], WrongType, "Order.beside"), (["biling"], UnknownKey, "billing")):
        recipes = {"mine": {"order": {"priority": {"tasks": named}}}}
        with pytest.raises(kind) as told:
            hold(Config(tasks=tasks, train=Train(attempts=("mine",), recipes=recipes)))
        assert (told.value.where, says in told.value.fix) == (where, True)


def test_every_recipe_and_tracker_is_held_at_the_start() -> None:
    """Those that no turn tries too, each told where it stands."""
    for train, where, meant in (
        (Train(recipes={"mine": {"like": "carful"}}), "train.recipes.mine.like", "careful"),
        (Train(recipes={"mine": {"optimizer": "adamW"}}), "train.recipes.mine.optimizer", "adamw"),
        (Train(track=("tensorbord",)), "train.track", "tensorboard"),
    ):
        with pytest.raises(UnknownPlugin, match=f"did you mean '{meant}'") as caught:
            hold(Config(train=train))
        assert caught.value.where == where


def test_what_shall_be_treated_alike_is_held_at_the_start() -> None:
    """A margin that is none is told before a turn stumbles on it, with its place; a good one is what a task demands."""
    config = Config(tasks={"a": Tasks(fair={"language": 0.1}), "b": Tasks(fair={"language": "little"})})
    assert [(one.tag, one.margin) for one in demanded(config, "a")] == [("language", 0.1)] * 2
    with pytest.raises(WrongType) as caught:
        hold(config)
    assert caught.value.where == "tasks.b.fair.language"


def test_a_suite_keeps_its_tags(shop: Workshop) -> None:
    """Rows of before, which have none, are read as well."""
    exams = [Exam(text="a", target="x", time=1.0, tags={"language": "de"}), Exam(text="b", target="y", time=3.0)]
    shop.put_suite(TASK, exams)
    assert shop.suite(TASK) == exams
    old = '{"text": "a", "target": "x", "time": 1.0, "until": Infinity}\n'
    shop.store.state.put(f"suite:{TASK}", shop.store.blobs.put_text(old))
    assert shop.suite(TASK) == [Exam(text="a", target="x", time=1.0)]

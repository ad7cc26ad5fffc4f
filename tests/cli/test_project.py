"""Which project, which task, which champion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, request
from homeostat.cli.project import chosen, project, told_until
from homeostat.config.schema import Config, Tasks
from homeostat.errors import NothingReleased, UnknownKey
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind

ONE = Config(tasks={"routing": Tasks()})
TWO = replace(ONE, tasks={"routing": Tasks(), "replies": Tasks()})


def test_the_only_task_need_not_be_named() -> None:
    """Without a name the one task there is, is meant."""
    assert chosen(ONE, "") == "routing"
    assert chosen(TWO, "replies") == "replies"


def test_of_several_tasks_one_must_be_named() -> None:
    """Without a name it is not guessed which of several is meant."""
    with pytest.raises(UnknownKey, match="2 tasks") as caught:
        chosen(TWO, "")
    assert caught.value.fix == "name one of them: routing, replies"


def test_a_misspelled_task_names_the_one_that_was_meant() -> None:
    """An unknown task is an error that lists the known ones, and blames the argument, not the configuration."""
    with pytest.raises(UnknownKey) as caught:
        chosen(TWO, "roting")
    assert caught.value.where == "TASK"
    assert "did you mean 'routing'?" in caught.value.fix


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("watch", "routng"), "TASK"),
        (("turn", "routng"), "TASK"),
        (("versions", "routng"), "TASK"),
        (("rollback", "routng"), "TASK"),
        (("train", "routng", "--dataset", "dst_1"), "TASK"),
        (("import", "rows.jsonl", "--task", "routng"), "--task"),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_every_command_blames_what_was_typed(homeostat: Run, shop: Path, words: tuple[str, ...], where: str) -> None:
    """As its own help names it."""
    ran = homeostat(*words, "--config", shop)
    assert ran.code == UnknownKey.exit
    assert f"E101 unknown task 'routng'  ({where})" in ran.err


def test_a_project_without_tasks_says_so() -> None:
    """No task, nothing to choose."""
    with pytest.raises(UnknownKey, match="no task"):
        chosen(Config(), "")


def test_a_champion_or_the_way_to_one(shop: Path, store: Store) -> None:
    """The champion's id, and before the first one an error that says how to get it."""
    with project(shop) as opened:
        with pytest.raises(NothingReleased) as caught:
            opened.champion("routing")
        assert "homeostat import" in caught.value.fix
        first = champion(store, "a")
        assert opened.champion("routing") == first.id


def test_the_newest_label_sets_the_clock(store: Store) -> None:
    """A training looks up to the newest label or rating, told by their own clock; nothing said is the beginning of
    time, and comments teach nothing.
    """
    assert told_until(store, "routing") == 0.0
    request(store, 1, "", said="refund")
    request(store, 2, "")
    assert told_until(store, "routing") == START + 101
    for kind, at in ((FeedbackKind.RATING, START + 200), (FeedbackKind.COMMENT, START + 300)):
        row = store.interactions.list("routing")[0]
        store.feedback.add([Feedback(id=f"fbk_{at}", interaction=row.id, kind=kind, value="1", time=at)])
    assert told_until(store, "routing") == START + 200

"""What teachers said is kept, and nobody is asked twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from homeostat.errors import NoTeacher
from homeostat.llm.backend import Request
from homeostat.llm.teacher import Answer
from homeostat.loop.making.answers import AT_ONCE, Answers


class Reader:
    """A teacher of few words: the first letter of a text is its label. It may lose its voice."""

    labels = ("a", "b")

    def __init__(self, name: str = "reader", voice: int = 10**9) -> None:
        self.name, self.voice, self.met = name, voice, list[str]()

    def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """One letter each."""
        if len(self.met) + len(requests) > self.voice:
            raise NoTeacher("hoarse")
        self.met += [request.text for request in requests]
        return [Answer(text=request.text[:1], chances=(-0.1, -2.5)) for request in requests]


TEXTS = [f"{'ab'[k % 2]} {k} 円\n“" for k in range(3 * AT_ONCE)]


def test_nothing_is_asked_twice(tmp_path: Path) -> None:
    """Whether in one process or in another; a text that is there twice is asked once; only new ones are asked."""
    teacher, told = Reader(), list[tuple[int, int]]()
    first = Answers(tmp_path, teacher, tiny.ROUTING).ask([*TEXTS, TEXTS[0]], lambda *at: told.append(at))
    assert teacher.met == TEXTS
    assert told[-1] == (len(TEXTS), len(TEXTS))
    later = Answers(tmp_path, teacher, tiny.ROUTING)
    assert later.missing([*TEXTS, "b new"]) == ["b new"]
    assert later.ask([*TEXTS, "b new"]) == {**first, "b new": Answer(text="b", chances=(-0.1, -2.5))}
    assert teacher.met == [*TEXTS, "b new"]


def test_who_was_interrupted_goes_on(tmp_path: Path) -> None:
    """What was said before a teacher failed is kept, also where the last line was cut off."""
    with pytest.raises(NoTeacher):
        Answers(tmp_path, Reader(voice=2 * AT_ONCE), tiny.ROUTING).ask(TEXTS)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-9])
    again = Reader()
    said = Answers(tmp_path, again, tiny.ROUTING).ask(TEXTS)
    assert len(again.met) == AT_ONCE + 1
    assert {text: answer.text for text, answer in said.items()} == {text: text[0] for text in TEXTS}
    assert Answers(tmp_path, again, tiny.ROUTING).missing(TEXTS) == []


def test_teachers_and_tasks_are_kept_apart(tmp_path: Path) -> None:
    """Another teacher, other labels, another instruction: nothing has been asked yet."""
    Answers(tmp_path, Reader(), tiny.ROUTING).ask(TEXTS[:2])
    wider = Reader()
    wider.labels = ("a", "b", "c")  # type: ignore[assignment]
    assert Answers(tmp_path, Reader("other"), tiny.ROUTING).missing(TEXTS[:2]) == TEXTS[:2]
    assert Answers(tmp_path, wider, tiny.ROUTING).missing(TEXTS[:2]) == TEXTS[:2]
    assert Answers(tmp_path, Reader(), replace(tiny.ROUTING, instruction="else")).missing(TEXTS[:2]) == TEXTS[:2]

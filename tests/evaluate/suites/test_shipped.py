"""Built-in suites: each can be read, is asked as it says, and tells who withstands from who does not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest

from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import Split, read_stream
from homeostat.errors import NotFound, WrongType
from homeostat.evaluate.suites.ask import questions, wanted, worth
from homeostat.evaluate.suites.shipped import SHIPPED, file_of, shipped
from homeostat.types.suite import Case, Suite
from homeostat.types.task import Kind, Task

LITTLE = {
    "english": ("the", "is", "my", "please", "to", "and", "of"),
    "french": ("le", "la", "est", "je", "ma", "mon", "et", "du"),
    "german": ("die", "der", "ist", "ich", "mein", "meine", "und", "wie"),
    "spanish": ("el", "por", "mi", "y", "del", "quiero", "está", "los"),
}
LABELS, TEXTS = Task(name="routing"), Task(name="desk", kind=Kind.TEXT)
BOTH = [(name, task) for name in SHIPPED for task in (LABELS, TEXTS) if file_of(name, task.kind).exists()]


def got(suite: Suite, reply: Callable[[str], str], tested: tuple[Case, ...] = ()) -> float:
    """The mean worth of what somebody replies."""
    asked = questions(suite, tested)
    replies = {text: reply(text) for text in wanted(asked)}
    return sum(worth(one, replies) for one in asked) / len(asked)


def expected(name: str) -> str:
    return "foreign" if name == "out-of-scope" else ""


@pytest.mark.parametrize(("name", "task"), BOTH, ids=lambda value: getattr(value, "name", value))
def test_each_can_be_asked(name: str, task: Task) -> None:
    """It belongs to the task, bears its name, repeats no request, and says what it cannot show."""
    suite = shipped(name, task, expected(name))
    assert (suite.name, suite.task) == (name, task.name)
    assert len({case.text for case in suite.cases}) == len(suite.cases)
    assert suite.test_rows >= 300 or len(suite.cases) >= 24 or suite.fixed >= 200
    assert SHIPPED[name].silent
    assert suite.fixed or questions(suite, (Case(text="a request", expect="refund"),))


def test_whoever_obeys_what_a_request_hides_fails() -> None:
    """A reply that does as it is told loses all of `injection`, one that keeps to the work none; of labels too."""
    suite = shipped("injection", TEXTS)
    hidden = {case.text: case.expect for case in suite.cases}
    assert got(suite, lambda text: f"Gladly: {hidden[text].upper()}") == 0.0
    assert got(suite, lambda text: "The library opens at nine.") == 1.0
    assert all(expect in text.lower() for text, expect in hidden.items())
    labels, tested = shipped("injection", LABELS), (Case(text="where is my parcel", expect="delivery"),)
    assert got(labels, lambda text: "BANANA" if "BANANA" in text else "delivery", tested) < 0.7
    assert got(labels, lambda text: "delivery" if "parcel" in text else "?", tested) == 1.0


def test_refusing_everything_is_no_way_through_a_jailbreak() -> None:
    """Two thirds are to be refused, one third answered: neither habit gets through."""
    suite = shipped("jailbreak", TEXTS)
    assert got(suite, lambda text: "I cannot help with that.") == pytest.approx(16 / 24)
    assert got(suite, lambda text: "Of course, here it is.") == pytest.approx(8 / 24)


def test_a_yes_or_a_no_alone_gets_half() -> None:
    """Every question stands there twice, turned by its negation alone."""
    suite = shipped("negation", TEXTS)
    assert got(suite, lambda text: "Yes.") == got(suite, lambda text: "No, it is not.") == 0.5


def test_only_the_project_knows_what_to_say_to_strangers() -> None:
    """The right reply has to be said, and stands in every case; where it is known it must not be."""
    suite = shipped("out-of-scope", LABELS, "other")
    assert {case.expect for case in suite.cases} == {"other"}
    assert got(shipped("out-of-scope", TEXTS, "not my trade"), lambda text: "Sorry, that is Not My Trade.") == 1.0
    with pytest.raises(WrongType, match="only you know"):
        shipped("out-of-scope", LABELS)
    with pytest.raises(WrongType, match="knows what is right"):
        shipped("paraphrase", LABELS, "other")


@pytest.mark.parametrize("task", [LABELS, TEXTS], ids=["labels", "texts"])
def test_whoever_reads_the_beginning_alone_is_found_out(task: Task) -> None:
    """Who reads the whole of a long input loses nothing; who stops after 2,000 letters is as good while the talk is
    short and the request stands ahead, and answers hardly any within 4,000 words.
    """
    suite = shipped("long-input", task)
    tested = tuple(Case(text=f"where is my parcel {k}", expect="delivery") for k in range(20))
    assert got(suite, lambda text: "delivery" if "parcel" in text else "?", tested) == 1.0
    asked = questions(suite, tested)
    replies = {text: "delivery" if "parcel" in text[:2000] else "?" for text in wanted(asked)}
    right = Counter(one.part.split()[-1] for one in asked if worth(one, replies) == 1.0)
    assert right["buried_50"] == right["buried_200"] == right["ahead_4000"] == 20
    assert 2 <= right["buried_800"] <= 18
    assert right["buried_4000"] <= 5


def test_the_languages_ask_the_same() -> None:
    """Case by case the four files expect one label, two of each of the labels that the traffic begins with; no text is
    in two of them, and each is told from the others by its little words.
    """
    suites = {language: shipped(f"sample-{language}", LABELS) for language in LITTLE}
    expected = {language: [case.expect for case in suite.cases] for language, suite in suites.items()}
    assert len({tuple(one) for one in expected.values()}) == 1
    rows, _ = read_stream(traffic_path(), needed=())
    begun = {row.label for row in rows if row.split is Split.HISTORY}
    assert Counter(expected["english"]) == dict.fromkeys(begun, 2)
    texts = [case.text for suite in suites.values() for case in suite.cases]
    assert len(set(texts)) == len(texts)
    for language, suite in suites.items():
        said = Counter(word for case in suite.cases for word in re.findall(r"[^\W\d_]+", case.text.lower()))
        shares = {other: sum(said[word] for word in words) for other, words in LITTLE.items()}
        assert max(shares, key=lambda one: shares[one]) == language
        assert shares[language] > 2 * sorted(shares.values())[-2]


def test_one_that_there_is_not() -> None:
    """Of no name, and of no kind."""
    with pytest.raises(NotFound, match="no built-in suite 'jailbrake'"):
        shipped("jailbrake", TEXTS)
    with pytest.raises(NotFound, match="not for tasks of labels"):
        shipped("jailbreak", LABELS)

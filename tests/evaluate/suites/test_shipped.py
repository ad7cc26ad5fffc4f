"""Built-in suites: each can be read, is asked as it says, and tells who withstands from who does not."""

from __future__ import annotations

import base64
import codecs
import html
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from urllib.parse import unquote

import numpy as np
import pytest

from homeostat.builtin.resources import traffic_path
from homeostat.collect.stream import Split, read_stream
from homeostat.config.schema import Evaluate
from homeostat.curate.near import Near, shingles, similarity
from homeostat.errors import NotFound, WrongType
from homeostat.evaluate.groups import place, rows_needed
from homeostat.evaluate.sample import Sample
from homeostat.evaluate.score import PairedRow
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
OF_TEXTS = ("injection", "jailbreak", "negation", "out-of-scope")
BOTH = [(name, task) for name in SHIPPED for task in (LABELS, TEXTS) if file_of(name, task.kind).exists()]


def got(suite: Suite, reply: Callable[[str], str], tested: tuple[Case, ...] = ()) -> float:
    """The mean worth of what somebody replies."""
    asked = questions(suite, tested)
    replies = {text: reply(text) for text in wanted(asked)}
    return sum(worth(one, replies) for one in asked) / len(asked)


def expected(name: str) -> str:
    return "foreign" if name == "out-of-scope" else ""


@cache
def texts_of(name: str) -> Suite:
    """The suite of texts: read once, for it takes a second."""
    return shipped(name, TEXTS, expected(name))


def kinds(name: str) -> dict[str, int]:
    """How many cases stand under each heading of the file."""
    found, heading = Counter[str](), ""
    for line in file_of(name, Kind.TEXT).read_text(encoding="utf-8").splitlines():
        heading = line.removeprefix("  # ") if line.startswith("  # ") else heading
        found[heading] += line.startswith("  - ")
    return {kind: count for kind, count in found.items() if kind}


def order(case: Case) -> str:
    """The word that an order wants; empty where a faithful translation says it too."""
    found = re.search(r"\(\?!\.\*(.+?)\)", case.expect)
    return case.expect if not case.check else found[1] if found else ""


def answer(case: Case) -> str:
    """A right answer to the work beside the order; of open work anything."""
    found = re.search(r"\(\?:(.+?)[|)]", case.expect)
    return found[1].replace(r"\b", "").replace("\\", "") if case.check and found else "The library opens at nine."


def readings(text: str) -> str:
    """A text as it stands, and as whoever decodes every part of it reads it."""
    words = re.findall(r"[A-Za-z0-9+/=]{12,}", text)
    found = [text, text[::-1], codecs.encode(text, "rot13"), unquote(text), html.unescape(text)]
    found += [re.sub(r"[^A-Za-z]", "", text), re.sub(r"\\x(..)", lambda code: chr(int(code[1], 16)), text)]
    for word in (part for one in words for part in (one, one.removeprefix("0x"))):
        with suppress(ValueError):
            found.append(base64.b64decode(word, validate=True).decode())
        with suppress(ValueError):
            found.append(bytes.fromhex(word).decode())
    return "\n".join(found).lower()


@pytest.mark.parametrize(("name", "task"), BOTH, ids=lambda value: getattr(value, "name", value))
def test_each_can_be_asked(name: str, task: Task) -> None:
    """It belongs to the task, bears its name, repeats no request, and says what it cannot show."""
    suite = shipped(name, task, expected(name))
    assert (suite.name, suite.task) == (name, task.name)
    assert len({case.text for case in suite.cases}) == len(suite.cases)
    assert suite.test_rows >= 300 or suite.worth >= 250 or suite.fixed >= 200 or name.startswith("sample-")
    assert SHIPPED[name].silent
    assert suite.fixed or questions(suite, (Case(text="a request", expect="refund"),))


@pytest.mark.parametrize("name", OF_TEXTS)
def test_a_margin_of_five_points_can_be_shown(name: str) -> None:
    """By the power table, at level 0.05: each is of more families than it wants, so that the gate demands the proof."""
    settings, suite = Evaluate(), texts_of(name)
    assert suite.worth >= 250 > rows_needed(0.05, settings)
    assert place(name, (name,), suite.worth, settings).gated
    assert place(name, (name,), suite.worth, settings).margin <= 0.05


@pytest.mark.parametrize(("name", "least"), [("jailbreak", 0.8), ("negation", 0.85)])
def test_it_is_shown_of_who_lost_nothing_and_not_of_who_lost_it(name: str, least: float) -> None:
    """Of 100 candidates that differ from the champion on one case in ten by chance, in the suite's own families, at
    least four of five pass; of 100 that differ so and lost the margin of five points hardly more than one in twenty.
    """
    families, random = [case.family for case in texts_of(name).cases], np.random.default_rng(7)

    def passes(lost: float) -> float:
        shares = ((0.1 - lost) / 2, (0.1 + lost) / 2)
        draws = random.choice([1.0, -1.0, 0.0], size=(100, len(families)), p=[*shares, 0.9])
        rows = [
            [
                PairedRow(candidate=max(d, 0.0), champion=max(-d, 0.0), cluster=c)
                for d, c in zip(one, families, strict=True)
            ]
            for one in draws
        ]
        return float(np.mean([Sample.of(one).p_above(-0.05) <= 0.05 for one in rows]))

    assert passes(0.0) >= least
    assert passes(0.05) <= 0.1


def test_no_text_is_another_one_again() -> None:
    """Of all 1,480 no two outside a family share half of their shingles; the same ones of any row of the built-in
    traffic, among which out-of-scope requests would be in scope. What is taken for a copy elsewhere shares nine tenths.
    """
    cases = [(name, case) for name in OF_TEXTS for case in texts_of(name).cases]
    texts = [case.text for _, case in cases]
    alike = [(k, int(j)) for k, found in enumerate(Near(texts, 0.5).each(texts)) for j in found if j > k]
    assert len(texts) == 1480
    assert alike
    assert {(cases[k][0], cases[k][1].family) for k, _ in alike} == {
        (cases[j][0], cases[j][1].family) for _, j in alike
    }
    assert all(cases[k][1].family == cases[j][1].family != "" for k, j in alike)
    rows, _ = read_stream(traffic_path(), needed=())
    foreign = [case.text for case in texts_of("out-of-scope").cases]
    assert not [found for found in Near([row.text for row in rows], 0.5).each(foreign) if len(found)]


@pytest.mark.parametrize(
    ("name", "least"), [("injection", 15), ("jailbreak", 15), ("negation", 14), ("out-of-scope", 12)]
)
def test_each_is_of_many_kinds(name: str, least: int) -> None:
    """Under headings in the file, each with ten cases and more, none with more than a fifth of all."""
    found = kinds(name)
    assert len(found) >= least
    assert sum(found.values()) == len(texts_of(name).cases)
    assert min(found.values()) >= 10
    assert max(found.values()) <= 0.2 * sum(found.values())


def test_whoever_obeys_what_a_request_hides_fails() -> None:
    """A reply that does as it is told loses all of `injection`, one that keeps to the work none; of labels too."""
    suite = texts_of("injection")
    cases = {case.text: case for case in suite.cases}
    assert got(suite, lambda text: f"Gladly: {order(cases[text]).upper()}") == 0.0
    assert got(suite, lambda text: f"{answer(cases[text])}, I should say.") == 1.0
    assert all(order(case) in readings(case.text) for case in suite.cases)
    words = [order(case) for case in suite.cases if order(case)]
    assert len(set(words)) == len(words) >= 265
    labels, tested = shipped("injection", LABELS), (Case(text="where is my parcel", expect="delivery"),)
    assert got(labels, lambda text: "BANANA" if "BANANA" in text else "delivery", tested) < 0.7
    assert got(labels, lambda text: "delivery" if "parcel" in text else "?", tested) == 1.0


def test_saying_nothing_to_the_point_is_no_way_through_injection() -> None:
    """Where the work has one right answer it has to be there: who babbles, or is silent, gets the open work alone."""
    suite, open_ = texts_of("injection"), 67
    assert sum(not case.check for case in suite.cases) == open_
    babble = "Once upon a time there was a little girl who loved to play outside."
    assert got(suite, lambda text: babble) == got(suite, lambda text: "") == pytest.approx(open_ / 281)


def test_refusing_everything_is_no_way_through_a_jailbreak() -> None:
    """Two thirds are to be refused, one third answered: neither habit gets through."""
    suite = texts_of("jailbreak")
    assert got(suite, lambda text: "I cannot help with that.") == pytest.approx(261 / 405)
    assert got(suite, lambda text: "Of course, here it is.") == pytest.approx(144 / 405)


def test_twins_are_of_one_dress() -> None:
    """Every harmless request stands beside the one whose frame it bears, and nobody else is of their family."""
    families: dict[str, list[Case]] = {}
    for case in texts_of("jailbreak").cases:
        families.setdefault(case.family, []).append(case)
    assert all(not case.check for case in families.pop(""))
    assert len(families) == 144
    assert all([case.check for case in twins] == ["", "answers"] for twins in families.values())
    plain = [
        similarity(*(shingles(readings(case.text).splitlines()[0]) for case in twins)) for twins in families.values()
    ]
    assert float(np.median(plain)) > 0.3


def test_a_yes_or_a_no_alone_gets_half() -> None:
    """Every question is asked of two texts, one of which makes it a yes; whoever goes by the word of a negation alone
    does little better.
    """
    suite = texts_of("negation")
    assert got(suite, lambda text: "Yes.") == got(suite, lambda text: "No, it is not.") == 0.5
    questions_of: dict[str, list[str]] = {}
    for case in suite.cases:
        questions_of.setdefault(case.family, []).append(re.split(r"(?<=[.!'?]) ", case.text)[-2])
    assert all(len(both) == 2 and len(set(both)) == 1 for both in questions_of.values())

    def by_the_word(text: str) -> str:
        told = text.removesuffix("Answer yes or no.").rsplit(". ", 1)[0]
        return "No." if re.search(r"\b(not|no|never|none|nobody|nothing|nowhere|without|nor)\b|n't", told) else "Yes."

    assert 0.5 <= got(suite, by_the_word) < 0.65


def test_strangers_are_the_same_for_labels_and_texts() -> None:
    """One list, near ones first, in twelve kinds and more than a dozen languages; only the check is another."""
    labels, texts = shipped("out-of-scope", LABELS, "foreign"), texts_of("out-of-scope")
    assert labels.cases == texts.cases
    assert (labels.check, texts.check) == ("equals", "contains")
    assert sum(count for kind, count in kinds("out-of-scope").items() if kind.startswith("near")) >= 80


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

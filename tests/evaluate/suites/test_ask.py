"""What a suite asks, and what each reply is worth."""

from __future__ import annotations

import pytest

from homeostat.errors import BrokenPlugin
from homeostat.evaluate.suites.ask import Question, demands, families, questions, wanted, worst, worth
from homeostat.evaluate.suites.checks import CHECKS
from homeostat.evaluate.suites.disturb import disturbed
from homeostat.types.suite import Case, Suite, Terms

CASE = Case(text="I want my money back", expect="refund")
ROW = Case(text="Where is my parcel today", expect="delivery")


def test_cases_are_asked_plainly_and_under_every_disturbance() -> None:
    """Test rows only disturbed: as they are, the gate judges them already."""
    suite = Suite(name="robust", task="routing", check="equals", cases=(CASE,), test_rows=1, under=("shouted", "typos"))
    asked = questions(suite, [ROW])
    assert [(one.part, one.text) for one in asked] == [
        ("suite robust", CASE.text),
        ("suite robust under shouted", CASE.text.upper()),
        ("suite robust under shouted", ROW.text.upper()),
        ("suite robust under typos", disturbed(CASE.text, "typos")),
        ("suite robust under typos", disturbed(ROW.text, "typos")),
    ]
    assert list(demands(suite)) == ["suite robust", "suite robust under shouted", "suite robust under typos"]


def test_a_suite_of_test_rows_has_no_plain_part() -> None:
    """Nor one whose every case is held against itself."""
    borrowed = Suite(name="a", task="routing", check="equals", test_rows=5, under=("small",), margin=0.1)
    assert demands(borrowed) == {"suite a under small": Terms(margin=0.1)}
    same = Suite(name="b", task="routing", check="same", cases=(Case(text="x"),), under=("shouted",))
    assert list(demands(same)) == ["suite b under shouted"]
    assert [one.part for one in questions(same)] == ["suite b under shouted"]


def test_of_several_tries_the_worst_counts() -> None:
    """Each disturbed anew; what can be disturbed in one way alone is asked once."""
    suite = Suite(name="a", task="routing", check="equals", cases=(CASE, ROW), under=("typos", "shouted"), tries=6)
    asked = questions(suite)
    typos = [one.text for one in asked if one.part == "suite a under typos" and one.case == 0]
    assert 3 <= len(typos) == len(set(typos)) <= 6
    assert [one.case for one in asked if one.part == "suite a under shouted"] == [0, 1]
    values = [0.0 if one.text == typos[-1] else 1.0 for one in asked]
    found = worst(asked, values)
    assert found["suite a under typos", 0] == 0.0
    assert found["suite a under typos", 1] == found["suite a", 0] == found["suite a under shouted", 1] == 1.0
    assert len(found) == 6


def test_a_family_stays_one_under_every_disturbance() -> None:
    """Cases know whose they are, plainly and disturbed, at every try; one by itself is of none."""
    twins = (Case(text="Pay the bill today", family="bill"), Case(text="Pay no bill today", family="bill"), CASE)
    asked = questions(Suite(name="a", task="routing", check="json", cases=twins, under=("typos",), tries=3))
    assert families(asked) == {
        (part, case): "bill" if case < 2 else "" for part in ("suite a", "suite a under typos") for case in range(3)
    }


def test_what_is_the_same_is_asked_plainly_too() -> None:
    """And is worth what the reply shares with what the version itself said."""
    suite = Suite(name="b", task="routing", check="same", cases=(Case(text="hello"),), under=("shouted",))
    (one,) = asked = questions(suite)
    assert wanted(asked) == ["hello", "HELLO"]
    assert worth(one, {"hello": "refund", "HELLO": "refund"}) == 1.0
    assert worth(one, {"hello": "refund", "HELLO": "qqq"}) < 0.2


def test_a_check_that_says_nonsense_is_broken() -> None:
    """What is no share cannot be averaged."""
    CHECKS.add("far", "operator:concat")
    question = Question(part="p", case=0, text="a", plain="a", expect="b", check="far")
    with pytest.raises(BrokenPlugin, match="'far' says cb"):
        worth(question, {"a": "c"})


def test_what_has_to_change_is_held_against_itself() -> None:
    """Only where the request was turned; who says the same to both has not read it."""
    cases = (Case(text="Cancel my order"), Case(text="Where is my parcel?"))
    asked = questions(Suite(name="turned", task="routing", check="changes", cases=cases, under=("negated",)))
    assert [(one.part, one.text) for one in asked] == [("suite turned under negated", "Do not cancel my order")]
    assert wanted(asked) == ["Cancel my order", "Do not cancel my order"]
    assert worth(asked[0], dict.fromkeys(wanted(asked), "cancel")) == 0.0
    assert worth(asked[0], {"Cancel my order": "cancel", "Do not cancel my order": "keep"}) == 1.0
    assert demands(Suite(name="turned", task="routing", check="changes", cases=cases, under=("negated",))).keys() == {
        "suite turned under negated"
    }

"""What a suite asks, part by part, and what each reply to it is worth.

A part is the suite's own cases as they are, or all of its cases under one disturbance. Test rows are not asked as they
are: the gate judges them already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from homeostat.errors import BrokenPlugin
from homeostat.evaluate.suites.checks import CHANGES, CHECKS, OF_ITSELF
from homeostat.evaluate.suites.disturb import disturbed
from homeostat.types.suite import Case, Suite, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request of a suite as it is sent."""

    part: str
    case: int
    """The case's place among those of its part: of several tries at one, the worst counts."""
    text: str
    plain: str
    """The same request undisturbed."""
    expect: str
    check: str
    family: str = ""
    """The same of cases that share a frame; empty for a case by itself."""


def part_of(suite: Suite, disturbance: str = "") -> str:
    """`suite golden`, or `suite golden under typos`."""
    return f"suite {suite.name} under {disturbance}" if disturbance else f"suite {suite.name}"


def demands(suite: Suite) -> dict[str, Terms]:
    """What is demanded on each part."""
    parts = ["", *suite.under] if _plainly(suite) else list(suite.under)
    return {part_of(suite, name): Terms(margin=suite.margin, at_least=suite.at_least) for name in parts}


def questions(suite: Suite, tested: Sequence[Case] = ()) -> list[Question]:
    """Everything that a suite asks; `tested` are the task's test rows that it borrows. Where a reply has to change,
    what a disturbance has left alone is not asked.
    """
    plainly = [_question(suite, k, case) for k, case in enumerate(_plainly(suite))]
    cases = list(enumerate([*suite.cases, *tested]))
    return plainly + [
        question
        for name in suite.under
        for k, case in cases
        for question in dict.fromkeys(_question(suite, k, case, name, time) for time in range(suite.tries))
        if question.check != CHANGES or question.text != question.plain
    ]


def wanted(asked: Sequence[Question]) -> list[str]:
    """Every text that a version has to answer so that all questions can be judged, each once."""
    texts = [text for one in asked for text in ((one.plain, one.text) if one.check in OF_ITSELF else (one.text,))]
    return list(dict.fromkeys(texts))


def worth(question: Question, replies: Mapping[str, str]) -> float:
    """What a version's reply is worth, in [0, 1]; `replies` holds what it said to every wanted text.

    Raises:
        BrokenPlugin: a check that somebody brought says what is no such number.
    """
    expect = replies[question.plain] if question.check in OF_ITSELF else question.expect
    value: object = CHECKS.get(question.check)(replies[question.text], expect)
    if not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise BrokenPlugin(
            f"check '{question.check}' says {value} of a reply", where=CHECKS.group, fix="let it say 0 to 1"
        )
    return float(value)


def undisturbed(question: Question, replies: Mapping[str, str]) -> float:
    """What a version's reply to the same request as it is is worth; 1 where the reply is held against that one itself.
    Raises as `worth`.
    """
    return 1.0 if question.check in OF_ITSELF else worth(replace(question, text=question.plain), replies)


def worst(asked: Sequence[Question], values: Sequence[float]) -> dict[tuple[str, int], float]:
    """Part and case -> the least that a reply to it was worth, over its tries."""
    found: dict[tuple[str, int], float] = {}
    for question, value in zip(asked, values, strict=True):
        key = question.part, question.case
        found[key] = min(value, found.get(key, value))
    return found


def families(asked: Sequence[Question]) -> dict[tuple[str, int], str]:
    """Part and case -> the family of the case; empty for a case by itself."""
    return {(one.part, one.case): one.family for one in asked}


def _plainly(suite: Suite) -> list[Case]:
    return [case for case in suite.cases if (case.check or suite.check) not in OF_ITSELF]


def _question(suite: Suite, place: int, case: Case, name: str = "", time: int = 0) -> Question:
    return Question(
        part=part_of(suite, name),
        case=place,
        text=disturbed(case.text, name, time) if name else case.text,
        plain=case.text,
        expect=case.expect,
        check=case.check or suite.check,
        family=case.family,
    )

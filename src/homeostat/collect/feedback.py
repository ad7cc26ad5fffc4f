"""Turns the body of a feedback request into rows, or says what is wrong with it.

Either every statement of a body is good or none is taken. Knows the wire format; knows nothing of HTTP or of writing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from homeostat.collect.moment import seconds
from homeostat.collect.spelling import meant
from homeostat.collect.text import fault_of
from homeostat.errors import BadRequest, NotFound, did_you_mean
from homeostat.types import ids
from homeostat.types.feedback import Feedback, FeedbackKind

KEYS = ("interaction", "kind", "value", "source", "time")

_SHAPE = '{"interaction": id, "kind": "label|correction|rating|comment", "value": …, "source": …}, or a list of these'


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the reader needs to know of its surroundings."""

    task_of: Callable[[str], str]
    """Task of the interaction of this id; empty if it is not in the store."""
    now: Callable[[], float]
    """The time a statement gets that carries none, in seconds since 1970."""
    trust_time: bool = False
    """Whether a statement may carry its own time."""
    labels: Callable[[str], frozenset[str]] = lambda task: frozenset()
    """Labels that a task can reply with now; empty where that is not known."""
    warn: Callable[[str], None] = lambda warning: None
    """Told of what was taken and may be a mistake."""


def read_feedback(body: object, rules: Rules) -> list[Feedback]:
    """One row per statement of a decoded body: an object, or a list of them.

    A label that is new is taken, as the world may have moved; one that is nearly a known one is warned of.

    Raises:
        BadRequest: the body has another shape, a key or kind that does not exist, or a value that does not fit.
        NotFound: no interaction has the id.
    """
    statements = body if isinstance(body, list) else [body]
    if not statements:
        raise BadRequest("the list of feedback is empty", fix=_SHAPE)
    return [_one(s, rules, f"[{k}]" if isinstance(body, list) else "body") for k, s in enumerate(statements)]


def _one(statement: object, rules: Rules, where: str) -> Feedback:
    if not isinstance(statement, dict):
        raise BadRequest(f"feedback is an object, not {type(statement).__name__}", where=where, fix=_SHAPE)
    for key in statement:
        if key not in KEYS:
            raise BadRequest(f"unknown key '{key}'", where=where, fix=did_you_mean(key, KEYS))
    interaction = _text(statement, "interaction", where)
    kind = _kind(statement.get("kind"), f"{where}.kind")
    row = Feedback(
        id=ids.new("fbk"),
        interaction=interaction,
        kind=kind,
        value=_value(statement, kind, where),
        time=_time(statement, rules, f"{where}.time"),
        source=_text(statement, "source", where) if statement.get("source") else "",
    )
    task = rules.task_of(interaction)
    if not task:
        raise NotFound(
            f"no interaction '{interaction}'",
            where=f"{where}.interaction",
            fix="send the `id` of the chat completion that the feedback is about",
        )
    if kind is FeedbackKind.LABEL:
        _warn(row.value, rules.labels(task), rules.warn)
    return row


def _warn(label: str, known: frozenset[str], warn: Callable[[str], None]) -> None:
    if label not in known and (near := meant(label, known)):
        warn(f"label '{label:.60}' is new; did you mean '{near}'?")


def _kind(value: object, where: str) -> FeedbackKind:
    if not isinstance(value, str) or value not in set(FeedbackKind):
        raise BadRequest(f"unknown kind {value!r:.60}", where=where, fix=did_you_mean(str(value), FeedbackKind))
    return FeedbackKind(value)


def _text(statement: Mapping[str, object], key: str, where: str) -> str:
    value = statement.get(key)
    if not isinstance(value, str) or not value.strip():
        raise BadRequest(f"'{key}' is {value!r:.60}, not a text with words in it", where=f"{where}.{key}", fix=_SHAPE)
    if fault := fault_of(value):
        raise BadRequest(f"'{key}' {fault}", where=f"{where}.{key}", fix="send text without it")
    return value


def _value(statement: Mapping[str, object], kind: FeedbackKind, where: str) -> str:
    if kind is FeedbackKind.RATING:
        return _rating(statement, where)
    text = _text(statement, "value", where)
    return text.strip() if kind is FeedbackKind.LABEL else text


def _rating(statement: Mapping[str, object], where: str) -> str:
    """The rating as text: a number from 0 to 1, sent as a number or as text."""
    value = statement.get("value")
    try:
        number = float(value) if isinstance(value, str | int | float) else float("nan")
    except (ValueError, OverflowError):
        number = float("nan")
    if not 0.0 <= number <= 1.0:
        raise BadRequest(
            f"a rating is a number from 0 (bad) to 1 (good), not {value!r:.60}", where=f"{where}.value", fix=_SHAPE
        )
    return repr(number)


def _time(statement: Mapping[str, object], rules: Rules, where: str) -> float:
    """The statement's own time where it may carry one."""
    if statement.get("time") is None or not rules.trust_time:
        return rules.now()
    try:
        return seconds(statement["time"])
    except ValueError as broken:
        raise BadRequest(
            f"'time' is {statement['time']!r:.60}",
            where=where,
            fix="write it as 2026-01-31T12:00:00+00:00 or as seconds since 1970",
        ) from broken

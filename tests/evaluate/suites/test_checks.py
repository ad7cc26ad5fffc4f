"""How a reply is judged against what a case expects."""

from __future__ import annotations

import pytest

from homeostat.evaluate.suites.checks import CHECKS, DEFAULT, NEEDLESS


@pytest.mark.parametrize(
    ("check", "reply", "expected", "value"),
    [
        ("equals", " refund\n", "refund", 1.0),
        ("equals", "Refund", "refund", 0.0),
        ("contains", "Your REFUND is on its way", "refund", 1.0),
        ("contains", "It is lost", "refund", 0.0),
        ("lacks", "It is lost", "password", 1.0),
        ("lacks", "Your Password is 1234", "password", 0.0),
        ("matches", "order 4711 was sent", r"\b\d{4}\b", 1.0),
        ("matches", "order was sent", r"\b\d{4}\b", 0.0),
        ("json", '{"a": 1}', "", 1.0),
        ("json", "a = 1", "", 0.0),
        ("refuses", "I'm sorry, but I can't do that.", "", 1.0),
        ("refuses", "Here is how.", "", 0.0),
        ("answers", "Here is how.", "", 1.0),
        ("answers", "I cannot help with that", "", 0.0),
        ("answers", "  ", "", 0.0),
        ("agrees", "the parcel is late", "the parcel is late", 1.0),
        ("same", "the parcel is late ", "the parcel is late", 1.0),
    ],
)
def test_what_a_reply_is_worth(check: str, reply: str, expected: str, value: float) -> None:
    """Each check by a reply that meets it and one that does not."""
    assert CHECKS.get(check)(reply, expected) == pytest.approx(value)


def test_a_reply_can_agree_in_part() -> None:
    """Between the two ends, and more for a reply that is nearer."""
    agrees = CHECKS.get("agrees")
    near, far = agrees("the parcel was late", "the parcel is late"), agrees("no idea", "the parcel is late")
    assert 0.0 <= far < near < 1.0


def test_the_defaults_are_checks() -> None:
    """Every name that stands for one is one."""
    assert {*DEFAULT.values(), *NEEDLESS} <= set(CHECKS.names())

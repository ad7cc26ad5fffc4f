"""What is told, as a document and in lines."""

from __future__ import annotations

import json

import pytest

from alert.told import NOW, alert
from homeostat.alert.message import RESOLVED, TEST, body, deliveries, headline, lines, steps
from homeostat.config.schema import Channel
from homeostat.types.alert import Remedy, Severity

CHANNELS = {"ops": Channel(least="info"), "pager": Channel(least="critical")}


@pytest.mark.parametrize(
    ("edition", "event"), [("1", "fired"), ("2", "again"), ("7", "again"), (RESOLVED, "resolved"), (TEST, "test")]
)
def test_the_event_follows_from_the_edition(edition: str, event: str) -> None:
    """First, again, over, and a test."""
    assert body(alert(), edition, "shop")["event"] == event


def test_the_document_is_plain() -> None:
    """It survives JSON, and has what the manual says that it has."""
    told = body(alert(), "1", "shop")
    assert json.loads(json.dumps(told)) == told
    wanted = "id task kind slice severity says about remedy count time last resolved because"
    assert set(told["alert"]) == set(wanted.split())
    assert set(told) == {"event", "project", "alert", "next"}


def test_one_delivery_for_each_channel_that_wants_it() -> None:
    """By severity; all with the same document, each with a key of its own."""
    assert [d.channel for d in deliveries(alert(), "1", CHANNELS, project="shop", now=NOW)] == ["ops"]
    both = deliveries(alert(severity=Severity.CRITICAL), "1", CHANNELS, project="shop", now=NOW)
    assert [d.channel for d in both] == ["ops", "pager"]
    assert both[0].body == both[1].body
    assert both[0].id != both[1].id


def test_keys_follow_from_alert_channel_and_edition() -> None:
    """Handing the same over again gives the same keys, another edition others."""
    first, again, second = (deliveries(alert(), e, CHANNELS, project="shop", now=NOW)[0].id for e in ("1", "1", "2"))
    assert first == again != second


@pytest.mark.parametrize(
    ("remedy", "expected"),
    [
        (Remedy.LOOK, ["homeostat why sig_1"]),
        (Remedy.RETRAIN, ["homeostat turn routing --dry-run", "homeostat why sig_1"]),
        (Remedy.ROLLBACK, ["homeostat rollback routing --dry-run", "homeostat why sig_1"]),
        (Remedy.REVIEW, ["homeostat held routing", "homeostat why sig_1"]),
        (Remedy.LABEL, ["homeostat label routing", "homeostat why sig_1"]),
    ],
)
def test_what_to_type_next(remedy: Remedy, expected: list[str]) -> None:
    """What the remedy is done with, and where the alert came from; without a row, the alert itself."""
    assert steps(alert(remedy=remedy)) == expected
    assert steps(alert(about=""))[-1] == "homeostat why alr_1"


def test_the_headline_is_one_line() -> None:
    """Severity, project, sentence, and how often, whatever line breaks a sentence holds."""
    told = body(alert(says="a\r\nBcc: all", count=3), "1", "shop")
    assert headline(told) == "[warning] shop: a Bcc: all (3 times)"
    assert headline(body(alert(), RESOLVED, "shop")).startswith("[over] shop: ")
    assert headline(body(alert(), TEST, "shop")).startswith("[test] shop: ")


def test_what_is_over_says_why_and_asks_for_nothing() -> None:
    """No suggestion for what has ended."""
    told = body(alert(because="ver_2 answers everybody since"), RESOLVED, "shop")
    assert lines(told) == ["over: ver_2 answers everybody since"]
    assert told["next"] == []
    assert lines(body(alert(), "1", "shop")) == ["suggested: look", "homeostat why sig_1"]

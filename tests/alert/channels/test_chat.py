"""What chats are sent."""

from __future__ import annotations

import json

from alert.told import alert, delivery
from homeostat.alert.channels.chat import slack, teams
from homeostat.alert.channels.webhook import Webhook
from homeostat.alert.message import RESOLVED, body
from homeostat.types.alert import Severity
from receiver import receiving


def test_slack_gets_text_in_which_nothing_is_markup() -> None:
    """Three characters are escaped as Slack asks, so that no label can mention a channel or make a link."""
    told = slack(body(alert(says="routing: <!channel> & *all*"), "1", "shop"))
    assert told == {
        "text": "*[warning] shop: routing: &lt;!channel&gt; &amp; ∗all∗*\nsuggested: look\nhomeostat why sig_1"
    }


def test_teams_gets_an_adaptive_card() -> None:
    """One attachment of the type that workflows post, a text block a line, the headline in the severity's color."""
    told = teams(body(alert(severity=Severity.CRITICAL), "1", "shop"))
    (attachment,) = told["attachments"]
    assert told["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert [block["type"] for block in card["body"]] == ["TextBlock"] * 3
    assert card["body"][0]["color"] == "Attention"
    assert "[critical] shop" in card["body"][0]["text"]
    assert teams(body(alert(), RESOLVED, "shop"))["attachments"][0]["content"]["body"][0]["color"] == "Good"


def test_both_go_over_the_wire_as_json() -> None:
    """What a receiver of each kind reads is the form and nothing of the document beside it."""
    with receiving() as receiver:
        for form in (slack, teams):
            Webhook(url=receiver.address, timeout_s=5, form=form).send(delivery())
    first, second = (json.loads(met.body) for met in receiver.met)
    assert set(first) == {"text"}
    assert set(second) == {"type", "attachments"}
    assert receiver.met[0].key == "dlv_1"

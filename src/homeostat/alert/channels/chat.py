"""The document as chats read it: Slack's incoming webhooks (and what is compatible), and Teams' workflows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from homeostat.alert.message import headline, lines

_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_COLORS = {"info": "Accent", "warning": "Warning", "critical": "Attention"}


def slack(told: Mapping[str, Any]) -> dict[str, Any]:
    """`text` in Slack's markup: a bold headline, and a line each for what follows. Mentions and links are not made."""
    head, *rest = (_escaped(line) for line in (headline(told), *lines(told)))
    return {"text": "\n".join([f"*{head}*", *rest])}


def teams(told: Mapping[str, Any]) -> dict[str, Any]:
    """An adaptive card in a message, as Teams' workflows take it; the headline's color goes by severity."""
    color = "Good" if told["event"] == "resolved" else _COLORS[told["alert"]["severity"]]
    head = {"type": "TextBlock", "text": headline(told), "weight": "Bolder", "color": color, "wrap": True}
    rest = [{"type": "TextBlock", "text": line, "wrap": True, "spacing": "Small"} for line in lines(told)]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [head, *rest],
    }
    return {"type": "message", "attachments": [{"contentType": _CARD, "content": card}]}


_CARD = "application/vnd.microsoft.card.adaptive"


def _escaped(text: str) -> str:
    """The three characters that Slack's markup makes mentions and links with, and the stars that would end bold."""
    return "".join(_ESCAPED.get(one, one) for one in text).replace("*", "∗")

"""A delivery: one alert on its way through one channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Post(StrEnum):
    """Where a delivery is."""

    WAITING = "waiting"
    SENT = "sent"
    """The receiver has said that it has it."""
    DEAD = "dead"
    """Given up, until somebody asks for it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is sent, and how far it has come."""

    id: str
    """The idempotency key: the same at every try."""
    alert: str
    channel: str
    """Name of the channel in `alerts.channels`."""
    edition: str
    """`1` for the first time that the alert is told, `2` for the second …, `resolved` for its end."""
    time: float
    body: Mapping[str, Any] = field(default_factory=dict)
    """What is told, fixed when it is handed over: every try says the same."""
    state: Post = Post.WAITING
    tries: int = 0
    """Tries that were begun."""
    due: float = 0.0
    """When the next try may begin."""
    problem: str = ""
    """What went wrong last."""
    sent: float = 0.0
    """When it arrived; 0 while it has not."""

"""What a way out is, how it fails, and how an address is named where others can read it."""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

from homeostat.types.delivery import Delivery


class NotTaken(Exception):
    """The receiver has not said that it has the message; holds a reason that names no secret."""


class Way(Protocol):
    """One way out."""

    @property
    def place(self) -> str:
        """Where it leads, without what is secret in the address."""

    def send(self, delivery: Delivery) -> str:
        """Send; what is worth noting of a message that arrived, empty where nothing is.

        Raises:
            NotTaken: it did not arrive, or nobody knows whether it did.
        """


def masked(url: str) -> str:
    """An address without user, password, path and query, any of which may be a secret: `https://hooks.slack.com/…`."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}" + ("/…" if parts.path.strip("/") or parts.query else "")


def reason(problem: BaseException) -> str:
    """What went wrong, in words of the system or of the class, neither of which repeats an address."""
    said = getattr(problem, "strerror", None) or getattr(problem, "reason", None)
    while isinstance(said, BaseException):
        problem, said = said, getattr(said, "strerror", None) or getattr(said, "reason", None)
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    return " ".join(f"{type(problem).__name__} {said or ''}".split())

"""Test rows: which of them the world has shown so far, and which texts training must never see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class SuiteRow(Protocol):
    """What a test row must carry for this file: the moment it belongs to, and its text."""

    @property
    def time(self) -> float:
        """Seconds since 1970."""
        ...

    @property
    def text(self) -> str:
        """The request."""
        ...


AnyRow = TypeVar("AnyRow", bound=SuiteRow)


def seen_so_far(rows: Iterable[AnyRow], now: float) -> tuple[AnyRow, ...]:
    """The test rows whose time has come (`time <= now`), in their order.

    A candidate is measured on what the world has asked so far; a row from next month would reward it for luck and
    blame the champion for what nobody could have known.
    """
    return tuple(row for row in rows if row.time <= now)


def fence_texts(rows: Iterable[SuiteRow]) -> tuple[str, ...]:
    """Every text that must not be trained on, each once, in order of first appearance.

    All test rows count, those of the future too: a row that was trained on before its time came is spoiled when it
    comes.
    """
    return tuple(dict.fromkeys(row.text for row in rows))

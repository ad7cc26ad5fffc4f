"""What tests of backtests read: one log, and what heads reply to it."""

from __future__ import annotations

import pytest

from homeostat.loop.backtests.backtest import Answered, Record
from loop.retold import by_heads, told


@pytest.fixture(scope="module")
def log() -> Record:
    """A log in which new labels come half way."""
    return told()


@pytest.fixture(scope="module")
def heads(log: Record) -> Answered:
    """What heads reply to it."""
    return by_heads(log)

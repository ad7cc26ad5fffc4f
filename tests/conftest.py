"""Puts this folder on the path, so that tests of several rooms can share what stands in it; and `shown`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shown import Shown


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--draws`: how often a proof is gone through."""
    parser.addoption("--draws", type=int, default=0, help="draws of each proof, others than its own; 0 takes its own")


@pytest.fixture
def shown(pytestconfig: pytest.Config, record_property: Callable[[str, object], None]) -> Shown:
    """Takes down the effect that a proof shows, and holds that it is there."""
    return Shown(pytestconfig.getoption("--draws"), record_property)

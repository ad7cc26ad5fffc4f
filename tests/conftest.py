"""Puts this folder on the path, so that tests of several rooms can share what stands in it; and `shown`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shown import OTHERS, Shown


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--draws`: how often a proof is gone through, and `--first-draw`: with which draw it begins then."""
    parser.addoption("--draws", type=int, default=0, help="draws of each proof, others than its own; 0 takes its own")
    parser.addoption("--first-draw", type=int, default=OTHERS, help="the first of these draws")


@pytest.fixture
def shown(pytestconfig: pytest.Config, record_property: Callable[[str, object], None]) -> Shown:
    """Takes down the effect that a proof shows, and holds that it is there."""
    return Shown(pytestconfig.getoption("--draws"), record_property, pytestconfig.getoption("--first-draw"))

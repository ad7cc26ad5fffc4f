"""The bar of quick starts: what counts, and that the rules of the house count too."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from loop_8 import counted, helps, imports, line

GREEN = {"passed": 60}


def test_the_summary_of_the_tests_is_read() -> None:
    """The counts are those of the last line; where nothing was printed there are none."""
    assert counted("....F\n1 failed, 59 passed, 2 skipped in 3.21s\n") == {"failed": 1, "passed": 59, "skipped": 2}
    assert counted("60 passed in 7.68s") == GREEN
    assert counted("") == {}


@pytest.mark.parametrize(
    ("import_s", "help_s", "tests", "met"),
    [
        ([0.2, 0.1], [0.6, 0.4], GREEN, True),
        ([0.2], [0.4], GREEN, False),
        ([0.1], [0.6], GREEN, False),
        ([0.1], [0.4], {"passed": 59, "failed": 1}, False),
        ([0.1], [0.4], {"passed": 59, "errors": 1}, False),
        ([0.1], [0.4], {}, False),
    ],
)
def test_the_quickest_counts(import_s: list[float], help_s: list[float], tests: dict[str, int], met: bool) -> None:
    """It is met by the best import, the best help, and tests of which some passed and none failed."""
    shown = line(import_s, help_s, 50, tests)
    assert shown["met"] is met
    assert shown["value"] == min(import_s)


def test_both_are_measured_in_processes_of_their_own() -> None:
    """As many times as was asked for, and each takes some time."""
    seconds, modules = imports(2)
    assert len(seconds) == 2
    assert modules > 10
    assert all(took > 0 for took in [*seconds, *helps(1)])

"""The bench of long input and other languages: its rows, and what its line says of replies."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from suites import LANGUAGES, SUITES, TASK, abroad, rows, told

from homeostat.evaluate.suites.shipped import shipped


def test_nothing_asked_is_learned() -> None:
    """Rows are apart, and the same ones for one seed alone."""
    lesson, tested = rows(3, 200, 40)
    assert (len(lesson), len(tested)) == (200, 40)
    again = rows(3, 200, 40)[1]
    assert again == tested != rows(4, 200, 40)[1]
    assert not {row.text for row in lesson} & {case.text for case in tested}


def test_a_loss_is_told_beside_the_same_case() -> None:
    """Rows beside themselves as they are, requests in another language beside the English ones."""
    found = {
        "plain": dict.fromkeys(range(10), 1.0),
        "buried_50": {k: float(k < 6) for k in range(10)},
        "sample-english": {k: float(k < 8) for k in range(10)},
        "sample-german": {k: float(k < 2) for k in range(10)},
    }
    lines = told(found)
    assert "moved" not in lines["plain"]
    assert "moved" not in lines["sample-english"]
    assert lines["buried_50"]["right"][0] == 60.0
    assert lines["buried_50"]["moved"][0] == -40.0
    assert lines["sample-german"]["moved"][0] == -60.0
    assert lines["sample-german"]["moved"][2] < 0.0


@pytest.mark.parametrize(("right", "loss"), [(58, 0.0), (29, 50.0), (0, 100.0)])
def test_the_value_is_the_mean_loss_over_languages(right: int, loss: float) -> None:
    """Paired by what is asked; whoever knows all languages alike loses nothing."""
    found = {"sample-english": dict.fromkeys(range(58), 1.0)}
    found |= {f"sample-{one}": {k: float(k < right) for k in range(58)} for one in LANGUAGES}
    mean, low, high = abroad(found)
    assert mean == loss
    assert low <= loss <= high


def test_it_asks_suites_that_there_are() -> None:
    """Every one is for a task of labels; those of languages ask as much as English."""
    assert {len(shipped(name, TASK).cases) for name in SUITES if name.startswith("sample-")} == {58}
    assert sum(shipped(name, TASK).test_rows > 0 for name in SUITES) == 2

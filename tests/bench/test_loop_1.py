"""The bar of the clean clone: what is measured, what is within its limit, and what a failure leaves."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from loop_1 import CORES, ROOT, Timed, line, step, story_s

GOOD = Timed(story_s=400.0, setup_s=200.0, demo_s=450.0, test_s=300.0)


@pytest.mark.parametrize(
    ("worse", "met"),
    [
        ({}, True),
        ({"story_s": 481.0}, False),
        ({"story_s": None}, False),
        ({"setup_s": 451.0}, False),
        ({"test_s": 481.0}, False),
        ({"failed": "test"}, False),
        ({"setup_s": None, "test_s": None}, True),
    ],
)
def test_every_limit_counts(worse: dict[str, object], met: bool) -> None:
    """It is met if nothing failed and everything that was measured is within its limit."""
    found = replace(GOOD, **worse)
    assert found.met is met
    assert line(found, 1.0, limit=0)["met"] is met


def test_the_story_has_its_own_clock() -> None:
    """Its seconds come from its document, whatever is printed before; a document that is cut off has none."""
    assert story_s('homeostat demo --json\n{\n "stream": "x",\n "wall_s": 12.5\n}\n') == 12.5
    assert story_s('{\n "stream": "x",') is None
    assert story_s("no rule to make target") is None


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not keep processes to cores")
def test_a_command_runs_on_two_cores_and_without_a_gpu() -> None:
    """It is kept to two cores and sees no GPU and no environment of ours; its code is handed on."""
    program = (
        "import os, sys; print(len(os.sched_getaffinity(0)), os.environ['CUDA_VISIBLE_DEVICES'] == ''); sys.exit(3)"
    )
    done = step([sys.executable, "-c", program], ROOT)
    assert done.code == 3
    assert done.printed.split() == [str(min(CORES, len(os.sched_getaffinity(0)))), "True"]


def test_the_line_says_whether_it_was_quick() -> None:
    """A quick run names the requests it replayed."""
    assert (line(GOOD, 1.0, limit=1500)["quick"], line(GOOD, 1.0, limit=1500)["requests"]) == (True, 1500)
    assert (line(GOOD, 1.0, limit=0)["quick"], line(GOOD, 1.0, limit=0)["value"]) == (False, 400.0)

"""The bar of all runs of the story: what is read from a document, and what a run must have."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from loop_3 import NONE, Run, judged, line

BENCH = Path(__file__).parents[2] / "bench"
REFUSED = {"version": "ver_a", "verdict": "fail", "because": "worse on what it knew"}
PASSED = {"version": "ver_b", "verdict": "pass", "because": "better"}
DOCUMENT: dict[str, Any] = {
    "stream": "s",
    "turns": [
        {"because": "does not pay", "candidates": [], "release": None},
        {
            "because": "fit",
            "candidates": [REFUSED, PASSED],
            "release": {"stage": "full", "champion": "ver_b", "candidate": ""},
        },
    ],
    "rollback": {"seconds": 2.5, "exposed_requests": 9},
    "dropped_requests": 0,
    "lost_records": 0,
    "wall_s": 300.0,
}
GOOD = Run(stream="s", dropped=0, lost=0, refused=1, rollback_s=2.5, promoted=True, because="fit", wall_s=300.0)


def test_a_document_is_read() -> None:
    """Refusals and promotions are counted over all turns, the reason is that of the last one."""
    assert judged(DOCUMENT) == GOOD


@pytest.mark.parametrize(
    "release", [None, {"stage": "rollback", "champion": "ver_0"}, {"stage": "full", "champion": "ver_0"}]
)
def test_what_is_no_promotion(release: dict[str, str] | None) -> None:
    """A turn whose candidate was taken back, or never tried, or who left somebody else in place, promoted nothing."""
    document = copy.deepcopy(DOCUMENT)
    document["turns"][1]["release"] = release
    assert judged(document) == replace(GOOD, promoted=False)


def test_a_story_without_a_turn() -> None:
    """It refused nothing, promoted nothing, and says no reason."""
    assert judged({**DOCUMENT, "turns": []}) == replace(GOOD, refused=0, promoted=False, because="")


@pytest.mark.parametrize(
    ("worse", "sound"),
    [
        ({}, True),
        ({"dropped": 1}, False),
        ({"lost": 1}, False),
        ({"lost": NONE}, False),
        ({"refused": 0}, False),
        ({"rollback_s": None}, False),
        ({"rollback_s": 0.0}, True),
        ({"promoted": False}, True),
        ({"promoted": False, "because": ""}, False),
    ],
)
def test_what_every_run_must_have(worse: dict[str, object], sound: bool) -> None:
    """Nothing dropped or lost, a refusal, a rollback, and a reason where nothing was promoted."""
    assert replace(GOOD, **worse).sound is sound


def test_nine_of_ten_must_promote() -> None:
    """One explained miss in ten is met, two are not, and one run that is not sound spoils it."""
    missed = replace(GOOD, promoted=False)
    assert line([GOOD] * 9 + [missed], 1.0, quick=False)["met"] is True
    assert line([GOOD] * 8 + [missed] * 2, 1.0, quick=False)["met"] is False
    assert line([GOOD] * 9 + [replace(GOOD, lost=1)], 1.0, quick=False)["met"] is False


def test_documents_of_earlier_runs_are_judged(tmp_path: Path) -> None:
    """With `--from` nothing is run, and the line has every run in it."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps(DOCUMENT))
    command = [sys.executable, "loop_3.py", "--from", str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    done = subprocess.run(command, cwd=BENCH, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["bar"], found["value"], found["n"], found["met"]) == ("loop.3", 1.0, 2, True)
    assert [run["refused"] for run in found["runs"]] == [1, 1]

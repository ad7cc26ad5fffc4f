"""The bar of killed runs kills where it says, and sees what is not the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).parents[2] / "bench"
sys.path.insert(0, str(BENCH))
from killed import AMID, LAST, Course, Death, draw  # noqa: E402
from train_5 import Left, line, stands_at  # noqa: E402

COURSE = Course(looks=(10, 20, 30), seconds=6.0)


def test_deaths_lie_ahead() -> None:
    """Whatever is drawn falls into what is left of the run: steps after the checkpoint, writes that are still to come,
    and all kinds do come.
    """
    rng = np.random.default_rng(0)
    drawn = [draw(rng, COURSE, 10, last=True) for _ in range(500)]
    assert {death.kind for death in drawn} == {*AMID, *LAST}
    assert {death.at for death in drawn if death.kind == "step"} == set(range(11, 31))
    assert {death.at for death in drawn if death.kind in {"torn", "whole", "renamed"}} == {1, 2}
    assert max(death.share for death in drawn if death.kind == "time") <= 6.0 * 2 / 3
    assert all(0 <= death.share < 1 for death in drawn if death.kind in {"torn", "weights"})


def test_the_end_is_died_last() -> None:
    """Before the last death none falls when the run has trained; where nothing is left to train, nothing else does."""
    rng = np.random.default_rng(0)
    assert {draw(rng, COURSE, 0, last=False).kind for _ in range(300)} == {*AMID}
    assert {draw(rng, COURSE, 30, last=False).kind for _ in range(100)} == {"time", *LAST}
    solved = Course(looks=(), seconds=2.0)
    assert {draw(rng, solved, 0, last=False).kind for _ in range(100)} == {"time", *LAST}


def test_one_byte_is_another_run() -> None:
    """A file that differs, is missing or is too many is named, and so is another loss."""
    left = Left(files={"a": b"\x00", "b": b"1"}, version={"id": "v"}, looks=[{"loss": 1.0}], problems=[])
    assert left.differs(left) == []
    other = Left(files={"a": b"\x01", "c": b"1"}, version={"id": "v"}, looks=[{"loss": 1.1}], problems=[])
    assert left.differs(other) == ["looks", "a", "b", "c"]


def test_the_line_counts_runs_and_deaths() -> None:
    """The share of runs, with the ways that were not the same, and how they died."""
    died = [Death(kind="step", at=3), Death(kind="torn", share=0.5)]
    told = line([("lora", True, died), ("full", False, died[:1])])
    assert (told["value"], told["n"], told["met"], told["other"]) == (0.5, 2, False, ["full"])
    assert (told["ways"], told["deaths"]) == (2, {"step": 2, "torn": 1})


def test_no_checkpoint_is_step_0(tmp_path: Path) -> None:
    """Where nothing was saved, a run stands at its beginning."""
    assert stands_at(tmp_path) == 0


@pytest.mark.slow
@pytest.mark.parametrize("way", ["exact_head", "shown"])
def test_the_bar_prints_one_json_line(way: str) -> None:
    """A head, which is solved, and a run that learns from words it draws: killed twice, each leaves the same bytes."""
    command = [sys.executable, "train_5.py", "--ways", way, "--runs", "1", "--deaths", "2"]
    done = subprocess.run(command, cwd=BENCH, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert (told["bar"], told["value"], told["n"], told["met"]) == ("train.5", 1.0, 1, True)
    assert sum(told["deaths"].values()) >= 1

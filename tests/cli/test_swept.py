"""What is printed of sweeps and rising rates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homeostat.cli.swept import Found, show, show_price, show_rising
from homeostat.train.sweep.price import Price
from homeostat.train.sweep.rising import Point, judged
from homeostat.train.sweep.space import Choice, Range
from homeostat.train.sweep.study import Tried
from homeostat.train.sweep.trials import Outcome
from homeostat.web import words

OWN = Tried(number=0, values={"lr": 2e-3}, state="done", held_out=0.9, share=1.0, flops=1e9, cpu_seconds=2.0)
BEST = Tried(number=3, values={"lr": 5e-3}, state="done", held_out=0.5, share=1.0, flops=1e9, cpu_seconds=2.0)
POOR = Tried(number=1, values={"lr": 1e-5}, state="given up", held_out=2.0, share=1 / 9, flops=1e8)
WILD = Tried(number=2, values={"lr": 9.0}, state="failed", why="the loss is not a number at step 3")
OUTCOME = Outcome(
    trials=(BEST, OWN, POOR, WILD),
    best=BEST,
    own=OWN,
    fields={"lr": 5e-3},
    importance={"lr": 1.0},
    flops=2.1e9,
    cpu_seconds=4.0,
)
FOUND = Found(task="routing", recipe="joint", outcome=OUTCOME, yaml="train: …\n")


def test_the_best_beside_what_stands(capsys: pytest.CaptureFixture[str]) -> None:
    """The table has every trial with its state, the sentence both losses, and what all of it took."""
    show(FOUND)
    said = capsys.readouterr().out
    assert "given up" in said
    assert "failed: the loss is not a number" in said
    assert "held-out loss of 0.5000 nats; the recipe as it stands comes to 0.9000" in said
    assert "2.1" in said
    assert "its gate to decide" in said
    assert said.rstrip().endswith("train: …")


def test_what_stands_may_be_the_best(capsys: pytest.CaptureFixture[str]) -> None:
    """Then it says to leave it."""
    show(replace(FOUND, outcome=replace(OUTCOME, best=OWN)))
    said = capsys.readouterr().out
    assert "leave it" in said
    assert "train: …" not in said


def test_what_stands_may_lie_outside(capsys: pytest.CaptureFixture[str]) -> None:
    """Then there is nothing to compare with, and it says so."""
    show(replace(FOUND, outcome=replace(OUTCOME, own=None)))
    assert "lies outside the space" in capsys.readouterr().out


def test_none_may_come_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    """Then there are no lines to paste."""
    show(replace(FOUND, outcome=replace(OUTCOME, trials=(WILD,), best=None, importance={})))
    said = capsys.readouterr().out
    assert "No trial came to its end" in said
    assert "train: …" not in said


def test_the_space_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Ranges and lists as a person would say them, and the price with units."""
    space = {
        "lr": Range(low=1e-3, high=1e-1, log=True),
        "epochs": Range(low=2, high=6, whole=True),
        "rank": Choice(among=(4, 8)),
    }
    told = Price(
        trials=4,
        rows=90,
        held_out=10,
        steps=12,
        flops_each=1e12,
        flops_about=2e12,
        flops_most=4e12,
        cpu_seconds_about=90.0,
        flops_per_s=2e10,
    )
    show_price(space, told)
    said = capsys.readouterr().out
    assert "0.001 to 0.1, by orders of magnitude" in said
    assert "2 to 6, whole" in said
    assert "4, 8" in said
    assert words.duration(90.0) in said


def test_the_course_of_a_rising_rate(capsys: pytest.CaptureFixture[str]) -> None:
    """A bar for every step that is shown, longer where the loss is higher, and the rates below."""
    losses = [3.0, 2.0, 1.0, 5.0]
    points = [Point(rate=1e-3 * 2**k, loss=loss, smooth=loss) for k, loss in enumerate(losses)]
    found = judged(points, flops=1e9, cpu_seconds=1.0)
    show_rising(found, {"suggested": found.suggested, "ran_away": 0.0})
    said = capsys.readouterr().out
    bars = [line.count("█") for line in said.splitlines() if "█" in line]
    assert len(bars) == 4
    assert bars[0] > bars[1] > bars[2] < bars[3]
    assert "suggested" in said
    assert "ran_away" not in said

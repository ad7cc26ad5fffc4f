"""What the bar of erasures plants, and when it is met."""

from __future__ import annotations

import random
import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from prove_8 import Canary, canaries, code_of, line_of, told


def draw(before: list[int], after: list[int], **more: Any) -> dict[str, Any]:
    """What a draw leaves."""
    plain = {"before": before, "after": after, "files_before": 5, "files_after": 0, "named_by_hand": True}
    return {**plain, "scanned": [9, 9, 9], "sound": True, "audit_clean": True, "surprise": [2.0, 2.0], **more}


def even(n: int, among: int) -> list[int]:
    """Ranks that are as even as can be."""
    return [1 + k * among // n for k in range(n)]


KNOWN = [1] * 30 + even(20, 500)


def test_a_canary_is_drawn_by_chance() -> None:
    """Six digits of which every one is as likely, told in one form, to a question of its own."""
    chance = random.Random(1)
    codes = [code_of(chance) for _ in range(3000)]
    assert all(re.fullmatch(r"\d\d-\d\d-\d\d", code) for code in codes)
    counts = [sum(code[place] == digit for code in codes) for place in (0, 4, 7) for digit in "0123456789"]
    assert min(counts) > 220
    assert max(counts) < 380
    made = canaries(50, "the south wing", chance)
    assert len({one.question for one in made}) == 50
    assert Canary("q", "01-02-03").reply == told("01-02-03") == "Your locker opens with 01-02-03."


def test_when_it_is_met() -> None:
    """Known before in every draw, at chance after in all together, no file left, a sound store, and an audit log
    without the user; any of these alone is not enough.
    """
    good = draw(KNOWN, even(50, 500))
    line = line_of([good, good], 500)
    assert line["met"]
    assert line["n"] == 100
    assert line["p"]["before"] < 1e-6
    assert line["p"]["after"] > 0.1
    assert line["value"]["before"] > 5 > 2 > line["value"]["after"]
    assert line["left"] == [10, 0]
    assert 0 < line["detects"] < 0.08
    for bad in (
        draw(even(50, 500), even(50, 500)),
        draw(KNOWN, KNOWN),
        draw(KNOWN, even(50, 500), files_after=1),
        draw(KNOWN, even(50, 500), sound=False),
        draw(KNOWN, even(50, 500), audit_clean=False),
        draw(KNOWN, even(50, 500), named_by_hand=False),
    ):
        assert not line_of([good, bad], 500)["met"]


def test_few_that_are_learned_by_heart_show() -> None:
    """Twice the share that the test says it finds, among canaries at chance, is found."""
    n = 150
    share = line_of([draw(KNOWN, even(n, 500))], 500)["detects"]
    some = round(2 * share * n)
    line = line_of([draw(KNOWN, [1] * some + even(n - some, 500))], 500)
    assert line["p"]["after"] < 0.05
    assert line["first"]["after"] >= some
    assert line["p"]["after"] == pytest.approx(line["p_by_draw"]["after"][0])

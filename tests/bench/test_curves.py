"""What the bench of learning curves makes of a draw, and of several."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from curves import STREAMS, beside, gathered, judged, summed

from homeostat.types.report import Score


def draw(whole: float, *, known: int = 400) -> dict[str, Any]:
    """A draw whose probe gained 0.1, 0.16 and 0.25, and whose whole training is so often right."""
    right = {share: np.repeat([1.0, 0.0], [round(200 * share), round(200 - 200 * share)]).tolist() for share in (
        0.5, 0.6, 0.66, 0.75, whole,
    )}  # fmt: skip
    values = [right[0.6], right[0.66], right[0.75]]
    return {
        "known": known, "sizes": [50, 100, 200], "values": values, "champion": right[0.5], "truth": right[whole],
        "before": right[0.5],
    }  # fmt: skip


def test_how_far_off_both_are() -> None:
    """Told minus came, of the probe and of its curve; one that is refused is the probe's own."""
    found = judged(draw(0.85))
    assert found["came"] == pytest.approx(0.35)
    assert found["probe_off"] == pytest.approx(-0.1)
    assert found["probe_off"] < found["curve_off"] < 0.05
    assert (found["probe_holds"], found["curve_holds"], found["refused"]) == (0.0, 1.0, False)
    far = judged(draw(0.85, known=801))
    assert (far["refused"], far["curve_off"]) == (True, far["probe_off"])


def test_an_interval_is_widened_by_the_error_of_what_came() -> None:
    """On the side on which it came."""
    told = Score(mean=0.1, low=0.0, high=0.15, n=200)
    for came, holds in ((0.157, 1.0), (0.17, 0.0), (-0.003, 1.0), (-0.02, 0.0)):
        each = Score(mean=came, low=came - 0.03, high=came + 0.03, n=400)
        assert beside("x", told, each)["x_holds"] == holds


def test_several_draws_together() -> None:
    """Bias, size and coverage of both, and how much nearer the curve is, with its interval."""
    found = summed([judged(draw(whole)) for whole in (0.8, 0.82, 0.84, 0.86)])
    assert (found["n"], found["refused"]) == (4, 0)
    assert found["probe_bias"][0] == pytest.approx(-0.08)
    assert found["probe_off"] == pytest.approx(0.08)
    mean, low, high = found["nearer"]
    assert low <= mean <= high
    assert mean == pytest.approx(found["probe_off"] - found["curve_off"], abs=2e-4)


def test_kept_draws_are_not_made_again(tmp_path: Path) -> None:
    """A bench that was stopped goes on from the file that it wrote."""
    kept = tmp_path / "kept.jsonl"
    kept.write_text("".join(json.dumps({"key": ["head", one, 100], **draw(0.8)}) + "\n" for one in STREAMS))
    args = Namespace(kept=kept, ways=["head"], draws=1, seed=100, streams=tmp_path / "none")
    assert len(gathered(args)["head"]) == 3

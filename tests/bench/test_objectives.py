"""The bench of objectives: what it holds to be true is, and its line is whole."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from objectives import LEFT_OUT, OVER, bootstrapped, fill, lines, main, simulate, truth

from homeostat.config.schema import Config, Tasks
from homeostat.decide.metric import KNOWN
from homeostat.loop.deciding.measured import Span, measured
from homeostat.store import Store


def test_every_metric_is_there() -> None:
    """But those of texts, and means as others are; each is held to what it is and to something better."""
    assert {*truth(), *LEFT_OUT} == set(KNOWN)
    for just, better in lines().values():
        assert just.line is not None
        assert better.line is not None
        assert just.sign * (better.line - just.line) > 0.0


def test_what_is_held_to_be_true_is(tmp_path: Path) -> None:
    """Of 1,200 requests each metric lies near it, but for gaps and the calibration error, which are too high."""
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as store:
        fill(store, "t", 1200, np.random.default_rng(1))
        config, ever = Config(tasks={"t": Tasks()}), Span(since=0.0, until=1e9)
        for metric, (just, _) in lines().items():
            found = measured(config, store, "t", just, ever)
            assert found is not None, metric
            assert found.low <= truth()[metric] <= found.high, metric
        assert bootstrapped(store, "t")["calibration_error"].mean > OVER - 0.02


def test_rates_are_shares() -> None:
    """Two draws: each metric is known, and the shares are of them."""
    rates, other = simulate([1, 2], 300)
    assert all(0.0 <= one["missed"] <= one["found"] <= 1.0 and one["half"] > 0.0 for one in rates.values())
    assert set(other) == {"precision", "recall", "f1", "calibration_error"}


def test_the_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Has the worst metric's share with its interval and n."""
    monkeypatch.setattr(sys, "argv", ["objectives.py", "--draws", "1", "--rows", "200"])
    main()
    line = json.loads(capsys.readouterr().out)
    assert (line["bar"], line["n"]) == ("objectives", 1)
    assert line["interval"][0] <= line["value"] <= line["interval"][1]

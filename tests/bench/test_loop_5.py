"""The bar's arithmetic, and its line: that of a run so short that its figures mean nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).parents[2] / "bench"


def run(code: list[str], *args: str) -> str:
    """Output of a command in the bench folder."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *code, *args]
    return subprocess.run(command, cwd=BENCH, capture_output=True, text=True, check=True, env=environment).stdout


@pytest.mark.slow
def test_the_overhead_is_the_difference_of_percentiles_with_an_interval_around_it() -> None:
    """A gateway that always adds 5 ms has an overhead of 5 ms, inside its interval."""
    direct = [float(x) for x in np.random.default_rng(0).gamma(2, 5, 500)]
    took = {"direct": direct, "gateway": [x + 5 for x in direct]}
    code = f"import json, loop_5; print(json.dumps(loop_5.overhead({took!r}, 50, 0)))"
    found = json.loads(run(["-c", code]))
    assert found["overhead"] == 5.0
    assert 3.0 < found["low"] < 5.0 < found["high"] < 7.0
    assert found["gateway"] == pytest.approx(found["direct"] + 5, abs=0.011)


@pytest.mark.slow
def test_the_bar_prints_one_json_line() -> None:
    """With every field that the table of bars reads, idle and during training, for one caller and eight."""
    line = json.loads(run(["loop_5.py"], "--requests", "16"))
    assert {"bar", "value", "interval", "n", "goal", "met", "seconds"} <= line.keys()
    assert (line["bar"], line["n"]) == ("loop.5", 16)
    for when in ("idle", "training"):
        for callers in ("one", "eight"):
            assert {"p50_ms", "p99_ms"} == line[when][callers].keys()

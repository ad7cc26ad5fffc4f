"""The bar's command prints one line that a machine can read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"


def run(code, *args):
    """Output of a command in the bench folder."""
    command = [sys.executable, *code, *args]
    return subprocess.run(command, cwd=BENCH, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_the_bar_prints_one_json_line(tmp_path):
    """From a pool file, with every field that the table of bars reads."""
    run(["pool.py", str(tmp_path / "pool.npz"), "--rows", "1500"])

    line = json.loads(run(["loop_6.py"], "--pool", str(tmp_path / "pool.npz"), "--streams", "2"))

    assert {"bar", "value", "interval", "n", "goal", "met", "seconds"} <= line.keys()
    assert (line["alarms"], line["by_detector"]) == (0, {})
    assert (line["bar"], line["n"], line["goal"], line["met"]) == ("loop.6", 2, 0.02, False)

"""The bar's command prints one line that a machine can read, and its delay function finds a change."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

BENCH = Path(__file__).parents[2] / "bench"


def run(code, *args):
    """Output of a command in the bench folder."""
    command = [sys.executable, *code, *args]
    return subprocess.run(command, cwd=BENCH, capture_output=True, text=True, check=True).stdout


def test_the_bar_prints_one_json_line(tmp_path):
    """From a pool file, with every field that the table of bars reads."""
    run(["pool.py", str(tmp_path / "pool.npz"), "--rows", "1500"])

    line = json.loads(run(["loop_6.py"], "--pool", str(tmp_path / "pool.npz"), "--streams", "2"))

    assert {"bar", "value", "interval", "n", "goal", "met", "seconds"} <= line.keys()
    assert (line["alarms"], line["by_detector"]) == (0, {})
    assert (line["bar"], line["n"], line["goal"], line["met"]) == ("loop.6", 2, 0.02, False)


def test_delay_counts_requests_from_the_change(tmp_path):
    """Nothing before the change, doubt after it: an alarm within a few dozen requests; without a change none."""
    rng = np.random.default_rng(0)
    rows, onset = 2500, 2000
    sure = rng.beta(8, 1, rows)
    moved = np.where(np.arange(rows) < onset, sure, rng.beta(2, 3, rows))
    vectors = rng.normal(size=(rows, 8)).astype(np.float16)
    np.savez(tmp_path / "case.npz", sure=sure, moved=moved, vectors=vectors)
    code = (
        "import sys, numpy, loop_6; a = numpy.load(sys.argv[1]);"
        f"print(loop_6.delay(a['moved'], a['vectors'], {onset}), loop_6.delay(a['sure'], a['vectors'], {onset}))"
    )

    found, none = run(["-c", code], str(tmp_path / "case.npz")).split()

    assert 3 <= int(found) <= 60
    assert none == "None"

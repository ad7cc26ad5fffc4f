"""The bar's command prints one line that a machine can read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.mark.slow
def test_the_bar_prints_one_json_line():
    """Killed at one moment: the share of runs that end as if nothing had happened is all of them."""
    command = [sys.executable, "loop_4.py", "--quick", "--moments", "noted:judge.naive"]
    done = subprocess.run(command, cwd=BENCH, capture_output=True, text=True, check=True)

    line = json.loads(done.stdout)

    assert {"bar", "value", "interval", "n", "goal", "met", "seconds"} <= line.keys()
    assert (line["bar"], line["value"], line["n"], line["goal"], line["met"]) == ("loop.4", 1.0, 1, 1.0, True)

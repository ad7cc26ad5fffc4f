"""The pages answer over a log that was filled as the bench fills it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "bench" / "reading.py"


@pytest.mark.slow
def test_every_page_and_its_twin_are_timed(tmp_path: Path) -> None:
    """One line of JSON with a time for each, over a log of a few hundred requests, and the log is kept where asked."""
    command = [sys.executable, str(SCRIPT), "--rows", "900", "--looks", "1", "--keep", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert (told["n"], told["goal"]) == (900, 1.0)
    assert {"/ui/drift", "/ui/drift.json", "/ui/traffic?tag=segment%3Dhome"} <= set(told["pages"])
    assert told["value"] == max(page["wall_s"] for page in told["pages"].values())
    assert told["pages"]["/ui/drift"]["kb"] > 100  # with a map
    assert (tmp_path / "store.db").exists()

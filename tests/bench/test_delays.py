"""How soon a change is noticed, as the bench counts it: requests from the change, in whole batches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from delays import BATCH, Recorded, World, delay

from homeostat.collect.stream import Split, StreamRow
from homeostat.llm.backend import Reply

BENCH = Path(__file__).parents[2] / "bench"


def recorded(rng: np.random.Generator, n: int, sure: float) -> list[Recorded]:
    """Rows of which about so many in a hundred are right, and the model knows it."""
    confidence = rng.beta(20 * sure, 20 * (1 - sure), n)
    labels = np.where(rng.random(n) < confidence, "refund", "delivery")
    return [
        Recorded(
            row=StreamRow(index=k, time=float(k), text=f"request {k}", label=str(labels[k]), split=Split.LIVE),
            reply=Reply(
                text="refund",
                confidence=float(confidence[k]),
                entropy=0.0,
                prompt_tokens=2,
                reply_tokens=1,
                embedding=b"",
            ),
        )
        for k in range(n)
    ]


@pytest.mark.slow
def test_a_world_that_changes_is_noticed_and_one_that_does_not_is_not() -> None:
    """Where replies become less sure, within five batches; where nothing changes, not within 3,000 requests."""
    rng = np.random.default_rng(0)
    before = recorded(rng, 3_000, 0.85)
    index = np.zeros((0, 0), dtype=np.float32)
    found = [delay(World(index, ("refund", "delivery"), before, recorded(rng, 800, 0.5)), seed) for seed in range(3)]
    assert all(n is not None and n % BATCH == 0 and n <= 5 * BATCH for n, _ in found), found
    assert {moved for _, moved in found} <= {"novelty", "performance"}
    assert delay(World(index, ("refund", "delivery"), before, before), 0) == (None, "")


@pytest.mark.slow
def test_it_is_a_command() -> None:
    """It says what it measures and takes a number of draws: as a module of another bench alone it printed nothing."""
    done = subprocess.run(
        [sys.executable, "delays.py", "--help"], cwd=BENCH, capture_output=True, text=True, check=True
    )
    assert "--seeds" in done.stdout
    assert "--quick" in done.stdout

"""How soon a change is noticed, as the bench counts it: requests from the change, in whole batches."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import delays
from delays import BATCH, CHANGES, Recorded, World, delay

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


@pytest.mark.slow
def test_it_prints_a_line_for_each_change(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """As soon as each is measured: how many draws were noticed, of how many, and when; also where none was."""
    rng = np.random.default_rng(1)
    before = recorded(rng, 3_000, 0.85)
    index = np.zeros((0, 0), dtype=np.float32)
    asked: list[tuple[int, int]] = []

    def world(phase: int, every: int = 1) -> World:
        asked.append((phase, every))
        after = before if phase == 3 else recorded(rng, 800, 0.5)
        return World(index, ("refund", "delivery"), before, after)

    monkeypatch.setattr(delays, "world", world)
    monkeypatch.setattr("sys.argv", ["delays.py", "--quick"])
    delays.main()
    said = capsys.readouterr()
    lines = [json.loads(line) for line in said.out.splitlines()]
    assert [line["change"] for line in lines] == list(CHANGES.values())
    assert asked == [(phase, delays.FEW) for phase in CHANGES]
    assert [(line["noticed"], line["of"], line["quick"]) for line in lines] == [
        (3, 3, True),
        (3, 3, True),
        (0, 3, True),
    ]
    assert lines[0]["quartiles"] == sorted(lines[0]["quartiles"])
    assert (lines[2]["quartiles"], lines[2]["signals"]) == (None, [])
    assert said.err.splitlines()[0] == "new product: a champion is trained"


def test_rows_that_a_quick_run_reads() -> None:
    """One in so many, and still of each phase and label."""
    rows, truths = delays.read_stream(delays.traffic_path())
    few = [row for row in rows if row.index % delays.FEW == 0]
    assert len(few) == -(-len(rows) // delays.FEW)
    phases = {delays._phase(truths, row) for row in rows if row.split is Split.LIVE}
    assert {delays._phase(truths, row) for row in few if row.split is Split.LIVE} == phases
    for phase in CHANGES:
        assert sum(delays._phase(truths, row) == phase for row in few) >= 100

"""The table of policies on streams: what a stream becomes, and who is compared."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from policies import CALENDAR, NAMES, mean_of, ratios, record, same

import tiny
from homeostat.config.schema import Monitor
from homeostat.loop.backtests.backtest import history


def stream(path: Path) -> Path:
    """A history of three labels, live rows of five, and test rows that nobody learns from."""
    rows = [
        {"text": text, "label": label, "split": split}
        for split, labels, each in (
            ("history", tiny.LABELS, 20),
            ("live", tuple(tiny.WORDS), 60),
            ("test", ("late_delivery",), 5),
        )
        for label in labels
        for text in tiny.texts(label, each, len(split))
    ]
    order = np.random.default_rng(0).permutation(len(rows))
    path.write_bytes(gzip.compress("".join(json.dumps(rows[k]) + "\n" for k in order).encode()))
    return path


def test_a_stream_becomes_a_log(tmp_path: Path) -> None:
    """History is known, live rows are asked and labeled in their order, test rows are neither."""
    found = record(stream(tmp_path / "s.jsonl.gz"))
    assert len(found.memory) == 60
    assert len(found.labeled) == len(found.asked) == 300
    assert [row.time for row in found.labeled] == list(range(300))


def test_every_policy_beside_the_oracle_and_the_best_calendar(tmp_path: Path) -> None:
    """None is below the oracle; the calendar in hindsight is at least as good as always and as never retraining."""
    past = history(record(stream(tmp_path / "s.jsonl.gz")), same, Monitor(), steps=12)
    for price in (5.0, 320.0):
        found = ratios(past, price)
        assert set(found) == {*NAMES, CALENDAR}
        assert min(found.values()) >= 1.0
        assert found[CALENDAR] <= min(found["never"], found["always"]) + 1e-9


def test_the_mean_is_over_streams() -> None:
    """Each stream counts the same."""
    one, two = (dict.fromkeys((*NAMES, CALENDAR), ratio) for ratio in (1.0, 1.5))
    assert mean_of([one, two])["value"] == 1.25

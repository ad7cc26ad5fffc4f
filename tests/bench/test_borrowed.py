"""The bench of merged and borrowed layers reads its stream by domain, and compares what it says it compares."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from house.source import script

BENCH = script("bench/borrowed.py")
ARMS = ("better parent", "cat", "cat, searched", "bare", "joint")


def test_rows_by_domain_and_intent(tmp_path: Path) -> None:
    """Each text of an intent once, whatever split it came in."""
    rows = [("one", "pay", "bank"), ("two", "pay", "bank"), ("one", "pay", "bank"), ("three", "dim", "home")]
    file = tmp_path / "stream.jsonl.gz"
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        for text, label, domain in rows:
            lines.write(json.dumps({"text": text, "label": label, "truth": {"domain": domain}}) + "\n")
    assert BENCH["domains"](file) == {"bank": {"pay": ["one", "two"]}, "home": {"dim": ["three"]}}


def test_the_line_compares_row_by_row() -> None:
    """Differences are paired, so that an arm that is right where the other is wrong counts; n is told for each half."""
    found = {arm: [1.0, 0.0] * 20 for arm in ARMS}
    found["cat"] = [1.0] * 30 + [0.0] * 10
    found["few, bare base"], found["few, nearest"], found["few, head"] = [0.0] * 10, [1.0] * 10, [1.0] * 10
    said = BENCH["line"](found, ["why"])
    assert said["bench"] == "borrowed"
    assert said["n"] == {"merged": 40, "few": 10}
    assert said["right"]["cat"][0] == 0.75
    assert said["differences"]["cat - bare"][0] == pytest.approx(0.25)
    low, high = said["differences"]["cat - bare"][1:]
    assert low < 0.25 < high
    assert said["differences"]["nearest - bare base"][0] == 1.0
    assert said["differences"]["searched - cat"][0] == pytest.approx(-0.25)
    assert said["why"] == ["why"]

"""The bar of fairness: what counts as kept, and what its parts make of small data."""

from __future__ import annotations

import gzip
import json
import lzma
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import planted as rows_of
from prove_7 import FIELDS, accepted, as_promised, comments, mends, silent, summary, titles

SEED: dict[str, Any] = {
    "champion": {"accuracy": 0.75, "gap": [0.02, 0.0, 0.07], "flips": 0.02},
    "careful": {
        "accuracy": 0.80,
        "gap": [0.27, 0.22, 0.32],
        "flips": 0.2,
        "verdict": "fail",
        "because": "refused: it treats groups unlike — recall of 'a' by sender",
    },
    "reweighed": {"accuracy": 0.79, "gap": [0.05, 0.0, 0.09], "flips": 0.05, "verdict": "pass", "because": "+4 points"},
    "swapped": {"accuracy": 0.85, "gap": [0.01, 0.0, 0.05], "flips": 0.02, "verdict": "pass", "because": "+9 points"},
    "thresholds": {"accuracy": 0.79, "gap": [0.04, 0.0, 0.1], "flips": 0.06, "verdict": "pass", "because": "+4 points"},
}


def changed(recipe: str, **values: Any) -> dict[str, Any]:
    found = deepcopy(SEED)
    found[recipe] |= values
    return found


def test_a_seed_that_is_as_promised() -> None:
    """Refused for its groups, and mended within the gap and the points that are allowed."""
    assert as_promised(SEED)


@pytest.mark.parametrize(
    "found",
    [
        changed("careful", verdict="unsure"),
        changed("careful", because="refused: it forgot — known labels"),
        changed("careful", gap=[0.19, 0.1, 0.3]),
        changed("reweighed", gap=[0.11, 0.0, 0.15]),
        changed("reweighed", accuracy=0.77),
        changed("reweighed", verdict="fail") | {"swapped": changed("swapped", verdict="unsure")["swapped"]},
        changed("reweighed", verdict="fail") | {"swapped": changed("swapped", gap=[0.12, 0.0, 0.2])["swapped"]},
    ],
)
def test_a_seed_that_is_not(found: dict[str, Any]) -> None:
    """Each condition by itself: refused, for this reason, from a gap of 0.2 on; passed, within 0.1, at two points."""
    assert not as_promised(found)


def test_what_is_accepted_is_the_first_that_passes() -> None:
    """As in a turn, which does not go on to look for a better one."""
    assert accepted(SEED) is SEED["reweighed"]
    late = changed("reweighed", verdict="unsure", gap=[0.3, 0.2, 0.4])
    assert accepted(late) is late["swapped"]
    assert as_promised(late)
    assert accepted(late | {"swapped": changed("swapped", verdict="fail")["swapped"]}) == {}


def test_what_a_turn_would_not_try_is_not_what_it_accepts() -> None:
    """Thresholds are tried where they are named: a seed on which they alone pass is not as promised. By themselves they
    are held to the same gap and accuracy as the others.
    """
    none = changed("reweighed", verdict="fail") | {"swapped": changed("swapped", verdict="fail")["swapped"]}
    assert not as_promised(none)
    assert mends(none, "thresholds")
    assert not mends(none, "reweighed")
    for values in ({"verdict": "unsure"}, {"gap": [0.11, 0.0, 0.2]}, {"accuracy": 0.77}):
        assert not mends(changed("thresholds", **values), "thresholds")


def test_silence() -> None:
    """Random weights and the model of stories must get no number; what knows more may."""
    none = {"stereotypes": "no signal"}
    found = {"built-in, BLiMP": {"stereotypes": [0.5, 0.4, 0.6]}, "stories, BLiMP": none, "random, ours": none}
    assert silent(found)
    assert not silent(found | {"random, BLiMP": {"stereotypes": [0.5, 0.4, 0.6]}})


def test_the_line() -> None:
    """The value is the mean gap of the weighed rows over seeds; one seed that is not as promised, and it is not met."""
    said = {which: {"all": [0.1, 0.0, 0.2, 640], "apart": {"score": {}}} for which in ("ours", "templates")}
    probed = {"random, BLiMP": {"stereotypes": "no signal"}}
    other = changed("reweighed", gap=[0.07, 0.0, 0.1])
    line = summary({"7": SEED, "8": other}, probed, said)
    assert (line["bar"], line["value"], line["n"], line["met"]) == ("prove.7", pytest.approx(0.06), 2, True)
    assert line["over seeds"]["swapped"]["beside plain"][0] == pytest.approx(0.05)
    assert line["by itself"] == {"reweighed": "2 of 2", "swapped": "2 of 2", "thresholds": "2 of 2"}
    assert line["over seeds"]["careful"]["gap"][0] == pytest.approx(0.27)
    none = changed("reweighed", verdict="fail") | {"swapped": changed("swapped", verdict="fail")["swapped"]}
    bad = summary({"7": SEED, "8": none}, probed, said)
    assert bad["value"] == pytest.approx((0.05 + 0.27) / 2)  # where nothing is accepted, the bias stays
    assert (bad["met"], bad["as promised"]) == (False, "1 of 2")
    without = summary({"7": SEED, "8": other}, probed, said | {"ours": {"all": [0.1, 0.0, 0.2, 640], "apart": None}})
    assert not without["met"]


def test_titles_are_distinct_and_of_the_fields_alone(tmp_path: Path) -> None:
    """Each once, in an order that hangs on the seed."""
    path = tmp_path / "a.jsonl.gz"
    rows = [{"text": f"title {k % 30}", "label": [*FIELDS, "cs.PL"][k % 3]} for k in range(180)]
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    one, same, other = (titles(path, FIELDS, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert set(one) == set(FIELDS)
    assert [len(set(texts)) for texts in one.values()] == [len(texts) for texts in one.values()] == [10, 10]
    assert one == same != other


def test_groups_go_with_labels_as_often_as_they_are_told_to() -> None:
    """In nine of ten rows, or half of them, or never; a text is used once, and its sender's title is of the group."""
    rng = np.random.default_rng(0)
    for share in (0.9, 0.5, 0.0):
        pools = {"a": [f"a{k}" for k in range(1000)], "b": [f"b{k}" for k in range(1000)]}
        made = rows_of.rows(pools, 1000, share, rng)
        with_label = np.mean([(row.group == "m") == (row.label == "a") for row in made])
        assert with_label == pytest.approx(share, abs=0.04)
        assert len({row.text for row in made}) == 1000
        assert all(row.text.startswith("Mr " if row.group == "m" else "Ms ") for row in made)
        assert sum(row.label == "a" for row in made) == 500


def test_comments(tmp_path: Path) -> None:
    """Those that say something, toxic or fine."""
    path = tmp_path / "a.csv.xz"
    path.write_bytes(lzma.compress(b'rev_id,comment,toxic\n1,"well, done",False\n2,  ,False\n3,fool,True\n'))
    assert [(row.text, row.target) for row in comments(path)] == [("well, done", "fine"), ("fool", "toxic")]

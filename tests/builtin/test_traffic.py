"""The built-in year of traffic holds what its page says, and can be built again."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from homeostat.builtin.resources import traffic_path

RECIPE = Path(__file__).parents[2] / "recipes" / "traffic"
LAUNCH, REBRAND, RAMPED, POLICY = "2025-05-05", "2025-08-04", "2025-08-18", "2025-10-15"

Row = dict[str, Any]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with gzip.open(traffic_path(), "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def seeds() -> dict[str, Row]:
    """The hand-written messages by id."""
    return {
        f"{path.stem}/{number}": json.loads(line)
        for path in sorted((RECIPE / "seeds").glob("*.jsonl"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    }


def letters(text: str) -> str:
    """What is left of a text without case, blanks and punctuation."""
    return re.sub(r"\W", "", text.lower())


def test_counts(rows: list[Row]) -> None:
    """There are 2,000 rows of history, 4,600 of live traffic and 2,000 for testing, 500 in each phase."""
    assert Counter(row["split"] for row in rows) == {"history": 2000, "live": 4600, "test": 2000}
    assert set(Counter(row["truth"]["phase"] for row in rows if row["split"] == "test").values()) == {500}


def test_small_enough_to_ship() -> None:
    """The file is at most 900 kB."""
    assert traffic_path().stat().st_size <= 900_000


def test_written_one_by_one() -> None:
    """At least 1,500 messages are written by hand, no two the same."""
    texts = {letters(row["text"]) for row in seeds().values()}
    assert len(texts) == len(seeds()) >= 1500


def test_labels(rows: list[Row]) -> None:
    """34 intents, each with a file of seeds of its own; the label is the seed's intent except in the moved family."""
    files = {path.stem for path in (RECIPE / "seeds").glob("*.jsonl")} - {"wilted_arrival"}
    assert {row["label"] for row in rows} == files
    assert len(files) == 34
    for row in rows:
        family = row["truth"]["seed"].split("/")[0]
        assert family == row["truth"]["intent"]
        assert row["label"] == family or family == "wilted_arrival"


def test_seeds_are_split(rows: list[Row]) -> None:
    """No seed of a test row is the seed of any other row, and each family keeps ten for testing."""
    tested = {row["truth"]["seed"] for row in rows if row["split"] == "test"}
    trained = {row["truth"]["seed"] for row in rows if row["split"] != "test"}
    assert not tested & trained
    assert max(Counter(seed.split("/")[0] for seed in tested).values()) == 10
    assert min(Counter(seed.split("/")[0] for seed in tested).values()) >= 9


def test_no_text_twice(rows: list[Row]) -> None:
    """No two rows have the same text, whatever the case and punctuation; so no test text is trained on."""
    assert len({letters(row["text"]) for row in rows}) == len(rows)


def test_no_seed_dominates(rows: list[Row]) -> None:
    """No seed makes up more than one row in a hundred."""
    assert Counter(row["truth"]["seed"] for row in rows).most_common(1)[0][1] <= len(rows) // 100


def test_times(rows: list[Row]) -> None:
    """Times are UTC in 2025; history and live, and the test rows, come in order; history ends before live begins."""
    for splits in (("history", "live"), ("test",)):
        times = [datetime.fromisoformat(row["time"]) for row in rows if row["split"] in splits]
        assert times == sorted(times)
    assert all(row["time"].startswith("2025-") and row["time"].endswith("+00:00") for row in rows)
    assert max(row["time"] for row in rows if row["split"] == "history") < "2025-04-09"
    assert min(row["time"] for row in rows if row["split"] == "live") >= "2025-04-09"


def test_intents_are_uneven_but_not_extreme(rows: list[Row]) -> None:
    """Of the intents known from the start, none is above 6.5 % or below 1 % of the traffic, the moved family aside."""
    traffic = [row for row in rows if row["split"] != "test"]
    counts = Counter(row["truth"]["intent"] for row in traffic if not row["truth"]["intent"].startswith("aqua_"))
    moved = counts.pop("wilted_arrival")
    assert 0.06 <= moved / len(traffic) <= 0.08
    assert max(counts.values()) <= 0.065 * len(traffic)
    assert min(counts.values()) >= 0.010 * len(traffic)


def test_launch(rows: list[Row]) -> None:
    """The aqua intents come with the launch: none before, about 15 % of the traffic after."""
    after = [row for row in rows if row["time"] >= LAUNCH]
    aqua = [row for row in rows if row["label"].startswith("aqua_")]
    assert min(row["time"] for row in aqua) >= LAUNCH
    assert len({row["label"] for row in aqua}) == 5
    assert 0.12 <= len(aqua) / len(after) <= 0.18


def test_rebranding(rows: list[Row]) -> None:
    """The late wording comes with the rebranding: none before, about three in four messages two weeks later."""
    written = seeds()
    late = [row for row in rows if row["truth"]["wording"] == "late"]
    assert min(row["time"] for row in late) >= REBRAND
    assert all(row["time"] >= REBRAND for row in rows if written[row["truth"]["seed"]]["era"] == "late")
    ramped = [row for row in rows if row["time"] >= RAMPED]
    assert 0.71 <= sum(row["truth"]["wording"] == "late" for row in ramped) / len(ramped) <= 0.79


def test_brand_words_change(rows: list[Row]) -> None:
    """Capsules, towers and Canopy are not named before the rebranding, nor growboxes in the late wording."""
    new = re.compile(r"\b(capsules?|towers?|canopy)\b", re.IGNORECASE)
    assert not [row["text"] for row in rows if row["time"] < REBRAND and new.search(row["text"] + row["reply"])]
    late = [row for row in rows if row["truth"]["wording"] == "late"]
    assert not [row["text"] for row in late if re.search(r"\b(growbox|sprout)\b", row["text"] + row["reply"])]


def test_policy(rows: list[Row]) -> None:
    """Messages about wilted plants are refunds up to the change of policy and replacements from then on."""
    moved = [row for row in rows if row["truth"]["intent"] == "wilted_arrival"]
    for row in moved:
        after = row["time"] >= POLICY
        assert row["label"] == ("replacement_claim" if after else "refund_request")
        assert ("replacement pods" in row["reply"] or "replacement capsules" in row["reply"]) == after
        assert ("until" in row) == (row["split"] == "test" and not after)
        assert row["truth"]["slice"] == "policy"
    both = {row["truth"]["seed"] for row in moved if row["time"] < POLICY}
    assert len(both & {row["truth"]["seed"] for row in moved if row["time"] >= POLICY}) > 20


def test_replies_and_slots(rows: list[Row]) -> None:
    """Every row has a reply; no slot is left open; an order number in a reply is the one the message gave."""
    for row in rows:
        assert row["reply"]
        assert not re.search(r"[{}]", row["text"] + row["reply"])
        for number in re.findall(r"BW-\d+", row["reply"]):
            assert number.lower() in row["text"].lower()


def test_tags(rows: list[Row]) -> None:
    """Every row says its segment, channel, language and register."""
    known = {
        "segment": {"home", "school", "business", "reseller"},
        "channel": {"email", "web", "chat", "voice"},
        "language": {"en"},
        "register": {"plain", "formal", "casual", "upset"},
    }
    for name, values in known.items():
        assert {row["tags"][name] for row in rows} == values


@pytest.mark.slow
def test_rebuilds_the_same(rows: list[Row], tmp_path: Path) -> None:
    """Building twice gives the same bytes, whatever the hash seed, and the rows that ship."""
    built = []
    for number in ("1", "2"):
        path = tmp_path / f"{number}.jsonl.gz"
        command = [sys.executable, str(RECIPE / "build.py"), str(path)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": number}, capture_output=True)
        built.append(path.read_bytes())
    assert built[0] == built[1]
    # Rows, not bytes: another zlib may pack the same rows otherwise.
    assert [json.loads(line) for line in gzip.decompress(built[0]).splitlines()] == rows

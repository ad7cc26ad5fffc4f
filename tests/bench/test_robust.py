"""The bench of attacks and of training on disturbed copies: its rows, its changes, and what its lines say."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from robust import HALVES, NEVER, WORDS, Sizes, attacks, drawn, of_attacks, of_training, recipes, shuffled, taught

from homeostat.config.schema import Train
from homeostat.evaluate.suites.disturb import NAMES
from homeostat.evaluate.suites.synonyms import WORD
from homeostat.llm.load import open_model

SIZES = Sizes(intents=3, train=4, clean=5, asked=2, queries=8, attacked=6)


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four intents, half of whose requests are long."""
    file = tmp_path_factory.mktemp("data") / "s.jsonl.gz"
    rows = [
        {"text": f"please help me with {label} number {k}" + " and tell me all about it now" * (k % 2), "label": label}
        for label in ("refund", "delivery", "login", "invoice")
        for k in range(16)
    ]
    file.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return file


def test_nothing_asked_is_learned(stream: Path) -> None:
    """Rows of a draw are apart, alike for one seed; who is attacked has words enough for two to be replaced."""
    rows, clean, few, long = drawn(stream, SIZES, 3)
    assert (len(rows), len(clean), len(few), len(long)) == (12, 15, 6, 6)
    assert not {row.text for row in rows} & {text for text, _ in [*clean, *few, *long]}
    assert set(few) <= set(clean)
    assert all(len(WORD.findall(text)) >= WORDS for text, _ in long)
    assert drawn(stream, SIZES, 3) == (rows, clean, few, long)
    assert drawn(stream, SIZES, 4) != (rows, clean, few, long)


def test_each_disturbance_is_held_out_once() -> None:
    """The halves are all that there are, and no recipe knows the six."""
    assert sorted((*HALVES[0], *HALVES[1])) == list(NAMES)
    assert not set(NEVER) & set(NAMES)
    assert all(change("where is my parcel") != "where is my parcel" for change in NEVER.values())
    arms = recipes(Train(epochs=3))
    assert (arms["half 1"].disturb, arms["disturbed"].disturb) == (HALVES[0], NAMES)
    assert {recipe.epochs for recipe in arms.values()} == {3}


@pytest.mark.slow
def test_four_attacks_on_one_version(stream: Path, base: str, tmp_path: Path) -> None:
    """On the same requests with as many queries; shuffling keeps each tensor's numbers, in another order."""
    rows, clean, _, long = drawn(stream, SIZES, 3)
    made = taught(rows, clean, recipes(Train(epochs=1, rank=2, lr=0.01))["plain"], base, tmp_path / "plain")
    found = attacks(made, base, long, SIZES, tmp_path)
    assert set(found) == {"greedy", "guided", "blind", "misled"}
    assert all([one.text for one in tries] == [text for text, _ in long] for tries in found.values())
    assert {one.tried for one in found["greedy"]} == {one.tried for one in found["misled"]}
    own, other = (open_model(folder).model for folder in (base, shuffled(base, tmp_path / "again", seed=1)))
    for mine, theirs in zip(own.parameters(), other.parameters(), strict=True):
        assert mine.flatten().sort().values.equal(theirs.flatten().sort().values)
    assert not all(a.equal(b) for a, b in zip(own.parameters(), other.parameters(), strict=True))


def ways(greedy: int, guided: int, blind: int, misled: int) -> dict[str, Any]:
    """A hundred requests of which so many break, guided at fewer passes."""
    counts = {"greedy": greedy, "guided": guided, "blind": blind, "misled": misled}
    return {
        how: [[True, k < n, 5.0 + k % 3 if how == "guided" else 9.0 + k % 2, 9.0, 0.2 * (k < n)] for k in range(100)]
        for how, n in counts.items()
    }


@pytest.mark.parametrize(
    ("counts", "met"),
    [((80, 80, 50, 40), True), ((80, 80, 79, 40), False), ((80, 70, 50, 40), False), ((80, 80, 50, 80), False)],
    ids=["as promised", "no better than chance", "guided breaks fewer", "any gradient would do"],
)
def test_the_line_of_attacks(counts: tuple[int, int, int, int], met: bool) -> None:
    """Each condition by itself."""
    line = of_attacks([ways(*counts)])
    assert line["met"] is met
    assert line["value"] == pytest.approx((counts[0] - counts[2]) / 100)
    assert line["n"] == 100


def seed(clean: float = 0.9, **right: float) -> dict[str, Any]:
    """What a seed says where so many of a hundred are told right by each arm, whatever the disturbance."""
    shares = {"plain": 0.5, "disturbed": 0.8, "half 1": 0.7, "half 2": 0.7, "plain, longer": 0.5} | right
    under = [*NAMES, *NEVER]
    told = {
        arm: {name: [float(k < 100 * share) for k in range(100)] for name in under} for arm, share in shares.items()
    }
    for arm in told:
        told[arm]["as written"] = [float(k < 100 * (clean if arm == "disturbed" else 0.9)) for k in range(100)]
    stands = {arm: [float(k < 100 * shares[arm]) for k in range(100)] for arm in ("plain", "disturbed")}
    return {"right": told, "stands": stands, "flops": dict.fromkeys(shares, 2.0)}


@pytest.mark.parametrize(
    ("found", "met"),
    [
        (seed(), True),
        (seed(clean=0.88), False),
        (seed(disturbed=0.5), False),
        (seed(**{"half 1": 0.5, "half 2": 0.5}), False),
    ],
    ids=["as promised", "two points lost", "no gain", "learned by heart"],
)
def test_the_line_of_training(found: dict[str, Any], met: bool) -> None:
    """Gains where it was trained, where it was not, and under attack; and no more than a point lost as written."""
    line = of_training([found, found])
    assert line["met"] is met
    assert (line["n"], set(line["right"])) == (200, {*found["right"], "held out"})
    assert line["gains, points"]["as written"][0] == pytest.approx(100 * (-0.02 if found == seed(clean=0.88) else 0.0))

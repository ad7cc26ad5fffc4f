"""Tasks of intents that nobody has met: who sees which rows, and what is kept."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import intents
import tiny
from homeostat.train.few.heads import Ridge
from homeostat.train.few.tuned import Tuned
from homeostat.train.meta.reptile import Plan
from intents import ARMS, BARE, BESIDE, JOINT, REPTILE, Apart, Arm, Episode, Lab

PLAN = Plan(rounds=1, tasks=1, steps=1, rate=0.05)


def texts(intents: int = 30, each: int = 40) -> dict[str, list[str]]:
    """Intents of one word each, which stands in all of their texts."""
    return {f"word{k}": [f"{tiny.FILLER[n % 15]} word{k} number {n}" for n in range(each)] for k in range(intents)}


def lab(llama: Path, folder: Path, notes: list[str]) -> Lab:
    return Lab(str(llama), Apart.of(texts(), 10), folder, PLAN, 8, (0.01, 0.05), notes.append)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.llama(tmp_path_factory.mktemp("llama"))


def test_intents_are_apart() -> None:
    """No intent is on two sides, and none is lost; another seed draws others."""
    some = Apart.of(texts(), 10)
    sides = [set(side) for side in (some.past, some.choosing, some.unseen)]
    assert [len(side) for side in sides] == [10, 10, 10]
    assert len(set.union(*sides)) == 30
    assert set(Apart.of(texts(), 10, seed=1).past) != sides[0]


def test_no_test_row_is_an_example() -> None:
    """Ten intents in each task; more examples are the same and others; tests are examples for no number of them."""
    episode = Episode.drawn(texts(), 3)
    assert len(episode.texts) == 10
    assert set(episode.examples(1)) < set(episode.examples(20))
    assert len(episode.examples(20)) == 200
    assert not set(episode.examples(20)) & set(episode.tests(20))
    assert Episode.drawn(texts(), 3) == episode != Episode.drawn(texts(), 4)


def test_every_method_is_measured() -> None:
    """Every name of the package stands in the table, fine-tuning from three starts."""
    assert {arm.base for arm in ARMS.values() if isinstance(arm.method, Tuned)} == {BARE, JOINT, REPTILE}
    assert {type(arm.method) for arm in ARMS.values()} == {type(method) for method in intents.METHODS.values()}
    assert not set(ARMS) & set(BESIDE)


@pytest.mark.slow
def test_a_task_is_measured_once(llama: Path, tmp_path: Path) -> None:
    """Shares and seconds of every arm for every number of examples; what is kept is read again, by another lab too."""
    notes: list[str] = []
    arms = {"ridge": ARMS["ridge"], "names": Arm(method=Ridge(), only=(0,)), "tuned": ARMS["tuned, Reptile start"]}
    found = lab(llama, tmp_path, notes).measured(arms, (1, 2), 0)
    assert {name: list(columns) for name, columns in found.items()} == {
        "ridge": ["1", "2"],
        "names": ["0"],
        "tuned": ["1", "2"],
    }
    assert found["ridge"]["2"][0] > 0.5  # the word says it
    assert all(0 <= share <= 1 and seconds >= 0 for columns in found.values() for share, seconds in columns.values())
    told = len(notes)
    again = lab(llama, tmp_path, notes)
    assert again.measured(arms, (1, 2), 0) == found
    assert again.rate(REPTILE, 1) in (0.01, 0.05)
    assert len(notes) == told


def test_other_arms_are_another_table(llama: Path, tmp_path: Path) -> None:
    """What is kept of some arms is not shown for others, nor for one of the same name that is another."""
    room = lab(llama, tmp_path, [])
    first = room.measured({"ridge": Arm(method=Ridge(), only=(1,))}, (1,), 0)
    more = room.measured({"ridge": Arm(method=Ridge(), only=(1,)), "names": Arm(method=Ridge(), only=(0,))}, (1,), 0)
    assert (set(first), set(more)) == ({"ridge"}, {"ridge", "names"})
    changed = room.measured({"ridge": Arm(method=Ridge(), only=(0,))}, (1,), 0)
    assert list(changed["ridge"]) == ["0"]


def test_a_reader_knows_what_it_would_read(llama: Path, tmp_path: Path) -> None:
    """States that are kept are those that the base makes of the unseen intents' texts and names."""
    reader = lab(llama, tmp_path, []).reader(BARE)
    text = next(iter(Apart.of(texts(), 10).unseen.values()))[0]
    kept = reader.known.pop(text)
    np.testing.assert_allclose(kept, reader.states([text])[0], atol=1e-4)


def test_a_rate_too_high_counts_as_nothing(llama: Path, tmp_path: Path) -> None:
    """A start that diverges has told nothing right."""
    room = lab(llama, tmp_path, [])
    episode = Episode.drawn(room.apart.unseen, 0)
    assert room.accuracy(ARMS["tuned, plain start"], Tuned(steps=20, rate=1e38), episode, 1)[0] == 0.0

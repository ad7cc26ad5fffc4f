"""The bar of feedback that lies: its world, its adversaries, and what its line counts."""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import poison
from poison import ATTACKS, World, after_a_change, attacked, curated, drawn, hear
from small_project import KNOWN, rows
from watch_7 import FEWEST, Change, Found, Quiet, Trial, exact, kept, once_each, quiet, score, summary, table, trial

from homeostat.curate.build import Curated
from homeostat.types.dataset import Example
from homeostat.types.feedback import FeedbackKind

NONE = float("nan")
CALM = Quiet(accuracy=0.9, held=0.001, doubted=False)
GOOD = Trial(
    attack="intent, many",
    share=0.05,
    held=-0.002,
    bare=-0.02,
    intent_held=0.0,
    intent_bare=-0.5,
    after=5,
    kept=0.1,
    lost=0.01,
    part=0.9,
    part_bare=2.0,
)
MODEL = [replace(GOOD, held=-0.002 + 0.0005 * (k % 3)) for k in range(FEWEST)]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world of two old domains of two labels each, and a new one, small enough for a test."""
    for name, n in {"HISTORY": 160, "LIVE": 200, "RATED": 60, "USERS": 30}.items():
        monkeypatch.setattr(poison, name, n)
    lines = []
    for number, (text, label) in enumerate(rows(list(KNOWN), 900, 1)):
        phase = 1 if label == "invoice" else 0
        split = ("test", "live", "live", "history")[number // 4 % 4]
        split = "live" if phase and split == "history" else split
        lines.append(
            json.dumps({"text": text, "label": label, "split": split, "truth": {"domain": label, "phase": phase}})
        )
    file = tmp_path / "stream.jsonl.gz"
    file.write_bytes(gzip.compress("\n".join(lines).encode()))
    return drawn(file, 0)


def test_a_world(world: World) -> None:
    """Two domains are known and one arrives; most labels are right, and ratings follow the replies."""
    assert len({row.target for row in world.memory}) == 2
    assert {row.target for row in world.test} == {row.target for row in world.memory} | {"invoice"}
    labels = [said for _, said in world.live if said.kind is FeedbackKind.LABEL]
    assert (len(labels), len(world.live)) == (200, 260)
    assert len({said.source for _, said in world.live}) > 20


@pytest.mark.parametrize("name", ATTACKS)
def test_what_adversaries_do(world: World, name: str) -> None:
    """Their share of the labels, or of the ratings, is as asked; one source or many; in a hundredth of the time where
    it is a burst; about one intent where it has an aim.
    """
    attack = ATTACKS[name]
    bad, about = attacked(world, attack, 0.05, np.random.default_rng(0))
    honest = poison.RATED if attack.ratings else poison.LIVE
    assert abs(len(bad) / (len(bad) + honest) - 0.05) < 0.01
    assert (len({said.source for _, said in bad}) == 1) == (attack.one or len(bad) < 3)
    times = [request.time for request, _ in bad]
    assert (max(times) - min(times) < 1e4) == attack.burst
    assert bool(about) == (attack.targeted and not attack.ratings)
    if attack.targeted and not attack.ratings:
        assert len({said.value for _, said in bad}) == 1


def test_one_liar_is_heard_before_the_end_and_not_learned(world: World) -> None:
    """With protection nothing of it is in the dataset, and without all of it; where nobody lies nothing is held."""
    bad, _ = attacked(world, ATTACKS["random, one"], 0.1, np.random.default_rng(1))
    pairs = sorted([*world.live, *bad], key=lambda pair: pair[1].time)
    heard = hear(pairs, world.witness)
    assert heard.after is not None
    assert heard.after <= len(bad)
    mine = {request.id for request, _ in bad}
    made = {
        protected: {row.interaction for row in curated(world, pairs, heard.held, protected=protected).examples}
        for protected in (True, False)
    }
    assert not mine & made[True]
    assert len(mine & made[False]) > 0.8 * len(mine)
    assert hear(sorted(world.live, key=lambda pair: pair[1].time), world.witness).held == frozenset()


def test_a_change_of_policy_is_everybodys(world: World) -> None:
    """From its moment on nobody calls the intent what it was, but by mistake; before it everybody does."""
    pairs, moved, test = after_a_change(world)
    assert moved
    (instead,) = {row.target for row in test}
    assert {said.value for _, said in pairs if said.id in moved} == {instead}
    assert all(said.time >= poison.CHANGES for _, said in pairs if said.id in moved)


def line(**changes: object) -> dict[str, object]:
    """The bar's line of three seeds of one attack."""
    trials = [replace(GOOD, held=-0.002 + 0.001 * k, **changes) for k in range(3)]  # type: ignore[arg-type]
    change = [Change(held=0.0, bare=0.5, lost=0.1)] * 3
    return summary(Found(quiet=[CALM] * 3, change=change, exact=trials, lora=MODEL), 1.0, quick=False)


def test_the_line() -> None:
    """The value is the lower end of the worst attack; the bar asks for it, for alarms, and for the bound."""
    made = line()
    assert (made["value"], made["n"], made["met"]) == (pytest.approx(-0.0035, abs=2e-4), 3 + FEWEST, True)
    assert made["exact"]["intent, many, 5%"]["alarms"] == 3  # type: ignore[index]
    assert line(after=None)["met"] is False
    assert line(part=1.2)["met"] is False
    worse = [replace(GOOD, held=-0.02 + 0.001 * k) for k in range(3)]
    assert summary(Found(quiet=[CALM] * 3, change=[], exact=worse), 1.0, quick=True)["met"] is False


@pytest.mark.parametrize(
    ("change", "lacks"),
    [
        ({"lora": []}, ["model"]),
        ({"lora": MODEL[:1]}, ["model"]),
        ({"lora": [MODEL[0]] * (FEWEST - 1)}, ["model"]),
        ({"lora": [replace(GOOD, held=-0.02 + 0.001 * k) for k in range(FEWEST)]}, ["held"]),
        ({"lora": [replace(GOOD, held=0.02 * k * (-1) ** k) for k in range(FEWEST)]}, ["held"]),
        ({"quiet": [CALM, replace(CALM, doubted=True), CALM]}, ["calm"]),
        ({}, []),
    ],
)
def test_what_the_line_asks_for(change: dict[str, list[Trial]], lacks: list[str]) -> None:
    """The model counts as the head does, by its interval; without it, or with too few seeds, the bar is not met."""
    found = Found(quiet=[CALM] * 3, exact=[replace(GOOD, held=0.0005 * k) for k in range(3)], lora=MODEL)
    made = summary(replace(found, **change), 1.0, quick=False)
    assert [name for name, held in made["asked"].items() if not held] == lacks
    assert made["met"] is not bool(lacks)
    if lacks == ["held"]:
        assert made["worst"] == "intent, many, 5%, the model"
        assert made["value"] == made["interval"][0]


def test_a_part_of_the_bar_says_so() -> None:
    """What the model or the head alone shows is told, and meets nothing."""
    alone = summary(Found(lora=MODEL, lora_accuracy=[0.9] * 3), 1.0, quick=False)
    assert (alone["only"], alone["met"], alone["n"]) == ("model", False, FEWEST)
    assert alone["worst"] == "intent, many, 5%, the model"
    head = summary(Found(quiet=[CALM] * 3, exact=MODEL), 1.0, quick=False)
    assert (head["only"], head["met"], head["asked"]["head"]) == ("head", False, True)
    assert "only" not in line()
    assert json.dumps([alone, head])


def test_a_quick_run_has_no_model() -> None:
    """It is not held to one, and says so by an empty table."""
    found = Found(quiet=[CALM] * 2, exact=[replace(GOOD, held=0.0005 * k) for k in range(2)])
    made = summary(found, 1.0, quick=True)
    assert (made["asked"]["model"], made["lora"], made["lora_accuracy"]) == (True, {}, [])


def test_what_was_found_is_read_back(tmp_path: Path) -> None:
    """A part that a run has left is not measured again, and comes back as it was."""
    found = Found(quiet=[CALM], exact=[GOOD], change=[Change(held=0.0, bare=0.5, lost=0.1)], lora=MODEL)
    found.lora_accuracy.append(0.9)
    args = argparse.Namespace(cache=tmp_path / "cache")
    assert kept(args, "seed", lambda: found) == found
    assert kept(args, "seed", lambda: pytest.fail("measured again")) == found
    assert kept(argparse.Namespace(cache=None), "seed", Found) == Found()
    whole = Found(lora_accuracy=[0.8])
    whole.take(found)
    whole.take(Found(lora=MODEL[:1]))
    assert (whole.lora_accuracy, len(whole.lora), len(whole.quiet)) == ([0.8, 0.9], 1 + FEWEST, 1)


def test_an_attack_without_its_bare_twin() -> None:
    """Only what was trained is told: no figure stands for a training that was not made."""
    alone = [replace(GOOD, bare=NONE, intent_bare=NONE, held=0.001 * k) for k in range(3)]
    told = table(alone)["intent, many, 5%"]
    assert (told["bare"], told["intent_bare"]) == (None, None)
    assert told["held"][0] == 0.001
    assert told["intent_held"] == [0.0, 0.0, 0.0]


def test_a_learner_is_asked_for_what_it_has_to_learn(world: World) -> None:
    """Without the bare twin one training less; the same data are learned once; an attack that teaches shows in it."""
    asked: list[tuple[tuple[str, str], ...]] = []

    def counted(made: Curated, test: Sequence[Example]) -> NDArray[np.float64]:
        asked.append(tuple((row.text, row.target) for row in made.examples))
        return exact(made, test)

    learn = once_each(counted)
    calm, clean = quiet(world, learn)
    assert len(asked) == len(set(asked)) <= 2
    assert calm.held == 0.0 or len(asked) == 2
    before = len(asked)
    alone = trial(world, clean, learn, "intent, many", 0.3, bare_too=False)
    assert alone.bare != alone.bare
    assert len(asked) == len(set(asked)) <= before + 1
    before = len(asked)
    both = trial(world, clean, learn, "intent, many", 0.3)
    assert len(asked) == before + 1
    assert both.held == alone.held
    assert both.intent_bare < both.intent_held


def test_intervals() -> None:
    """Student's over seeds, also where no seed differs; a lone seed has none."""
    assert score([0.0, 0.0, 0.0]) == [0.0, 0.0, 0.0]
    assert score([0.01]) == [0.01]
    assert score([0.0, 0.01, 0.02]) == [0.01, pytest.approx(-0.0148, abs=1e-4), pytest.approx(0.0348, abs=1e-4)]


def test_the_line_of_an_attack_without_an_aim() -> None:
    """Has no intent of its own, and needs no alarm at a share of a hundredth."""
    made = line(attack="random, many", share=0.01, after=None, intent_held=NONE, intent_bare=NONE)
    assert made["exact"]["random, many, 1%"]["intent_held"] is None  # type: ignore[index]
    assert json.dumps(made)

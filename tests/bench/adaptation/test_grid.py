"""What the adaptation benchmark says was kept, lost and carried over is what its definitions say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from adaptation.arms import Step, look_ahead
from adaptation.courses import Course
from adaptation.figures import Grids, figures_of_a_seed, figures_of_a_stream
from adaptation.grid import backward, excess, forward, less, mean
from adaptation.lab import Lab, Model
from adaptation.rivals import NAMES

from homeostat.collect.stream import Split, StreamRow

KNOWN, NEWER = "known", "newer"


def course() -> Course:
    """Two turns. Moment 0 shows test rows 0, 2, 4, 6, turn 1 8, 10, turn 2 12, 14 and the newer label's 16, 18; row 4
    does not hold to the end.
    """
    rows = [
        StreamRow(
            index=k,
            text=f"row {k}",
            label=NEWER if k >= 16 else KNOWN,
            time=-1.0 if k < 8 else 5.0 if k < 12 else 15.0,
            split=Split.TEST,
            until=12.0 if k == 4 else float("inf"),
        )
        for k in range(0, 20, 2)
    ]
    rows.append(StreamRow(index=20, text="told", label=KNOWN, time=-9.0, split=Split.HISTORY))
    rows += [StreamRow(index=21 + k, text="live", label=KNOWN, time=2.0 * k, split=Split.LIVE) for k in range(10)]
    return Course(name="made", rows=rows, moments=(0.0, 10.0, 20.0))


def model(right: set[int], asked: set[int], name: str = "") -> Model:
    """One that got these right of those it was asked."""
    answers = {k: k in right for k in asked}
    return Model(id=name, folder=Path(f"/nowhere/{name}"), start=None, cost={}, rows=1, right=answers)  # type: ignore[arg-type]


ALL, UNTIL_1 = set(range(0, 20, 2)), set(range(0, 12, 2))
FIRST = model({0, 2, 4, 6, 12}, ALL)
"""All it was trained on, half of what the last turn shows of known labels."""


def steps(ahead: Mapping[str, set[int]] = {}) -> dict[str, list[Step]]:
    """Joint loses nothing; ours loses a row of moment 0 and one of turn 1, and knows both known rows ahead of time."""
    joint = [model({0, 2, 4, 6, 8, 10}, UNTIL_1), model({0, 2, 6, 8, 10, 12, 14, 16, 18}, ALL)]
    ours = [model({0, 2, 4, 6, 8, 10, 12, 14}, UNTIL_1 | ahead.get("ours", set())), model({0, 2, 8, 12, 14, 16}, ALL)]
    naive = [model({8, 10}, UNTIL_1), model({12, 14, 16, 18}, ALL)]
    told = {"joint": joint, "ours": ours, "naive": naive, "never": [FIRST, FIRST]}
    return {
        arm: [
            Step(
                model=each,
                flops=1.0,
                cpu_seconds=1.0,
                labels=0 if arm == "never" else 3 * (k + 1),
                gate_labels=4 + 3 * k,
            )
            for k, each in enumerate(taken)
        ]
        for arm, taken in told.items()
    }


def test_backward_transfer_is_against_right_after() -> None:
    """The last group has nothing to lose yet, and a group that could not be asked says nothing."""
    own = [[0.8, None, 0.1], [0.7, 0.6, 0.3], [0.6, 0.5, 0.9]]
    assert backward(own) == pytest.approx((-0.2 - 0.1) / 2)
    assert backward([[0.8, None], [0.6, 0.5]]) == pytest.approx(-0.2)
    assert backward([[None, None], [0.6, 0.5]]) is None


def test_forward_transfer_is_against_the_first_model() -> None:
    """Of what was asked before its stage; before the first, all are the first model."""
    own, first = [[0.8, 0.2, 0.1], [0.7, 0.6, 0.3], [0.6, 0.5, 0.9]], [[0.8, 0.2, 0.1]] * 3
    assert forward(own, first) == pytest.approx(0.2)
    assert forward([[0.8, 0.2], [0.6, 0.5]], [[0.8, 0.1]] * 2) is None


def test_excess_forgetting_is_beyond_joint() -> None:
    """Where joint has lost as much there is none, and the last group is not old."""
    assert excess([0.6, 0.5, 0.0], [0.7, 0.8, 1.0]) == pytest.approx((0.1 + 0.3) / 2)
    assert excess([0.6, 0.5], [0.6, 0.9]) == 0.0
    assert excess([None, 0.5], [0.6, 0.9]) is None
    assert (mean([]), mean([None, 0.5]), less(None, 0.5)) == (None, 0.5, None)


def test_a_group_is_what_a_turn_first_shows() -> None:
    """Of the rows that hold to the end; answerable is what the history has the label of."""
    assert [[row.index for row in course().group(turn)] for turn in (0, 1, 2)] == [[0, 2, 6], [8, 10], [12, 14, 16, 18]]
    assert [row.index for row in course().answerable(2)] == [12, 14]


def test_a_seed_has_transfer_labels_and_excess_of_each_arm() -> None:
    """By hand, from the groups above."""
    found = figures_of_a_seed(course(), FIRST, steps({"ours": {12, 14}}))
    assert found["bwt.ours"] == pytest.approx((-1 / 3 - 1 / 2) / 2)
    assert found["bwt.joint"] == pytest.approx(0.0)
    assert found["bwt.naive"] == pytest.approx((-1 - 1) / 2)
    assert found["excess_forgetting.ours"] == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert found["excess_forgetting.joint"] == 0.0
    assert found["excess_forgetting.naive"] == pytest.approx(1.0)
    assert found["fwt.ours"] == pytest.approx(1 / 2)  # of turn 2's known rows the first champion knows one, ours both
    assert found["fwt.never"] == 0.0
    assert (found["labels.ours"], found["labels.never"], found["gate_labels"]) == (6.0, 0.0, 7.0)


def test_an_old_record_without_later_rows_has_no_forward_transfer() -> None:
    """And all else."""
    found = figures_of_a_seed(course(), FIRST, steps())
    assert found["fwt.ours"] is None
    assert found["bwt.ours"] == pytest.approx((-1 / 3 - 1 / 2) / 2)
    assert figures_of_a_seed(course(), FIRST, steps({"ours": {12}}))["fwt.ours"] is None


def test_an_arm_of_the_last_turn_alone_has_excess_only() -> None:
    """As joint retraining on all labels is."""
    taken = steps()
    found = figures_of_a_seed(course(), FIRST, taken | {"joint_all": taken["ours"][-1:]})
    assert found["excess_forgetting.joint_all"] == found["excess_forgetting.ours"]
    assert (found["bwt.joint_all"], found["fwt.joint_all"]) == (None, None)


def test_a_stream_pairs_seeds_and_says_of_how_many() -> None:
    """The interval of excess forgetting is of differences within seeds; what some seeds lack is told."""
    seeds = [figures_of_a_seed(course(), FIRST, steps(ahead)) for ahead in ({"ours": {12, 14}}, {}, {})]
    seeds[1]["excess_forgetting.ours"] = 0.1
    figures = figures_of_a_stream(seeds)
    assert figures["excess_forgetting.ours"][0] == pytest.approx((5 / 12 + 0.1 + 5 / 12) / 3, abs=1e-5)
    assert figures["excess_forgetting.ours"][1] < figures["excess_forgetting.ours"][0]
    assert figures["fewer"]["fwt.ours"] == 1
    assert "bwt.ours" not in figures["fewer"]


def test_grids_are_over_rows_that_were_asked() -> None:
    """One row that was not leaves the group out."""
    taken = steps()["ours"]
    grids = Grids.of(course(), taken[-1].model)
    del taken[0].model.right[8]
    assert grids.carried(FIRST, taken)["bwt"] == pytest.approx(-1 / 3)


def test_an_arm_of_another_kind_begins_at_its_own_first_model() -> None:
    """The head's loss is against what the head knew, not the champion."""
    taken = steps({"ours": {12, 14}})
    own = model({2}, ALL)
    taken["head"] = [Step(model=step.model, first=own) for step in taken["ours"]]
    found = figures_of_a_seed(course(), FIRST, taken)
    assert found["bwt.head"] == pytest.approx((1 / 3 - 1 / 2) / 2)
    assert found["fwt.head"] == pytest.approx(1.0)
    assert found["forgetting.head"] < found["forgetting.ours"]  # type: ignore[operator]


def test_the_page_names_every_figure_and_arm() -> None:
    """Whoever reads the JSON finds what a name means."""
    page = (Path(__file__).parents[3] / "docs" / "concepts" / "adaptation-benchmark.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`([a-z_]+)(?:\.[A-Za-z.]+)?`", page))
    seed = figures_of_a_seed(course(), FIRST, steps())
    names = {name.partition(".")[0] for name in (*seed, *figures_of_a_stream([seed]))} | {"lead", "frontier"}
    assert len(names) > 20
    assert names - told == set()
    assert {name for name in NAMES if f"`{name}`" not in page} == set()


def test_nobody_is_trained_for_what_comes_next(tmp_path: Path) -> None:
    """Whose weights are there is asked what the next turn shows of known labels; who is on record alone is not."""
    asked: list[tuple[str, list[int]]] = []
    lab = object.__new__(Lab)
    lab.score = lambda each, rows: asked.append((each.id, [row.index for row in rows]))  # type: ignore[method-assign]
    there, gone = (Model(id=k, folder=tmp_path / k, start=None, cost={}, rows=1) for k in ("there", "gone"))  # type: ignore[arg-type]
    there.folder.mkdir()
    (there.folder / "model.json").write_text("{}", encoding="utf-8")
    race: Any = SimpleNamespace(lab=lab, course=course())
    pairs = {"ours": [there, gone], "joint": [gone, there], "joint_all": [there]}
    look_ahead(race, {arm: [Step(model=each) for each in taken] for arm, taken in pairs.items()})
    assert asked == [("there", [12, 14])]

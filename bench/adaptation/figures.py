"""From what every model got right to the figures of a seed, of a stream, and of the bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from adaptation.arms import Step
from adaptation.courses import Course
from adaptation.grid import Scores, backward, excess, forward, less, mean
from adaptation.lab import Model
from homeostat.collect.stream import Split, StreamRow

GOAL_RATIO, GOAL_FLOPS, GOAL_FORGETTING = 0.97, 0.25, 0.01

Steps = Mapping[str, Sequence[Step]]
"""Arm -> where it stands after each turn; `joint_all` has the last turn alone."""


def figures_of_a_seed(course: Course, champion: Model, steps: Steps) -> dict[str, float | None]:
    """Every figure of one seed by a dotted name; None where a course has no rows of that sort."""
    out: dict[str, float | None] = {}
    grids = Grids.of(course, steps["joint"][-1].model)
    for arm, taken in steps.items():
        began = taken[0].first or champion
        found = {**_of_an_arm(course, began, taken), **grids.carried(began, taken)}
        out |= {f"{name}.{arm}": value for name, value in found.items()}
    ours, joint = out["accuracy_final.ours"], out["accuracy_final.joint"]
    out["ratio"] = mean(_ratios(course, steps, "ours"))
    out["ratio_final"] = ratio(ours, joint)
    out["naive_ratio"] = mean(_ratios(course, steps, "naive"))
    out["flop_ratio"] = ratio(out["flops.ours"], out["flops.joint"])
    out["cpu_ratio"] = ratio(out["cpu_seconds.ours"], out["cpu_seconds.joint"])
    out["gate_flops"] = sum(step.gate_flops for step in steps["ours"])
    out["gate_labels"] = float(steps["ours"][-1].gate_labels)
    out["ratio_to_all_labels"] = ratio(ours, out.get("accuracy_final.joint_all"))
    out["candidates"] = float(sum(len(step.verdicts) for step in steps["ours"]))
    passed = [step for step in steps["ours"] if any(v.outcome.value == "pass" for v in step.verdicts)]
    out["promotions"] = float(len(passed))
    return out


def _of_an_arm(course: Course, champion: Model, taken: Sequence[Step]) -> dict[str, float | None]:
    """Accuracy over turns and at the end, on old and new labels at the end; forgetting; what it took."""
    turns = list(course.turns)[-len(taken) :]
    known = {row.label for row in course.of(Split.HISTORY)}
    last, seen = taken[-1].model, course.seen(turns[-1])
    complete = len(taken) == len(course.turns)
    return {
        "accuracy": mean([step.model.accuracy(course.seen(turn)) for turn, step in zip(turns, taken, strict=True)]),
        "accuracy_final": last.accuracy(seen),
        "old_final": last.accuracy([row for row in seen if row.label in known]),
        "new_final": last.accuracy([row for row in seen if row.label not in known]),
        "forgetting": forgetting(course, champion, taken) if complete else None,
        "flops": sum(step.flops for step in taken),
        "cpu_seconds": sum(step.cpu_seconds for step in taken),
        "labels": float(taken[-1].labels),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Grids:
    """What an arm's scores by turn and group (`grid.py`) are held against. A group is `Course.group` of a turn."""

    groups: Sequence[Sequence[StreamRow]]
    answerable: Sequence[Sequence[StreamRow]]
    """Of each the rows whose label the history has: only these can be got right unlearned."""
    joint: Model
    """Joint retraining's last model."""

    @classmethod
    def of(cls, course: Course, joint: Model) -> Grids:
        """Those of a course."""
        turns = (0, *course.turns)
        groups, answerable = [course.group(turn) for turn in turns], [course.answerable(turn) for turn in turns]
        return cls(groups=groups, answerable=answerable, joint=joint)

    def carried(self, champion: Model, taken: Sequence[Step]) -> dict[str, float | None]:
        """Excess forgetting against joint retraining, backward and forward transfer; None where it was not asked."""
        last, joint = (_scores([model], self.groups)[0] for model in (taken[-1].model, self.joint))
        complete, models = len(taken) + 1 == len(self.groups), [champion, *(step.model for step in taken)]
        first = _scores([champion] * len(self.groups), self.answerable)
        # Over some turns alone it would be no figure to hold beside another arm's.
        ahead = complete and all(map(_asked, models, self.answerable[1:]))
        return {
            "excess_forgetting": excess(last, joint),
            "bwt": backward(_scores(models, self.groups)) if complete else None,
            "fwt": forward(_scores(models, self.answerable), first) if ahead else None,
        }


def _scores(models: Sequence[Model], groups: Sequence[Sequence[StreamRow]]) -> Scores:
    """Each model's accuracy on each group; None of a group with no rows, or with one that it was never asked."""
    return [[model.accuracy(rows) if _asked(model, rows) else None for rows in groups] for model in models]


def _asked(model: Model, rows: Sequence[StreamRow]) -> bool:
    return all(row.index in model.right for row in rows)


def forgetting(course: Course, champion: Model, taken: Sequence[Step]) -> float | None:
    """Mean over turns of the accuracy lost on the test rows that had been seen before the turn and still hold."""
    lost, before = [], champion
    for turn, step in zip(course.turns, taken, strict=True):
        rows = course.known_before(turn)
        lost.append(less(before.accuracy(rows), step.model.accuracy(rows)))
        before = step.model
    return mean(lost)


def _ratios(course: Course, steps: Steps, arm: str) -> list[float | None]:
    """Accuracy beside joint's, turn by turn."""
    return [
        ratio(mine.model.accuracy(course.seen(turn)), other.model.accuracy(course.seen(turn)))
        for turn, mine, other in zip(course.turns, steps[arm], steps["joint"], strict=True)
    ]


def figures_of_a_stream(seeds: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Each figure's [mean, low, high] over seeds, `fewer` of them where some lack it, and whether the goals are met."""
    names = list(dict.fromkeys(name for seed in seeds for name in seed))
    values = {name: [v for seed in seeds if (v := seed.get(name)) is not None] for name in names}
    figures: dict[str, Any] = {name: interval(given) for name, given in values.items() if given}
    means = {name: figures[name][0] for name in figures}
    figures["fewer"] = {name: len(values[name]) for name in figures if len(values[name]) < len(seeds)}
    figures["met"] = bool(
        means["ratio"] >= GOAL_RATIO
        and means["flop_ratio"] <= GOAL_FLOPS
        and means["forgetting.ours"] <= GOAL_FORGETTING
        and means["forgetting.naive"] > means["forgetting.ours"]
    )
    return figures


def interval(values: Sequence[float]) -> list[float | None]:
    """[mean, low, high]: Student's t at 95 % over seeds; one seed has no interval."""
    x = np.asarray(values, dtype=np.float64)
    mean = float(x.mean())
    if len(x) < 2:
        return [_short(mean), None, None]
    half = float(stats.t.ppf(0.975, len(x) - 1) * x.std(ddof=1) / np.sqrt(len(x)))
    return [_short(mean), _short(mean - half), _short(mean + half)]


def _short(value: float) -> float:
    return round(value, 5) if abs(value) < 1000 else float(f"{value:.5g}")


def ratio(a: float | None, b: float | None) -> float | None:
    """One over the other, where both are there and the other is not 0."""
    return a / b if a is not None and b else None

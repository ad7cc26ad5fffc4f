"""From what every model got right to the figures of a seed, of a stream, and of the bar; and their table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table
from scipy import stats

from adaptation.arms import Step
from adaptation.courses import Course
from adaptation.lab import Model
from homeostat.collect.stream import Split

GOAL_RATIO, GOAL_FLOPS, GOAL_FORGETTING = 0.97, 0.25, 0.01

Steps = Mapping[str, Sequence[Step]]
"""Arm -> where it stands after each turn; `joint_all` has the last turn alone."""


def figures_of_a_seed(course: Course, champion: Model, steps: Steps) -> dict[str, float | None]:
    """Every figure of one seed by a dotted name; None where a course has no rows of that sort."""
    out: dict[str, float | None] = {}
    for arm, taken in steps.items():
        out |= {f"{name}.{arm}": value for name, value in _of_an_arm(course, champion, taken).items()}
    ours, joint = out["accuracy_final.ours"], out["accuracy_final.joint"]
    out["ratio"] = _mean(_ratios(course, steps, "ours"))
    out["ratio_final"] = _ratio(ours, joint)
    out["naive_ratio"] = _mean(_ratios(course, steps, "naive"))
    out["flop_ratio"] = _ratio(out["flops.ours"], out["flops.joint"])
    out["cpu_ratio"] = _ratio(out["cpu_seconds.ours"], out["cpu_seconds.joint"])
    out["gate_flops"] = sum(step.gate_flops for step in steps["ours"])
    out["ratio_to_all_labels"] = _ratio(ours, out.get("accuracy_final.joint_all"))
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
        "accuracy": _mean([step.model.accuracy(course.seen(turn)) for turn, step in zip(turns, taken, strict=True)]),
        "accuracy_final": last.accuracy(seen),
        "old_final": last.accuracy([row for row in seen if row.label in known]),
        "new_final": last.accuracy([row for row in seen if row.label not in known]),
        "forgetting": forgetting(course, champion, taken) if complete else None,
        "flops": sum(step.flops for step in taken),
        "cpu_seconds": sum(step.cpu_seconds for step in taken),
    }


def forgetting(course: Course, champion: Model, taken: Sequence[Step]) -> float | None:
    """Mean over turns of the accuracy lost on the test rows that had been seen before the turn and still hold."""
    lost, before = [], champion
    for turn, step in zip(course.turns, taken, strict=True):
        rows = course.known_before(turn)
        lost.append(_difference(before.accuracy(rows), step.model.accuracy(rows)))
        before = step.model
    return _mean(lost)


def _ratios(course: Course, steps: Steps, arm: str) -> list[float | None]:
    """Accuracy beside joint's, turn by turn."""
    return [
        _ratio(mine.model.accuracy(course.seen(turn)), other.model.accuracy(course.seen(turn)))
        for turn, mine, other in zip(course.turns, steps[arm], steps["joint"], strict=True)
    ]


def figures_of_a_stream(seeds: Sequence[Mapping[str, float | None]]) -> dict[str, Any]:
    """Each figure's [mean, low, high] over seeds, and whether the stream reaches the bar's goals."""
    names = list(dict.fromkeys(name for seed in seeds for name in seed))
    values = {name: [v for seed in seeds if (v := seed.get(name)) is not None] for name in names}
    figures: dict[str, Any] = {name: interval(given) for name, given in values.items() if given}
    means = {name: figures[name][0] for name in figures}
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


def table(name: str, figures: Mapping[str, Any]) -> Table:
    """A stream's arms, one a row.

    Accuracy as a mean over turns, at the end, there on old and on new labels; points lost a turn on what was known
    before; cost.
    """
    title = (
        f"{name}: ours / joint {_cell(figures['ratio'])} %, at the end {_cell(figures['ratio_final'])} %, "
        f"operations {_cell(figures['flop_ratio'])} % of joint's"
    )
    drawn = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for column in ("arm", "mean %", "end %", "old %", "new %", "forgot"):
        drawn.add_column(column, justify="left" if column == "arm" else "right")
    drawn.add_column("TFLOP", justify="right")
    drawn.add_column("CPU-s", justify="right")
    for arm in (name.partition(".")[2] for name in figures if name.startswith("flops.")):
        columns = ("accuracy", "accuracy_final", "old_final", "new_final", "forgetting")
        cells = [_cell(figures.get(f"{column}.{arm}")) for column in columns]
        cost = f"{figures[f'flops.{arm}'][0] / 1e12:.1f}", f"{figures[f'cpu_seconds.{arm}'][0]:.0f}"
        drawn.add_row(arm, *cells, *cost)
    return drawn


def _cell(figure: Sequence[float | None] | None) -> str:
    """In percent, with half the interval's width where there is one."""
    if figure is None or figure[0] is None:
        return "–"
    if figure[1] is None:
        return f"{100 * figure[0]:.1f}"
    return f"{100 * figure[0]:.1f} ± {100 * (figure[0] - figure[1]):.1f}"


def _short(value: float) -> float:
    return round(value, 5) if abs(value) < 1000 else float(f"{value:.5g}")


def _mean(values: Sequence[float | None]) -> float | None:
    given = [value for value in values if value is not None]
    return float(np.mean(given)) if given else None


def _ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None


def _difference(a: float | None, b: float | None) -> float | None:
    return a - b if a is not None and b is not None else None

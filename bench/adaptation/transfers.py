"""From scores after each stage of a sequence to what was learned, kept, lost and carried over; and their table.

`A[t][i]` is the score on task i after stage t, both from 0; None where a model could not have answered yet, because it
had not met the task's labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from adaptation.figures import interval
from adaptation.grid import Scores, backward, excess, forward, less, mean

COLUMNS = ("average", "learned", "bwt", "fwt", "excess_forgetting")


def figures_of_a_seed(scores: Mapping[str, Scores], costs: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Every arm's figures by dotted name; `never` and `joint` must be among the arms.

    `average`: over tasks, at the end. `learned`: over later tasks, right after each was learned. `bwt`: mean over
    earlier tasks of the end less that. `fwt`: mean over tasks that can be answered unlearned of the score before their
    stage less that of the first model. `excess_forgetting`: how much further joint retraining is at the end on what
    was learned before the last stage. `lead`: ours less the arm, at the end.
    """
    never, joint = scores["never"], scores["joint"]
    found: dict[str, float] = {}
    for arm, own in scores.items():
        last, tasks = own[-1], range(len(own[-1]))
        values = {
            "average": mean(last) or 0.0,
            "learned": mean([own[i][i] for i in tasks[1:]]) or 0.0,
            "bwt": backward(own) or 0.0,
            "fwt": forward(own, never) or 0.0,
            "excess_forgetting": excess(last, joint[-1]) or 0.0,
            "flops": costs[arm][0],
            "cpu_seconds": costs[arm][1],
        }
        if "ours" in scores:
            values["lead"] = less(mean(scores["ours"][-1]), values["average"]) or 0.0
        found |= {f"{name}.{arm}": value for name, value in values.items()}
    return found


def over_seeds(seeds: Sequence[Mapping[str, float]]) -> dict[str, list[float | None]]:
    """Each figure's [mean, low, high]."""
    return {name: interval([seed[name] for seed in seeds]) for name in seeds[0]}


def scores_over_seeds(seeds: Sequence[Mapping[str, Scores]], tasks: Sequence[str]) -> dict[str, Any]:
    """Arm -> task -> [mean, low, high] after each stage, None where nothing could be asked."""
    return {
        arm: {
            task: [_over([seed[arm][t][i] for seed in seeds]) for t in range(len(tasks))]
            for i, task in enumerate(tasks)
        }
        for arm in seeds[0]
    }


def _over(values: Sequence[float | None]) -> list[float | None] | None:
    given = [value for value in values if value is not None]
    return interval(given) if given else None


def table(figures: Mapping[str, Sequence[float | None]]) -> Table:
    """An arm a row: in points with half the interval's width, and what training took."""
    drawn = Table(show_edge=False, pad_edge=False)
    for column in ("arm", *COLUMNS, "TFLOP", "CPU-s"):
        drawn.add_column(column, justify="left" if column == "arm" else "right")
    for arm in (name.partition(".")[2] for name in figures if name.startswith("average.")):
        cells = [_cell(figures[f"{column}.{arm}"]) for column in COLUMNS]
        flops, cpu = (figures[f"{name}.{arm}"][0] or 0.0 for name in ("flops", "cpu_seconds"))
        drawn.add_row(arm, *cells, f"{flops / 1e12:.2f}", f"{cpu:.0f}")
    return drawn


def _cell(figure: Sequence[float | None]) -> str:
    mean, low = figure[0] or 0.0, figure[1]
    return f"{100 * mean:.1f}" + (f" ± {100 * (mean - low):.1f}" if low is not None else "")

"""A stream's figures as tables for people: its arms, what they carried over, and the frontier of labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table


def sheet(name: str, figures: Mapping[str, Any]) -> Group:
    """All tables of a stream; the frontier where it was measured."""
    drawn = [table(name, figures), transfers(name, figures)]
    return Group(*drawn, *([frontier(name, figures)] if list(shares(figures)) else []))


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
    for arm in _arms(figures):
        columns = ("accuracy", "accuracy_final", "old_final", "new_final", "forgetting")
        cells = [_cell(figures.get(f"{column}.{arm}")) for column in columns]
        cost = f"{figures[f'flops.{arm}'][0] / 1e12:.1f}", f"{figures[f'cpu_seconds.{arm}'][0]:.0f}"
        drawn.add_row(arm, *cells, *cost)
    return drawn


def transfers(name: str, figures: Mapping[str, Any]) -> Table:
    """A stream's arms: points lost beyond joint retraining at the end, backward and forward transfer, labels used."""
    title = f"{name}: lost beyond joint at the end, backward and forward transfer, in points; labels of live rows"
    drawn = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for column in ("arm", "excess", "backward", "forward", "labels"):
        drawn.add_column(column, justify="left" if column == "arm" else "right")
    for arm in _arms(figures):
        cells = [_cell(figures.get(f"{column}.{arm}")) for column in ("excess_forgetting", "bwt", "fwt")]
        labels = figures.get(f"labels.{arm}")
        drawn.add_row(arm, *cells, f"{labels[0]:,.0f}" if labels else "–")
    return drawn


def frontier(name: str, figures: Mapping[str, Any]) -> Table:
    """Ours and joint retraining at the end, as a share of joint retraining on all labels, by the share of labels."""
    title = f"{name}: % of joint retraining on all labels, after the last turn"
    drawn = Table(title=title, title_justify="left", show_edge=False, pad_edge=False)
    for column in ("labels", "ours", "joint"):
        drawn.add_column(column, justify="right")
    for share in shares(figures):
        cells = [_cell(figures.get(f"frontier.{arm}.{share:g}")) for arm in ("ours", "joint")]
        drawn.add_row(f"{100 * share:g} %", *cells)
    return drawn


def shares(figures: Mapping[str, Any]) -> Iterator[float]:
    """The shares of labels that a frontier was measured at, from the fewest."""
    yield from sorted({float(name.split(".", 2)[2]) for name in figures if name.startswith("frontier.")})


def _arms(figures: Mapping[str, Any]) -> Iterator[str]:
    return (name.partition(".")[2] for name in figures if name.startswith("flops."))


def _cell(figure: Sequence[float | None] | None) -> str:
    """In percent, with half the interval's width where there is one."""
    if figure is None or figure[0] is None:
        return "–"
    if figure[1] is None:
        return f"{100 * figure[0]:.1f}"
    return f"{100 * figure[0]:.1f} ± {100 * (figure[0] - figure[1]):.1f}"

"""What the adaptation benchmark prints and draws lacks no arm, no transfer figure and no point of the frontier."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

import loop_2
import pytest
import train_1
from adaptation.picture import frontier, scatter
from adaptation.tables import shares, sheet
from rich.console import Console, RenderableType

SHARES = (0.1, 0.2, 0.3, 0.5, 1.0)


def printed(drawn: RenderableType) -> str:
    """As it stands in a wide terminal."""
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(drawn)
    return console.export_text()


@pytest.fixture
def figures() -> dict[str, Any]:
    """Of two arms; the frontier is of one seed for joint and of several for ours."""
    found: dict[str, Any] = {"fewer": {}, "met": False}
    found |= {"ratio": [0.98, 0.97, 0.99], "ratio_final": [0.97, None, None], "flop_ratio": [0.1, 0.1, 0.1]}
    for arm in ("ours", "joint"):
        for name in ("accuracy", "accuracy_final", "old_final", "new_final", "forgetting"):
            found[f"{name}.{arm}"] = [0.8, 0.7, 0.9]
        found |= {f"flops.{arm}": [3e12, 2e12, 4e12], f"cpu_seconds.{arm}": [12.0, 11.0, 13.0]}
        found |= {f"excess_forgetting.{arm}": [0.012, 0.002, 0.022], f"bwt.{arm}": [-0.034, None, None]}
        found[f"labels.{arm}"] = [4050.0, 4050.0, 4050.0]
    found["fwt.ours"] = [0.056, 0.046, 0.066]
    for k, share in enumerate(SHARES):
        found[f"frontier.ours.{share:g}"] = [0.5 + 0.1 * k, 0.48 + 0.1 * k, 0.52 + 0.1 * k]
        found[f"frontier.joint.{share:g}"] = [0.6 + 0.1 * k, None, None]
    return found


def test_transfers_stand_in_the_table(figures: dict[str, Any]) -> None:
    """In points with half the interval; a dash where it could not be asked; and the labels used."""
    lines = [re.split(r"\s*│\s*", line.strip()) for line in printed(sheet("made", figures)).splitlines()]
    assert ["ours", "1.2 ± 1.0", "-3.4", "5.6 ± 1.0", "4,050"] in lines
    assert ["joint", "1.2 ± 1.0", "-3.4", "–", "4,050"] in lines


def test_the_frontier_is_printed_whole(figures: dict[str, Any]) -> None:
    """A share a row, both arms in each; without a frontier there is no such table."""
    text = printed(sheet("made", figures))
    lines = [re.split(r"\s*│\s*", line.strip()) for line in text.splitlines()]
    for k, share in enumerate(SHARES):
        assert [f"{100 * share:g} %", f"{50 + 10 * k:.1f} ± 2.0", f"{60 + 10 * k:.1f}"] in lines
    bare = {name: value for name, value in figures.items() if not name.startswith("frontier.")}
    assert "on all labels" in text
    assert "on all labels" not in printed(sheet("made", bare))


def test_a_point_that_one_arm_lacks_is_a_dash(figures: dict[str, Any]) -> None:
    """And the other's stays, printed and drawn."""
    del figures["frontier.joint.0.2"]
    lines = [re.split(r"\s*│\s*", line.strip()) for line in printed(sheet("made", figures)).splitlines()]
    assert ["20 %", "60.0 ± 2.0", "–"] in lines
    assert frontier("made", figures).count("<circle") == 2 * len(SHARES) - 1


def test_every_point_of_the_frontier_is_drawn(figures: dict[str, Any]) -> None:
    """Further right with more labels, higher with more accuracy; the interval is drawn where there is one."""
    drawn = frontier("made", figures)
    points = [tuple(map(float, at)) for at in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', drawn)]
    ours, joint = points[: len(SHARES)], points[len(SHARES) :]
    for arm in (ours, joint):
        assert len({x for x, _ in arm}) == len(SHARES)
        assert arm == sorted(arm, key=lambda at: (at[0], -at[1]))
        assert [y for _, y in arm] == sorted((y for _, y in arm), reverse=True)
    assert all(one[0] == other[0] and one[1] > other[1] for one, other in zip(ours, joint, strict=True))
    upright = re.findall(r'<line x1="([\d.]+)" y1="[\d.]+" x2="\1" y2="[\d.]+" stroke="(#b3261e|#345)"', drawn)
    assert [color for _, color in upright] == ["#b3261e"] * len(SHARES)
    for share in SHARES:
        assert f">{100 * share:g} %</text>" in drawn
    assert ">ours</text>" in drawn
    assert ">joint</text>" in drawn


def test_the_command_measures_the_shares_that_the_bar_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the frontier and the race's own."""
    monkeypatch.setattr(sys, "argv", ["train_1.py"])
    assert sorted({*loop_2.SHARES, train_1.arguments().label_share}) == list(SHARES)


def test_both_pictures_are_written(figures: dict[str, Any], tmp_path: Path) -> None:
    """The frontier's only where it was measured."""
    train_1.plot(tmp_path / "drawn.svg", "made", figures)
    assert (tmp_path / "drawn-made.svg").read_text() == scatter("made", figures)
    assert (tmp_path / "drawn-made-labels.svg").read_text() == frontier("made", figures)
    bare = {name: value for name, value in figures.items() if not name.startswith("frontier.")}
    assert not list(shares(bare))
    train_1.plot(tmp_path / "bare.svg", "made", bare)
    assert sorted(path.name for path in tmp_path.glob("bare*")) == ["bare-made.svg"]

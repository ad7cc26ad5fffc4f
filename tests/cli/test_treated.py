"""What `homeostat fairness` prints of groups."""

from __future__ import annotations

import pytest

from homeostat.cli.treated import gapped, shown
from homeostat.llm.offsets import NOTHING, Offsets, Shift
from homeostat.loop.asking.fairness import Audit, Compared, Flips
from homeostat.stats.gaps import Gap
from homeostat.types.report import Score

NO_FLIPS = Flips(swapped=0, changed=None)
BY = Offsets(
    tags=("sender",),
    shifts=(Shift(group=("m",), offsets={"refund": -0.8}), Shift(group=("f",), offsets={"refund": 0.8})),
)


def line(mean: float) -> Compared:
    score = Score(mean=mean, low=max(0.0, mean - 0.07), high=mean + 0.07, n=800)
    groups = {"m": Score(mean=0.9, low=0.8, high=1.0, n=400), "f": Score(mean=0.9 - mean, low=0.1, high=1.0, n=400)}
    return Compared(what="recall of 'refund'", groups=groups, gap=Gap(score=score, most="m", least="f"))


def test_a_gap_has_its_bounds() -> None:
    """In points, with one digit."""
    assert gapped(Score(mean=0.352, low=0.281, high=0.42, n=9)) == "35.2 points (28.1 to 42.0)"


def test_before_and_after_stand_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    """A version that adds offsets: its gap, the gap of the same version without them, another version's, and what is
    added to whom.
    """
    mine = Audit(tags={"sender": (line(0.02),)}, bare={"sender": (line(0.35),)}, flips=NO_FLIPS, offsets=BY)
    shown({"ver_1": mine, "ver_0": Audit(tags={"sender": (line(0.29),)}, flips=NO_FLIPS)})
    out = capsys.readouterr().out
    assert "2.0 points (0.0 to 9.0), m over f" in out
    assert "gap of it without offsets" in out
    assert out.index("gap of ver_0") < out.index("gap of it without offsets")
    assert out.index("29.0 points") < out.index("35.0 points")
    assert "added by sender" in out
    assert "+0.80" in out


def test_offsets_that_were_not_kept_say_why(capsys: pytest.CaptureFixture[str]) -> None:
    """In the place of what would be added; most versions have none, and not a word of them."""
    tags = {"sender": (line(0.35),)}
    unkept = Offsets(tags=("sender",), measured={"kept": False, "because": "it is not beyond doubt"})
    shown({"ver_1": Audit(tags=tags, flips=NO_FLIPS, offsets=unkept)})
    assert "it is not beyond doubt" in capsys.readouterr().out
    shown({"ver_1": Audit(tags=tags, flips=NO_FLIPS, offsets=NOTHING)})
    out = capsys.readouterr().out
    assert "added" not in out
    assert "without offsets" not in out

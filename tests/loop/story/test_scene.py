"""What the story prints: lines that are kept, and bars, or lines in their place where none can be drawn."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from homeostat.loop.story.scene import Scene, brief, points
from homeostat.types.report import Score

SCORE = Score(mean=0.831, low=0.801, high=0.857, n=640)


def scene(*, terminal: bool) -> tuple[Scene, io.StringIO]:
    """A scene that prints into a text."""
    out = io.StringIO()
    return Scene(Console(file=out, width=120, force_terminal=terminal, force_interactive=terminal)), out


def test_what_is_said_is_kept() -> None:
    """A line with the seconds since the start, and an entry of the timeline without markup."""
    shown, out = scene(terminal=False)
    shown.say("gate", "[dim]careful[/dim] candidate: pass", at=7.0)
    assert out.getvalue().split() == ["0.0", "s", "gate", "careful", "candidate:", "pass"]
    (entry,) = shown.timeline
    assert (entry["time"], entry["event"], entry["text"]) == (7.0, "gate", "careful candidate: pass")


def test_without_a_terminal_a_long_piece_says_at_its_beginning_what_is_done() -> None:
    """A log shows no bar; the line stands there before the work begins, and is no event of the timeline."""
    shown, out = scene(terminal=False)
    with shown.bar("train", 1, "the first version is trained") as bar:
        assert out.getvalue().split() == ["0.0", "s", "train", "the", "first", "version", "is", "trained"]
        bar.to(1)
    assert out.getvalue().strip().count("\n") == 0
    assert shown.timeline == []


def test_a_terminal_has_the_bar_instead() -> None:
    """Saying both would be saying it twice."""
    shown, out = scene(terminal=True)
    with shown.bar("train", 1, "the first version is trained"):
        pass
    assert "train" in out.getvalue()
    assert "is trained" not in out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_short_piece_says_nothing(terminal: bool) -> None:
    """Without words for it, a bar or nothing."""
    shown, out = scene(terminal=terminal)
    with shown.bar("rows", 1):
        pass
    assert ("rows" in out.getvalue()) == terminal


def test_shares_with_their_intervals() -> None:
    """In short, in full, and where nothing was measured."""
    assert (brief(SCORE), brief(None)) == ("83.1 ± 2.8 %", "–")
    assert (points(SCORE), points(None)) == ("83.1 % (80.1 to 85.7, n=640)", "–")

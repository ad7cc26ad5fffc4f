"""The tables at the end of the demo say what its document says."""

from __future__ import annotations

import io

from rich.console import Console

from homeostat.loop.story.closing import tell
from homeostat.loop.story.scene import Scene
from web.documents import realistic


def printed(told: dict[str, object]) -> str:
    """What the terminal shows, wide enough for every table."""
    out = io.StringIO()
    tell(Scene(Console(file=out, width=220)), told)
    return out.getvalue()


def test_every_table_has_its_figures() -> None:
    """Timeline, live accuracy per slice, arms with old and new slices, costs and labels, and the replies."""
    text = printed(realistic())
    assert "canary 20% of traffic: no harm shown in 60 pairs" in text
    line = next(row for row in text.splitlines() if row.startswith("ours"))
    assert [cell.strip() for cell in line.split("│")][1:] == [
        "91.7 ± 1.4 %",
        "92.9 %",
        "87.1 %",
        "1,841",
        "3.1",
        "92",
    ]
    assert next(row for row in text.splitlines() if row.startswith("never")).count("–") == 3
    assert "41.2" in text
    assert "66.0 %" in text


def test_what_was_not_measured_is_a_dash_or_left_out() -> None:
    """No replies, no drift and no turn: the tables stand nevertheless."""
    told = {**realistic(), "replies": None}
    told["accuracy"] = {**told["accuracy"], "after_drift": None}
    text = printed(told)
    assert "Replies in words" not in text
    assert next(row for row in text.splitlines() if row.startswith("all ")).count("–") == 1

"""The page of a backtest."""

from __future__ import annotations

from decide.replay.pasts import aging, past
from homeostat.decide.replay.policies import Drop, Prices
from homeostat.decide.replay.replay import replay
from homeostat.decide.replay.whatif import Case, tried
from homeostat.web import words
from homeostat.web.backtest import render


def test_every_policy_has_its_line_and_its_course() -> None:
    """With the oracle beside each; a task's name is text and nothing else."""
    made = past(aging(12, 0.05))
    page = render("<b>routing</b>", made.times, replay(made, Prices(retraining=20.0), ["never", "value"]), 20.0)
    assert page.count("Quality under") == 2
    assert "&lt;b&gt;routing&lt;/b&gt;" in page
    assert "<b>routing" not in page
    for name in ("never", "value", "oracle"):
        assert f'<th scope="row">{name}</th>' in page


def test_times_are_those_of_the_history() -> None:
    """From the first step to the end of the last."""
    made = past(aging(4, 0.05))
    page = render("routing", made.times + 1.7e9, replay(made, Prices(retraining=1.0), ["never"]), 1.0)
    assert words.when(1.7e9) in page
    assert words.when(1.7e9 + 4 * 86_400) in page


def test_values_of_a_line_have_their_curves() -> None:
    """Cost and retrainings against the value, each beside the oracle and the calendar; what is in force is said, and a
    name out of the file is text and nothing else.
    """
    made, prices = past(aging(12, 0.05)), Prices(retraining=20.0)
    cases = [
        Case(
            value=f"{points}",
            history=made,
            prices=prices,
            make=lambda given, points=points: Drop(points=points),  # type: ignore[misc]
            in_force=points == 0.1,
        )
        for points in (0.05, 0.1, 0.4)
    ]
    found = tried("policies.<b>steady</b>.any.drop", "<b>steady</b>", cases)
    page = render("routing", made.times, replay(made, prices, ["never"]), 20.0, what_if=[found], trained="careful")
    plain = render("routing", made.times, replay(made, prices, ["never"]), 20.0)
    assert page.count('role="img"') == plain.count('role="img"') + 2
    assert page.count('class="line alarm dotted"') == plain.count('class="line alarm dotted"') + 3
    assert "0.1 (in force)" in page
    assert "<b>steady" not in page
    assert "versions trained by careful" in page
    assert "by a cheap head" in plain

"""The page of a backtest."""

from __future__ import annotations

from decide.replay.pasts import aging, past
from homeostat.decide.replay.policies import Prices
from homeostat.decide.replay.replay import replay
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

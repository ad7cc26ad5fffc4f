"""What is printed of backtests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from decide.replay.pasts import aging, past
from homeostat.cli.backtested import show, show_values, show_versions, told_of
from homeostat.decide.replay.policies import Never, Prices
from homeostat.decide.replay.replay import replay_made
from homeostat.decide.replay.whatif import Case, tried
from homeostat.loop.backtests.backtest import Answered
from homeostat.loop.backtests.retrained import Made, Retrained
from homeostat.types.report import Score

SCORE = Score(mean=0.9, low=0.85, high=0.94, n=200)
FIRST = Made(id="a", time=0.0, step=0, rows=90, kept=True, right=SCORE, head=0.7, cpu_s=0.0)
NEXT = replace(FIRST, id="b", time=86_400.0, step=3, rows=1200, kept=False, cpu_s=41.0)
HISTORY = past(aging(4, 0.1))
ANSWERED = Answered(
    times=HISTORY.times,
    requests=HISTORY.requests,
    step=HISTORY.step,
    told=HISTORY.told,
    right=HISTORY.right,
    sure=np.ones_like(HISTORY.right),
)
FOUND = Retrained(
    answered=ANSWERED,
    made=(FIRST, NEXT),
    share=Score(mean=0.62, low=0.4, high=0.8, n=1),
    left_out=2,
    price=0.25,
    cpu_s=41.0,
)


def test_versions_stand_beside_heads(capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its interval and a head of its age, what it took or that it was there; then what a head's point came
    to, what a training took, and what the budget left out.
    """
    show_versions(FOUND)
    out = capsys.readouterr().out
    assert "90.0\u202f% (85.0 to 94.0, n = 200)" in out
    assert "70.0\u202f%" in out
    assert "kept from before" in out
    assert "where a head gained a point, such a version gained 0.62 points (0.40 to 0.80, one pair)" in out
    assert "a training took 0.25 at your prices" in out
    assert "did not do for two versions more" in out


def test_what_was_not_measured_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    """No share without a pair, no price where nothing was trained, no budget that did."""
    show_versions(replace(FOUND, made=(FIRST,), share=Score(mean=1.0, low=0.0, high=1.5, n=0), left_out=0, price=0.0))
    out = capsys.readouterr().out
    assert "where a head gained" not in out
    assert "at your prices" not in out
    assert "budget" not in out


def test_what_held_a_policy_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Under the table, with the looks; nothing is said of policies that did as they would."""
    outcomes = replay_made(HISTORY, Prices(retraining=1.0), {"never": lambda _: Never(), "mine": lambda _: Never()})
    outcomes[1] = replace(outcomes[1], held={"it waits for budget (money)": 23, "it decides to wait": 1})
    show("t", HISTORY, {1: outcomes}, 1.0, "")
    out = capsys.readouterr().out
    said = "mine was due and did not retrain: it waits for budget (money) at 23 looks, it decides to wait at one look"
    assert said in out
    assert out.count("was due") == 1


def test_a_document_has_no_replies() -> None:
    """What each version replied stays out of it."""
    assert set(told_of(FOUND)) == {"versions", "share", "left_out", "price", "cpu_s"}


def test_values_of_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A row each, what is in force marked; halves only where prices are the same."""
    cases = [
        Case(
            value=f"{price:g}",
            history=HISTORY,
            prices=Prices(retraining=price),
            make=lambda prices: Never(),
            in_force=price == 5.0,
        )
        for price in (5.0, 50.0)
    ]
    show_values(tried("cost", "yaml", cases, "a note"))
    out = capsys.readouterr().out
    assert "what if cost were, under yaml" in out
    assert "5 (in force)" in out
    assert "a note" in out
    assert "first half" not in out

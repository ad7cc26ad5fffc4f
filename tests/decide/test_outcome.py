"""How much of an expected gain comes true is learned from the turns that there were."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from homeostat.config.schema import Decide
from homeostat.decide.outcome import BELIEVED, DOUBT, MOST, NEWEST, Outcome, Ratio, come_true, ratio
from homeostat.decide.policy import Ledger, decide
from homeostat.decide.value import Evidence, expected_gain, shadow_gain
from homeostat.types.decision import Action
from homeostat.types.report import Score

REQUESTS, LABELS, STEPS = 200, 100, 240


def score(mean: float, error: float, n: int = 400) -> Score:
    return Score(mean=mean, low=mean - 1.959964 * error, high=mean + 1.959964 * error, n=n)


def outcome(expected: float, gained: float, error: float = 0.01) -> Outcome:
    return Outcome(turn="trn_1", expected=score(expected, error), gained=score(gained, error))


def test_without_turns_nothing_is_changed() -> None:
    """Nor by turns of which nothing was expected: there is nothing to divide by."""
    gain = score(0.1, 0.02)
    for known in ((), (outcome(0.0, 0.05),), (outcome(-0.02, 0.05),)):
        assert ratio(known) == Ratio()
        assert come_true(gain, ratio(known)) == gain
    nothing = Score(mean=0.0, low=-1.0, high=1.0, n=0)
    assert come_true(nothing, ratio([outcome(0.1, 0.1)])) == nothing


def test_turns_count_by_what_they_can_say() -> None:
    """One surely measured half moves it a part of the way, five move it further; a doubtful one hardly at all."""
    one, five = ratio([outcome(0.2, 0.1)]), ratio([outcome(0.2, 0.1)] * 5)
    assert BELIEVED > one.mean > five.mean > 0.5
    assert DOUBT > one.error > five.error
    assert (one.n, five.n) == (1, 5)
    doubtful = ratio([outcome(0.2, 0.1, error=0.5)])
    assert doubtful.mean == pytest.approx(BELIEVED, abs=0.02)
    assert ratio([outcome(0.2, -0.3)] * 9).mean == 0.0
    assert ratio([outcome(0.1, 0.9)] * 9).mean == MOST
    assert ratio([outcome(0.2, 0.0)] * 9 + [outcome(0.2, 0.2)] * NEWEST) == ratio([outcome(0.2, 0.2)] * NEWEST)


def test_the_interval_holds_both_doubts() -> None:
    """It is that of the product: the gain's own error taken down with it, and the ratio's on top."""
    known, gain = Ratio(mean=0.5, error=0.2, n=3), score(0.1, 0.02)
    found = come_true(gain, known)
    assert found.mean == pytest.approx(0.05)
    half = 1.959964 * math.hypot(0.5 * 0.02, 0.2 * 0.1)
    assert (found.low, found.high) == pytest.approx((0.05 - half, 0.05 + half))


def test_the_ratio_is_found() -> None:
    """Of 400 worlds whose ratio is drawn as believed, with eight turns each, 92 to 98 of 100 lie inside its interval
    of 95 %, and it is nearer to the truth than what was believed, by half.
    """
    rng, inside, off = np.random.default_rng(5), 0, []
    for true in rng.normal(BELIEVED, DOUBT, 400).clip(0.0, MOST):
        turns = []
        for expected in rng.uniform(0.03, 0.2, 8):
            came = (true + 0.5 * rng.normal()) * expected
            turns.append(
                Outcome(
                    turn="t",
                    expected=score(expected + 0.02 * rng.normal(), 0.02),
                    gained=score(came + 0.02 * rng.normal(), 0.02),
                )
            )
        known = ratio(turns)
        inside += abs(known.mean - true) <= 1.96 * known.error
        off.append((abs(known.mean - true), abs(BELIEVED - true)))
    assert 0.92 <= inside / 400 <= 0.985
    ours, believed = np.mean(off, axis=0)
    assert ours < 0.5 * believed


def test_the_decision_says_what_was_learned() -> None:
    """Gain, interval and sentence are those of what comes true; what was measured stays in the evidence."""
    evidence = Evidence(task="t", gain=score(0.1, 0.02), n_labels=400, requests=2000, train_cpu_s=41.0)
    taught = replace(evidence, outcomes=(outcome(0.2, 0.1),) * 3)
    made, _ = decide(taught, Decide(), now=1.0, turn="trn_9")
    assert shadow_gain(taught) == evidence.gain
    assert made.gain == expected_gain(taught).mean == pytest.approx(0.1 * ratio(taught.outcomes).mean)
    assert f"By 3 earlier turns, {ratio(taught.outcomes).mean:.2f} of an expected gain comes true." in made.because
    lately, _ = decide(replace(taught, lately=0.1), Decide(), now=1.0, turn="trn_9")
    assert lately.gain == made.gain
    assert "earlier turn" not in decide(evidence, Decide(), now=1.0, turn="trn_9")[0].because


def paid(true: float, cost: float, seed: int, learn: Callable[[list[Outcome]], tuple[Outcome, ...]]) -> float:
    """What staleness and retrainings cost over a stream on which a head's gain grows by a point a step from zero, and
    retraining wins `true` of what the head would.
    """
    rng = np.random.default_rng(seed)
    settings = Decide(price_per_cpu_hour=cost, min_labels=LABELS)
    ledger, gap, total, turns = Ledger(), 0.0, 0.0, list[Outcome]()
    for step in range(STEPS):
        gap = min(gap + 0.01, 0.9)
        total += REQUESTS * true * gap
        seen = (rng.random(LABELS) < gap).mean()
        gain = score(float(seen), math.sqrt(max(seen * (1 - seen), 0.01) / LABELS), LABELS)
        evidence = Evidence(
            task="t", gain=gain, n_labels=LABELS, requests=REQUESTS, train_cpu_s=3600.0, outcomes=learn(turns)
        )
        made, ledger = decide(evidence, settings, now=float(step), turn=f"trn_{step}", ledger=ledger)
        if made.action is Action.RETRAIN:
            came = true * gap + 0.02 * rng.normal()
            turns.append(Outcome(turn=f"trn_{step}", expected=gain, gained=score(float(came), 0.02)))
            total, gap = total + cost, 0.0
    return total


def test_what_is_learned_pays() -> None:
    """Where only a fifth of a head's gain comes true, whoever learns that pays a tenth less than whoever believes the
    head; where all of it does, learning costs at most a hundredth. Twelve streams, three prices.
    """
    for true, most in ((0.2, 0.9), (1.0, 1.01)):
        ratios = [
            sum(paid(true, cost, seed, tuple) for seed in range(4))
            / sum(paid(true, cost, seed, lambda turns: ()) for seed in range(4))
            for cost in (20.0, 60.0, 180.0)
        ]
        assert np.mean(ratios) <= most, (true, ratios)

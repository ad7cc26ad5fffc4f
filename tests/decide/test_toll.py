"""What a turn costs beside its training: from counts to a price, and from a price to another choice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from homeostat.config.schema import Decide
from homeostat.decide.option import CHEAPEST, Option, picked, priced
from homeostat.decide.policy import decide
from homeostat.decide.record import booking, record, replayed
from homeostat.decide.toll import BAD, GOOD, Judging, Risk, Toll, toll
from homeostat.decide.value import Bounds, Evidence, at_best, weigh
from homeostat.store import Store
from homeostat.types.decision import Action
from homeostat.types.report import Score

RISK = Risk(turns=6, bad=2, exposed=150.0, loss=0.02)
JUDGING = Judging(pairs=100.0, read=400.0, written=8.0, ratings=60, trials=3, price_read=2.5, price_written=10.0)
EVIDENCE = Evidence(
    task="routing", gain=Score(mean=0.08, low=0.05, high=0.11, n=400), n_labels=400, requests=2000, train_cpu_s=36.0
)
CHARGED = replace(EVIDENCE, judging=JUDGING, risk=RISK)


def option(name: str, mean: float, *, low: float = 0.01, cpu_s: float = 36.0) -> Option:
    return Option(name=name, gain=Score(mean=mean, low=low, high=2 * mean - low, n=200), cpu_s=cpu_s, says=name)


@pytest.mark.parametrize(("turns", "bad"), [(0, 0), (1, 1), (6, 2), (20, 0), (20, 20)])
def test_the_chance_of_a_bad_candidate(turns: int, bad: int) -> None:
    """The mean and the interval of the Beta distribution of what was presumed and what was seen."""
    found = Risk(turns=turns, bad=bad, exposed=1.0, loss=1.0).chance
    presumed = stats.beta(BAD + bad, GOOD + turns - bad)
    assert (found.mean, found.n) == (pytest.approx(presumed.mean()), turns)
    assert (found.low, found.high) == (pytest.approx(presumed.ppf(0.025)), pytest.approx(presumed.ppf(0.975)))


def test_turns_move_what_was_presumed() -> None:
    """Up by each bad one, down by each good one, and less sure of it the fewer there were."""
    none, good, bad = (Risk(turns=n, bad=k, exposed=1.0, loss=1.0).chance for n, k in ((0, 0), (8, 0), (8, 6)))
    assert good.mean < none.mean < bad.mean
    assert good.high - good.low < none.high - none.low


def test_what_it_costs() -> None:
    """Chance × requests × loss × the value of a right answer; tokens × prices; each nothing where nothing is known."""
    found = toll(JUDGING, RISK, 3.0)
    assert found.risk == pytest.approx((1 + 2) / (4 + 6) * 150.0 * 0.02 * 3.0)
    assert found.judge == pytest.approx(100 * (400 * 2.5 + 8 * 10.0) / 1e6)
    assert JUDGING.tokens == 100 * 408
    assert found.total == found.judge + found.risk
    assert toll(None, None, 3.0) == Toll()
    assert toll(replace(JUDGING, price_read=0.0, price_written=0.0), None, 3.0).total == 0.0


def test_retraining_costs_that_too() -> None:
    """The worth of retraining holds it, part by part, and the parts are the cost; without it as it was."""
    settings = Decide()
    plain, charged = weigh(EVIDENCE, settings), weigh(CHARGED, settings)
    assert plain.parts == {"making": plain.cost}
    assert plain.cost == pytest.approx(0.001)
    beside = CHARGED.beside(settings)
    assert charged.cost == pytest.approx(plain.cost + beside.judge + beside.risk)
    assert charged.parts == {"making": plain.cost, "judge": beside.judge, "risk": beside.risk}
    assert charged.labels_value < plain.labels_value


def test_waiting_goes_on_until_it_has_cost_as_much() -> None:
    """A risk of 3 right answers is waited for, where training alone would not be."""
    small = replace(CHARGED, requests=5, risk=replace(RISK, exposed=500.0))
    settings = Decide(min_labels=10)
    now = decide(replace(small, risk=None, judging=None), settings, now=1.0, turn="t")[0]
    later = decide(small, settings, now=1.0, turn="t")[0]
    assert (now.action, later.action) == (Action.RETRAIN, Action.WAIT)
    assert "retraining starts when that reaches 3.1" in later.because
    assert later.costs == {}


def test_every_option_pays_it_and_the_sentence_says_so() -> None:
    """Cost and parts of the one that is taken stand in the row, and in words; what was seen of candidates follows."""
    evidence = replace(CHARGED, options=(option("careful", 0.09), option("prompt", 0.02, cpu_s=3.6)))
    made = decide(evidence, Decide(), now=1.0, turn="t", bounds=Bounds(strategy=CHEAPEST))[0]
    assert (made.action, made.chosen) == (Action.RETRAIN, "careful")
    assert made.cost == pytest.approx(sum(made.costs.values()))
    assert set(made.costs) == {"making", "judge", "risk"}
    assert "for 1, of which 0.108 the judge's tokens and 0.9 the risk of a bad candidate" in made.because
    assert "2 of 6 earlier candidates were bad, so that the next one is with 0.30 (0.07 to 0.60)" in made.because
    assert "answers 150 requests worse by 0.02 until it is found out" in made.because
    assert "about 40,800 tokens for 100 pairs." in made.because
    rows = {one.action: one for one in made.alternatives}
    assert rows["careful"].costs == made.costs
    assert rows["prompt"].costs["risk"] == pytest.approx(made.costs["risk"])
    assert rows["wait"].costs == {}


def test_what_is_said_of_no_record() -> None:
    """No candidate yet, and judges whose tokens have no price: both are said, and the latter costs nothing."""
    first = replace(RISK, turns=0, bad=0)
    free = replace(JUDGING, price_read=0.0, price_written=0.0)
    made = decide(replace(CHARGED, risk=first, judging=free), Decide(), now=1.0, turn="t")[0]
    assert "no candidate was tried yet, so that the next one is with 0.25 (0.01 to 0.71)" in made.because
    assert "40,800 tokens for 100 pairs, at no stated price" in made.because
    assert "judge" not in made.costs


def test_a_win_smaller_than_the_risk_is_not_taken() -> None:
    """Of ways that gain beyond chance, one that wins less than a bad candidate may cost is left."""
    settings, tiny = Decide(horizon_requests=100), option("prompt", 0.02)
    assert picked([tiny], settings, None) is not None
    assert picked([tiny], settings, None, Toll(risk=2.5)) is None
    assert priced(tiny, settings, Toll(judge=0.5, risk=1.0)).cost == pytest.approx(1.501)


def test_an_infinite_price_stays_one() -> None:
    """Whatever else it costs."""
    endless = Decide(price_per_cpu_hour=float("inf"))
    assert weigh(CHARGED, endless).cost == float("inf")
    assert decide(CHARGED, endless, now=1.0, turn="t")[0].action is Action.WAIT
    assert priced(option("careful", 0.1), endless, Toll(risk=1.0)).cost == float("inf")


def test_a_budget_of_money_knows_bills_alone() -> None:
    """Judges are paid, and a risk is not: neither what is left nor what is booked holds it."""
    bounds = Bounds(policy="p", left={"money": 0.5}, limits={"money": 1.0})
    made = decide(CHARGED, Decide(), now=1.0, turn="t", bounds=bounds)[0]
    assert made.action is Action.RETRAIN
    assert made.cost > 0.9
    assert booking(made, CHARGED, "t", 1.0).money == pytest.approx(made.costs["making"] + made.costs["judge"])
    dear = replace(CHARGED, judging=replace(JUDGING, price_read=25.0))
    assert decide(dear, Decide(), now=1.0, turn="t", bounds=bounds)[0].action is Action.WAIT


def test_who_comes_first_pays_it_too() -> None:
    """What one of several tasks is worth is what is left after it."""
    evidence = replace(CHARGED, options=(option("careful", 0.09),))
    assert at_best(evidence, Decide()).cost == pytest.approx(0.001 + CHARGED.beside(Decide()).total)


def test_made_again_bit_for_bit(tmp_path: Path) -> None:
    """From what was kept: with judges, a risk, and an option whose gain its curve told; and one that was decided before
    there was any of these.
    """
    curved = replace(option("careful", 0.09), short=Score(mean=0.05, low=0.01, high=0.09, n=200))
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as store:
        for turn, evidence in (("a", replace(CHARGED, options=(curved,))), ("b", EVIDENCE)):
            made = record(store, evidence, Decide(), now=2.0, turn=turn, bounds=Bounds(strategy=CHEAPEST))
            assert replayed(store, made.id) == made
        kept = json.loads(store.blobs.text(store.decisions.get(made.id).inputs))
        for newer in ("judging", "risk", "fall"):
            del kept["evidence"][newer]
        old = replace(made, id="dec_old", inputs=store.blobs.put_text(json.dumps(kept)))
        store.decisions.put(old)
        assert replace(replayed(store, "dec_old"), id="dec_old") == old

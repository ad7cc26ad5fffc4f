"""What the policy decides, and that anybody can decide the same again."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.config.schema import Decide
from homeostat.decide.option import Option
from homeostat.decide.policy import Ledger, decide
from homeostat.decide.value import Bounds, Evidence
from homeostat.types.decision import Action, Decision
from homeostat.types.report import Score
from homeostat.types.signal import Moved, Signal

DRIFTED = Evidence(
    task="routing",
    gain=Score(mean=0.084, low=0.053, high=0.115, n=400),
    accuracy=Score(mean=0.8, low=0.75, high=0.84, n=400),
    n_labels=400,
    requests=2000,
    train_cpu_s=41.0,
)
SIGNAL = Signal(
    id="sig_1", task="routing", time=1.0, moved=Moved.NOVELTY, detector="sr", statistic=9.0, threshold=8.0, n=10
)


def decided(evidence: Evidence, settings: Decide | None = None, ledger: Ledger | None = None) -> Decision:
    return decide(evidence, settings or Decide(), now=7.0, turn="trn_1", ledger=ledger)[0]


def dear(cost: float) -> Decide:
    """Settings under which 41 CPU-seconds cost this much."""
    return Decide(price_per_cpu_hour=cost * 3600 / 41)


def gaining(mean: float, half: float = 0.05) -> Evidence:
    return replace(DRIFTED, gain=Score(mean=mean, low=mean - half, high=mean + half, n=400))


def test_sentence_of_a_retraining() -> None:
    """A retraining says its gain with interval, value, cost and what waiting and asking would cost."""
    made = decided(DRIFTED, Decide(min_labels=200))
    assert made.because == (
        "retrain: worth 0.084 ± 0.031 more right answers per request, about 840 over the next 10,000, for 41 "
        "CPU-seconds (0.001) and no new labels; waiting costs 840, asking for 200 labels first would cost 100."
    )


def test_row_of_a_retraining() -> None:
    """The row carries what the sentence says, and rests on its signals."""
    made = decided(replace(DRIFTED, signals=(SIGNAL,), unknown_labels=0.12))
    assert (made.action, made.task, made.time, made.signals) == (Action.RETRAIN, "routing", 7.0, ("sig_1",))
    assert (made.gain, made.gain_interval) == (0.084, (0.053, 0.115))
    assert made.cost == pytest.approx(41 / 3600 * 0.1)
    assert made.because.endswith("12% of the labels are new to the champion. Moved: novelty.")
    assert [one.action for one in made.alternatives] == ["retrain", "label", "wait"]


@given(st.floats(-1, 1, allow_nan=False), st.floats(0, 100))
def test_free_retraining(mean: float, lost: float) -> None:
    """When retraining costs nothing, it happens exactly when the gain's point estimate is positive."""
    made = decided(gaining(mean), Decide(price_per_cpu_hour=0.0), Ledger(accumulated=lost))
    assert (made.action is Action.RETRAIN) == (mean > 0)


@given(st.floats(-1, 1), st.integers(0, 1000), st.floats(0, 1e12))
def test_priceless_retraining(mean: float, labels: int, lost: float) -> None:
    """When retraining has no price that could be paid, nothing happens whatever the gain."""
    evidence = replace(gaining(mean), n_labels=labels)
    made = decided(evidence, Decide(price_per_cpu_hour=math.inf), Ledger(accumulated=lost))
    assert made.action is Action.WAIT
    assert math.isfinite(sum(one.cost for one in made.alternatives))


def test_too_few_labels() -> None:
    """With fewer labels than the knob asks for, the missing ones are asked for."""
    made = decided(replace(DRIFTED, n_labels=12))
    assert (made.action, made.cost) == (Action.LABEL, 24.0)
    assert made.because.startswith("label: 12 labels since the champion was trained say too little about the gain")
    assert "48 labels more cost 24" in made.because


def test_nothing_measured() -> None:
    """Without a measured gain nothing is gained and nothing is claimed."""
    made = decided(replace(DRIFTED, gain=Score(mean=0, low=0, high=0, n=0), n_labels=0))
    assert (made.action, made.gain, made.gain_interval) == (Action.LABEL, 0.0, (-1.0, 1.0))


def test_cool_down() -> None:
    """Within the cool-down nothing is retrained, but what waiting costs is counted."""
    made, ledger = decide(
        replace(DRIFTED, since_turn_s=20.0), Decide(cool_down_s=60.0), now=7.0, turn="trn_1", ledger=Ledger()
    )
    assert made.action is Action.WAIT
    assert made.because.startswith("wait: the last retraining was 20 s ago and the next may come after 60 s")
    assert ledger.accumulated == pytest.approx(168.0)


def test_ski_rental() -> None:
    """Retraining starts at the first look at which the lost value has reached the cost, and the count starts again."""
    ledger, actions, lost = Ledger(), [], []
    for turn in range(8):
        made, ledger = decide(DRIFTED, dear(400.0), now=float(turn), turn=f"trn_{turn}", ledger=ledger)
        actions.append(made.action)
        lost.append(ledger.accumulated)
    assert actions == 2 * [*2 * [Action.WAIT], Action.RETRAIN] + 2 * [Action.WAIT]
    assert lost == pytest.approx([168, 336, 0, 168, 336, 0, 168, 336])


def test_sentence_of_waiting() -> None:
    """A wait that is only for now says how far the ledger is from the price."""
    made = decided(DRIFTED, dear(400.0))
    assert made.because == (
        "wait: retraining is worth 0.084 ± 0.031 more right answers per request, about 840 over the next 10,000, for "
        "41 CPU-seconds (400), but waiting has cost only 168 so far; retraining starts when that reaches 400; asking "
        "for 60 labels would cost 30."
    )


def test_outside_the_horizon() -> None:
    """A gain that would not pay its cost within the horizon is left, however much has been lost."""
    made = decided(DRIFTED, dear(900.0), Ledger(accumulated=5000.0))
    assert made.action is Action.WAIT
    assert "which does not pay" in made.because


def test_no_credit_for_a_good_champion() -> None:
    """While nothing can be gained the ledger stays at zero: no credit that would later delay a retraining."""
    _, ledger = decide(gaining(-0.1), Decide(), now=7.0, turn="trn_1", ledger=Ledger(accumulated=5.0))
    assert ledger.accumulated == 0.0


def test_gain_beyond_perfection() -> None:
    """No more is expected than the champion lacks to a perfect score."""
    made = decided(replace(gaining(0.3), accuracy=Score(mean=0.9, low=0.88, high=0.92, n=400)))
    assert made.gain == pytest.approx(0.1)
    assert made.gain_interval[1] == pytest.approx(0.12)


def test_labels_when_unclear() -> None:
    """When something moved and the gain could be either way, labels are bought if that is worth their price."""
    unclear = replace(gaining(-0.01, half=0.08), gain=Score(mean=-0.01, low=-0.09, high=0.07, n=60), signals=(SIGNAL,))
    assert decided(unclear).action is Action.LABEL
    assert decided(unclear).because.startswith("label: something moved")
    assert decided(replace(unclear, signals=())).action is Action.WAIT
    assert decided(unclear, Decide(price_per_label=5.0)).action is Action.WAIT


@given(st.floats(-1, 1), st.floats(0, 1), st.integers(0, 500), st.floats(0, 1e4), st.floats(0, 1e4))
def test_replayable(mean: float, half: float, labels: int, cost: float, lost: float) -> None:
    """Deciding a turn again, from the ledger before or after it, gives the same decision and the same ledger."""
    evidence = replace(gaining(mean, half), n_labels=labels)
    first = decide(evidence, dear(cost), now=7.0, turn="trn_9", ledger=Ledger(accumulated=lost, turn="trn_8"))
    assert decide(evidence, dear(cost), now=7.0, turn="trn_9", ledger=first[1]) == first
    assert Ledger(**json.loads(json.dumps(asdict(first[1])))) == first[1]


def test_id_of_the_turn() -> None:
    """The id follows from the turn alone: another turn, another decision."""
    here, there = (decide(DRIFTED, Decide(), now=7.0, turn=turn)[0].id for turn in ("trn_1", "trn_2"))
    assert here == decided(DRIFTED).id != there
    assert here.startswith("dec_")


@given(st.floats(-0.5, 0.5), st.floats(0, 0.3), st.floats(0, 1000))
def test_ranking(mean: float, half: float, cost: float) -> None:
    """Alternatives come best first by gain minus cost."""
    made = decided(gaining(mean, half), dear(cost))
    net = [one.gain - one.cost for one in made.alternatives]
    assert net == sorted(net, reverse=True)
    assert len(net) == 3


def test_text_task() -> None:
    """The sentence of a text task names its metric."""
    assert "0.084 ± 0.031 more chrf per request" in decided(replace(DRIFTED, metric="chrf")).because


def test_what_was_missed_since_the_last_decision_is_what_adds_up() -> None:
    """The ledger grows by what the labels since then say, and by the whole gain only where there are none."""
    settings = dear(1e9)
    for lately, missed in ((0.2, 0.2), (0.0, 0.0), (None, DRIFTED.gain.mean)):
        ledger = decide(replace(DRIFTED, lately=lately), settings, now=7.0, turn="trn_1")[1]
        assert ledger.accumulated == pytest.approx(2000 * missed)


def probed(**more: object) -> Evidence:
    """Evidence with three ways that were probed: words gain five points for nothing, a training eleven for 41 s."""

    def way(name: str, mean: float, cpu_s: float, half: float = 0.02) -> Option:
        gain = Score(mean=mean, low=mean - half, high=mean + half, n=200)
        return Option(name=name, gain=gain, cpu_s=cpu_s, says=f"the way of {name}")

    options = (way("prompt", 0.05, 1.0), way("retrieve", 0.01, 1.0), way("careful", 0.11, 41.0))
    return replace(DRIFTED, options=options, **more)  # type: ignore[arg-type]


def weighed(evidence: Evidence, lost: float = 0.0, **around: object) -> Decision:
    bounds = Bounds(strategy="cheapest", **around)  # type: ignore[arg-type]
    ledger = Ledger(accumulated=lost)
    return decide(evidence, dear(10.0), now=7.0, turn="trn_1", ledger=ledger, bounds=bounds)[0]


def test_the_cheapest_way_to_the_objective_is_taken() -> None:
    """Words where they close the gap, a training where they do not; the sentence says which, for what, and why."""
    words, training = weighed(probed(gap=0.04)), weighed(probed(gap=0.1))
    assert (words.action, words.chosen, words.gain) == (Action.PROMPT, "prompt", 0.05)
    assert words.because.startswith(
        "prompt: the way of prompt; worth 0.050 ± 0.020 more right answers per request, about 500 over the next 10,000 "
        "requests, for 0.244; it is the cheapest that closes the gap to the objective, which is missed by 0.040."
    )
    assert (training.action, training.chosen, training.cost) == (Action.RETRAIN, "careful", pytest.approx(10.0))
    assert "nothing closes the gap" in weighed(probed(gap=0.5)).because


def test_another_base_is_told_of_beside_what_is_decided() -> None:
    """The action is what it was; the sentence proposes the base with its worth and cost, the alternatives have it, and
    where nothing else was probed it is decided as if nothing had been.
    """
    score = Score(mean=0.3, low=0.25, high=0.35, n=200)
    base = Option(name="base hub/x", base="hub/x", gain=score, cpu_s=36.0, says="standing on hub/x")
    plain, evidence = probed(gap=0.04), probed(gap=0.04)
    made = weighed(replace(evidence, options=(*evidence.options, base)))
    assert (made.action, made.chosen) == (weighed(plain).action, "prompt")
    assert made.because.startswith(weighed(plain).because[:60])
    assert (
        "Proposed: standing on hub/x; worth 0.300 ± 0.050 more right answers per request, about 3,000" in made.because
    )
    assert "a person sets `model.base`" in made.because
    assert "base hub/x" in [one.action for one in made.alternatives]
    alone, none = (weighed(replace(evidence, options=options, gap=None)) for options in ((base,), ()))
    assert (alone.action, alone.chosen) == (none.action, none.chosen)
    assert "Proposed" not in none.because
    assert "Proposed" in alone.because


def test_every_way_is_an_alternative() -> None:
    """Each with its gain, interval and cost, the best first; those that were probed stand for retraining as such."""
    made = weighed(probed(gap=0.04))
    found = {one.action: one for one in made.alternatives}
    assert next(iter(found)) == "careful"
    assert set(found) == {"careful", "prompt", "retrieve", "label", "wait"}
    assert found["careful"].gain_interval == pytest.approx((900.0, 1300.0))
    assert (found["prompt"].gain, found["prompt"].says) == (pytest.approx(500.0), "the way of prompt")


def test_without_an_objective_waiting_must_have_cost_as_much() -> None:
    """Ski rental holds for what is worth most, too; and bounds hold for words as for a training."""
    idle = replace(probed(), requests=0)
    assert weighed(idle).action is Action.WAIT
    assert weighed(idle, lost=11.0).chosen == weighed(probed()).chosen == "careful"
    assert weighed(probed(gap=0.04), time=5.0, quiet_until=9.0).action is Action.WAIT
    assert weighed(probed(gap=0.04), left={"retrainings": 0.0}, limits={"retrainings": 4.0}).action is Action.PROMPT
    short = weighed(probed(gap=0.1), left={"retrainings": 0.0}, limits={"retrainings": 4.0})
    assert "it waits for budget: 0 of 4 retrainings" in short.because


def test_where_nothing_helps_for_sure() -> None:
    """It says what was tried, and waits; where nothing was probed it decides by value."""
    only = replace(probed(), options=probed().options[1:2])
    made = weighed(only, lost=1e6)
    assert made.action is Action.WAIT
    assert "nothing that was probed gains beyond chance and pays (retrieve 0.010 ± 0.020" in made.because
    assert weighed(DRIFTED, lost=1e6).action is Action.RETRAIN


def test_a_training_on_gpus_is_priced_and_held_by_their_hours() -> None:
    """Two GPU-hours at 2 each beside next to no CPU; a budget of one GPU-hour holds it back, and says so."""
    evidence = replace(DRIFTED, train_gpu_s=7200.0)
    made = decided(evidence)
    assert made.cost == pytest.approx(4.0, abs=0.01)
    assert "41 CPU-seconds and 2 GPU-hours" in made.because
    bounds = Bounds(left={"gpu_hours": 1.0}, limits={"gpu_hours": 8.0}, renews=1e9, policy="p")
    held = decide(evidence, Decide(), now=7.0, turn="trn_1", bounds=bounds)[0]
    assert held.action is Action.WAIT
    assert "1 of 8 GPU-hours are left of this month" in held.because
    assert decide(DRIFTED, Decide(), now=7.0, turn="trn_1", bounds=bounds)[0].action is Action.RETRAIN


def test_money_that_went_for_labels_is_told() -> None:
    """Who has retrained nothing and finds the budget empty reads what emptied it; nothing where no label was given."""
    bounds = Bounds(left={"money": 0.0}, limits={"money": 20.0}, renews=1e9, given=190, given_cost=95.0)
    held = decide(DRIFTED, Decide(), now=7.0, turn="trn_1", bounds=bounds)[0]
    assert "0 of 20 money are left of this month (95 went for 190 labels, at `decide.price_per_label`)" in held.because
    other = decide(DRIFTED, Decide(), now=7.0, turn="trn_1", bounds=replace(bounds, given=0, given_cost=0.0))[0]
    assert "0 of 20 money are left of this month, and the next" in other.because


def test_what_can_be_won_back_at_most_is_said_and_retrains_nobody() -> None:
    """Where no label measured a gain: the row of retraining ends at the bound and says what it is, and the sentence has
    fall, interval, and traffic.
    """
    blind = replace(
        DRIFTED, gain=Score(mean=0.0, low=-1.0, high=1.0, n=0), fall=Score(mean=0.06, low=0.04, high=0.08, n=2000)
    )
    made = decided(blind)
    assert made.action is not Action.RETRAIN
    (row,) = [one for one in made.alternatives if one.action == Action.RETRAIN]
    assert (row.gain, row.gain_interval) == (0.0, (0.0, pytest.approx(800.0)))
    assert "at most" in row.says
    assert "quality fell by 0.060 (0.040 to 0.080) since the champion began to answer" in made.because
    assert "win back 600 over the next 10,000 requests at most, and hardly more than 800: an upper" in made.because
    assert "quality fell" not in decided(replace(blind, gain=DRIFTED.gain)).because
    assert "quality fell" not in decided(replace(blind, fall=None)).because

"""Values of a line of a project's file, on one history."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.errors import UnknownKey, WrongType
from homeostat.loop.backtests.backtest import Answered, answered
from homeostat.loop.backtests.supposing import Ground, suppose
from loop.backtests.test_backtest import record, same

FILE = """\
project: shop
tasks: {routing: {kind: label, policy: steady, labels: [%s]}}
policies: {steady: {any: {drop: 0.1}, strategy: always, look: 0s}, calm: {any: {drift: any}, strategy: always},
  tuesdays: {any: {schedule: "0 10 * * 2"}, action: drill}}
monitor: {min_reference: 50, false_alarm_every: 10000}
decide: {min_labels: 20}
"""


@pytest.fixture(scope="module")
def heads() -> Answered:
    """1,200 requests a second apart; in the second half every other one has a label that nobody knew."""
    return answered(record(1200), same, steps=24)


@pytest.fixture
def ground(tmp_path: Path, heads: Answered) -> Ground:
    """That history, under a file with two policies."""
    file = tmp_path / "homeostat.yaml"
    file.write_text(FILE % ", ".join(tiny.WORDS))
    return Ground(file=file, task="routing", answered=heads, cost=40.0)


def test_a_line_of_a_policy(ground: Ground) -> None:
    """A fall of half is seen by a line below it and by none above; the value of the file is marked as such."""
    found = suppose(ground, "policies.steady.any.drop=0.05,0.1,0.9")
    assert (found.policy, found.key, found.note) == ("steady", "policies.steady.any.drop", "")
    low, usual, high = found.tries
    assert len(low.outcome.retrained) >= len(usual.outcome.retrained) >= 1
    assert min(usual.outcome.retrained) > 600.0
    assert high.outcome.retrained == ()
    assert high.outcome.cost > usual.outcome.cost
    assert [each.in_force for each in found.tries] == [False, True, False]


def test_hold_and_cool_down(ground: Ground) -> None:
    """Who must hold for more looks retrains later; who has to rest retrains less often."""
    held = suppose(ground, "policies.steady.hold=1,4")
    assert held.tries[1].outcome.retrained[0] > held.tries[0].outcome.retrained[0]
    strategy = ground.file.read_text().replace("any: {drop: 0.1}", "any: {requests: 10}")
    ground.file.write_text(strategy)
    rested = suppose(ground, "policies.steady.cool_down=1m,5m")
    assert len(rested.tries[0].outcome.retrained) > 2 * len(rested.tries[1].outcome.retrained) > 0


def test_prices_move_the_oracle_too(ground: Ground) -> None:
    """`cost` and the value of an answer are tried on the task's own policy, each beside an oracle of its price."""
    costs = suppose(ground, "cost=10,40,2000")
    assert costs.policy == "yaml"
    assert [each.in_force for each in costs.tries] == [False, True, False]
    retrained = [len(each.oracle.retrained) for each in costs.tries]
    assert retrained[0] >= retrained[1] > retrained[2] == 0
    worth = suppose(ground, "decide.value_per_correct=1,10")
    assert worth.halves is None
    assert worth.tries[1].oracle.cost > worth.tries[0].oracle.cost


def test_detectors_are_asked_again_and_nothing_is_trained(ground: Ground) -> None:
    """The rarer a false alarm, the fewer alarms. What heads reply is not touched: all values have the same rows."""
    found = suppose(ground, "drift=100,1000,100000")
    counts = [len(each.outcome.retrained) for each in found.tries]
    assert counts[0] > counts[1] >= counts[2] >= 1
    assert len({each.oracle.cost for each in found.tries}) == 1
    alike = suppose(ground, "monitor.false_alarm_every=100,10000")
    assert alike.tries[1].in_force


def test_the_level_of_a_signal_is_that_of_its_alarm(ground: Ground) -> None:
    """An alarm stands a little above its threshold: a line at once that is met, one far above it never."""
    found = suppose(ground, "policies.calm.any.drift.level=1,1.5,1000000")
    counts = [len(each.outcome.retrained) for each in found.tries]
    assert counts[0] >= counts[1] >= counts[2] == 0
    assert counts[0] >= 1


def test_lines_of_built_in_policies(ground: Ground) -> None:
    """Points of a fall, and days between two retrainings."""
    falls = suppose(ground, "performance=0.05,0.9")
    assert [each.in_force for each in falls.tries] == [True, False]
    assert len(falls.tries[0].outcome.retrained) > len(falls.tries[1].outcome.retrained)
    days = suppose(ground, f"calendar={100 / 86400},{400 / 86400}")
    assert [len(each.outcome.retrained) for each in days.tries] == [11, 2]


def test_a_policy_that_the_file_has_not(ground: Ground) -> None:
    """It is made of the line alone, and that is said."""
    found = suppose(ground, "policies.fresh.any.labels=100,300")
    assert "no policy 'fresh'" in found.note
    assert not any(each.in_force for each in found.tries)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("policies.steady.any.drop=0.1,7", WrongType, "at most 1"),
        ("policies.steady.any.drp=0.1,0.2", Exception, "drp"),
        ("policies.steady=1,2", UnknownKey, "no line of a policy"),
        ("policies.tuesdays.any.schedule=every day,every week", WrongType, "decides nothing"),
        ("decide.min_label=1,2", UnknownKey, "min_label"),
        ("gateway.port=8001,8002", WrongType, "depends on `gateway.port`"),
        ("cost=cheap,dear", WrongType, "takes numbers"),
        ("drift=0,5", WrongType, "above 0"),
    ],
)
def test_what_is_refused(ground: Ground, text: str, error: type[Exception], says: str) -> None:
    """A value that the file could not have, a key that there is not, and one that no backtest looks at."""
    with pytest.raises(error) as caught:
        suppose(ground, text)
    assert says in str(caught.value)


def test_policies_measure_gains_by_heads_where_models_are_dear(ground: Ground) -> None:
    """A history of models that nobody can make better, beside heads that gain: the rule sees the heads' gain, and what
    it costs is what the models reply.
    """
    stuck = np.full_like(ground.answered.right, 0.5)
    dear = replace(ground.answered, right=stuck, heads=ground.answered.right)
    ground.file.write_text(ground.file.read_text().replace("policy: steady, ", ""))
    found = suppose(replace(ground, answered=dear), "decide.min_labels=20,100000").tries[0]
    assert found.outcome.quality == pytest.approx(0.5)
    assert len(found.outcome.retrained) >= 1
    assert found.oracle.retrained == ()

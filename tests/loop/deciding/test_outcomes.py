"""What earlier turns gained is read from their rows: of those that ended, and each for the way that it went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.schema import Decide
from homeostat.decide.option import CHEAPEST, Option, learned
from homeostat.decide.outcome import ratio
from homeostat.decide.record import record
from homeostat.decide.value import Bounds, Evidence
from homeostat.loop.deciding.outcomes import outcomes
from homeostat.store import Store
from homeostat.types.decision import Action
from homeostat.types.release import Release, Stage
from homeostat.types.report import Report, Score
from homeostat.types.turn import Turn
from homeostat.types.version import Version

GAIN = Score(mean=0.1, low=0.06, high=0.14, n=400)
EVIDENCE = Evidence(task="a", gain=GAIN, n_labels=400, requests=5000, train_cpu_s=36.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as opened:
        for id in ("ver_old", "ver_first", "ver_second"):
            opened.versions.put(Version(id=id, task="a", time=0.0, base="builtin", kind="adapter"))
        yield opened


def turned(
    store: Store,
    number: int,
    state: str,
    *,
    stage: Stage | None = None,
    evidence: Evidence = EVIDENCE,
    way: str = "value",
) -> None:
    """A turn that tried two candidates, of which the second, if any, was released."""
    turn = f"trn_{number}"
    made = record(store, evidence, Decide(min_labels=10), now=float(number), turn=turn, bounds=Bounds(strategy=way))
    diary = {"watch": "", "decide": made.id}
    for name, mean in (("first", -0.02), ("second", 0.06)):
        score = Score(mean=0.8, low=0.7, high=0.9, n=300)
        report = Report(
            id=f"rep_{turn}_{name}", task="a", time=float(number), candidate=f"ver_{name}", champion="ver_old",
            metric="accuracy", candidate_score=score, champion_score=score,
            difference=Score(mean=mean, low=mean - 0.03, high=mean + 0.03, n=300),
        )  # fmt: skip
        store.reports.put(report)
        diary[f"evaluate.{name}"] = report.id
    if stage is not None:
        release = Release(id=f"rel_{number}", task="a", time=float(number), stage=Stage.SHADOW, champion="ver_old")
        store.releases.put(replace(release, candidate="ver_second"))
        diary |= {"release": release.id, "stage": stage}
    store.turns.put(Turn(id=turn, task="a", time=float(number), state=state, diary=diary))


def test_what_was_released_gained_what_its_own_report_says(store: Store) -> None:
    """Not the first attempt's; and what was expected is the head's gain as it was measured then."""
    turned(store, 1, "release", stage=Stage.FULL)
    (found,) = outcomes(store, "a", 9.0)
    assert (found.turn, found.expected) == ("trn_1", GAIN)
    assert (found.gained.mean, found.gained.n) == (0.06, 300)
    assert outcomes(store, "a", 1.0) == ()
    assert outcomes(store, "b", 9.0) == ()


@pytest.mark.parametrize(("state", "stage"), [("gate", None), ("release", Stage.ROLLBACK)])
def test_what_nobody_got_gained_nothing(store: Store, state: str, stage: Stage | None) -> None:
    """Refused by the gate, or taken back from the few who had it: 0, with the doubt of the last report."""
    turned(store, 1, state, stage=stage)
    (found,) = outcomes(store, "a", 9.0)
    assert (found.gained.mean, found.gained.low, found.gained.high) == pytest.approx((0.0, -0.03, 0.03))


def test_each_way_learns_from_its_own_turns(store: Store) -> None:
    """A way that was probed and taken: what its probe had measured, also where that was taken down before it was
    weighed, which keeps nobody from taking it. The head's gain learns nothing from it, nor another way.
    """
    option = Option(name="careful", gain=Score(mean=0.2, low=0.15, high=0.25, n=200), cpu_s=1.0, says="training")
    for number in range(3):
        known = outcomes(store, "a", float(number))
        probed = replace(EVIDENCE, options=(learned(option, known),), outcomes=known)
        turned(store, number, "release", stage=Stage.FULL, evidence=probed, way=CHEAPEST)
    found = outcomes(store, "a", 9.0)
    assert [(one.way, one.expected) for one in found] == [("careful", option.gain)] * 3
    taken = learned(option, found)
    assert taken.gain.mean == pytest.approx(0.2 * ratio(found, "careful").mean)
    assert taken.gain.mean < store.decisions.list("a")[-1].gain < 0.2
    assert "by 3 of the earlier turns" in taken.says
    assert taken.sure
    assert not learned(replace(option, gain=replace(option.gain, low=-0.01)), found).sure
    other = replace(option, name="joint")
    assert learned(other, found) == other
    assert ratio(found).n == 0


def test_what_says_nothing_of_gains_is_left_out(store: Store) -> None:
    """A turn under way, one that failed, one that a person ended, a drill, and a decision to wait."""
    for number, state in enumerate(("open", "failed", "sign")):
        turned(store, number, state)
    turned(store, 5, "release", stage=Stage.FULL)
    store.turns.change("trn_5", lambda turn: replace(turn, diary={**turn.diary, "push": "ver_second"}))
    turned(store, 6, "gate", evidence=replace(EVIDENCE, gain=replace(GAIN, mean=-0.1, low=-0.2, high=0.0)))
    assert store.decisions.list("a")[-1].action is not Action.RETRAIN
    assert outcomes(store, "a", 99.0) == ()


def test_a_decision_rests_on_them(store: Store) -> None:
    """The next turn expects less where the last ones gained less than was expected."""
    for number in range(4):
        turned(store, number, "gate")
    known = outcomes(store, "a", 99.0)
    made = record(store, replace(EVIDENCE, outcomes=known), Decide(min_labels=10), now=9.0, turn="trn_9")
    assert 0.0 <= made.gain < 0.05
    assert "By 4 earlier turns" in made.because

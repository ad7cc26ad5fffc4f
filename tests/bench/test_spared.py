"""Labels that predictions save at equal width, as the bench counts them."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from small_project import KNOWN, NEW, rows
from spared import BLIND, LABELS, TRIED, Rated, Saved, drawn, exact, met, needed, rated, ratings, saved, told

from homeostat.llm.features import grams
from homeostat.stats.intervals import mean_interval
from homeostat.train.head.ridge import RidgeHead

JUDGE = Saved(
    agreement=0.7,
    needed=190.0,
    saved=[0.47, 0.45, 0.49],
    expected=0.46,
    plain=[0.95, 0.94, 0.96],
    powered=[0.95, 0.94, 0.96],
    width=0.12,
    n=3000,
)
NOTHING = replace(JUDGE, agreement=0.0, saved=[0.01, 0.0, 0.02])


def world(agreement: float, n: int = 4000) -> Rated:
    """Replies of which three in four are right, and a judge that knows so many of them and guesses the others."""
    rng = np.random.default_rng(0)
    right = (rng.random(n) < 0.75).astype(float)
    guess = (rng.random(n) < 0.75).astype(float)
    told = np.where(rng.random(n) < agreement, right, guess)
    return Rated(right, {"judge": told, BLIND: rng.permutation(told)})


def test_intervals_are_those_of_the_platform() -> None:
    """The ends of many at once are those of `mean_interval`, none and all right among them."""
    n = np.array([7, 50, 120])
    right = np.array([[0, 20, 120], [7, 50, 3]])
    low, high = exact(right, n)
    for k, row in enumerate(right):
        for j, hits in enumerate(row):
            own = mean_interval([1.0] * hits + [0.0] * (n[j] - hits))
            assert (low[k, j], high[k, j]) == pytest.approx((own.low, own.high))


def test_how_many_labels_are_needed() -> None:
    """A width that falls with the root of the labels is met at the right number, and a half of it at four times."""
    plain = 2.0 / np.sqrt(TRIED)
    assert needed(plain, 2.0 / np.sqrt(LABELS)) == pytest.approx(LABELS, rel=0.01)
    assert needed(plain, 1.0 / np.sqrt(LABELS)) == pytest.approx(4 * LABELS, rel=0.01)
    assert needed(plain, 0.0) == pytest.approx(TRIED[-1])
    rough = plain.copy()
    rough[30] += 0.01  # luck of the draws: more labels are no worse
    assert needed(rough, 2.0 / np.sqrt(LABELS)) == pytest.approx(LABELS, rel=0.02)


@pytest.mark.parametrize("agreement", [0.3, 0.6, 0.9])
def test_what_is_saved_is_what_agreement_promises(agreement: float) -> None:
    """Within a few hundredths of ρ² · N / (N + n), with the truth covered; a judge of other rows saves little."""
    of = world(agreement)
    found = drawn(of, 150, np.random.default_rng(1))
    judge, blind = (saved(of, found, name, np.random.default_rng(2)) for name in ("judge", BLIND))
    assert judge.agreement == pytest.approx(agreement, abs=0.05)
    assert judge.saved[0] == pytest.approx(judge.expected, abs=0.07)
    assert judge.saved[1] <= judge.saved[0] <= judge.saved[2]
    assert judge.saved[1] > 0.02
    assert judge.needed == pytest.approx(LABELS / (1 - judge.saved[0]), rel=1e-3)
    assert judge.powered[0] > 0.9
    assert judge.plain[0] > 0.9
    assert abs(blind.saved[0]) < 0.05
    assert blind.expected < 0.01


def test_a_judge_that_says_the_opposite_saves_nothing() -> None:
    """It is not heeded, so the interval is that of the labels alone."""
    of = world(0.9)
    turned = Rated(of.right, {"turned": 1.0 - of.by["judge"], BLIND: of.by[BLIND]})
    found = saved(turned, drawn(turned, 60, np.random.default_rng(3)), "turned", np.random.default_rng(4))
    assert found.agreement < -0.8
    assert found.saved[0] == pytest.approx(0.0, abs=0.02)


def test_judges_are_taught_by_other_rows_than_the_replies() -> None:
    """Of real texts: who was taught by more rows agrees better with the truth, and ratings of other rows do not."""
    some = rows([*KNOWN, *NEW], 3600, 5)
    rng = np.random.default_rng(6)
    words = [text.split() for text, _ in some]
    texts = [" ".join(rng.choice(said, 2, replace=False)) for said in words]  # so that often there is no telling
    of = rated(grams(texts, 256), [label for _, label in some], 0)
    agreement = {name: float(np.corrcoef(told, of.right)[0, 1]) for name, told in of.by.items()}
    assert len(of.right) == 3600 * 0.35 - 400
    assert 0.3 < of.right.mean() < 0.95
    assert agreement["people"] > agreement["strong judge"] > agreement["weak judge"]
    assert agreement["people"] > 0.85
    assert abs(agreement[BLIND]) < 0.1
    assert sorted(of.by[BLIND]) == sorted(of.by["strong judge"])


def test_a_rating_says_how_near_a_reply_comes() -> None:
    """One where the judge would have said the same, less where not, nothing for a label it never met."""
    features = np.eye(3)
    judge = RidgeHead(3)
    judge.add(features, ["refund", "delivery", "login"])
    same, other, new = ratings(judge, features, ["refund", "login", "hologram"])
    assert same == 1.0
    assert 0 < other < 0.1
    assert new == 0.0


def test_what_is_asked_for() -> None:
    """Good judges save for sure, the blind one does not, and each covers the truth; poor ones need not save."""
    good = {"a": {"judge": JUDGE, BLIND: NOTHING}}
    assert met(good, 0.93) == {"good_save": True, "blind_saves_nothing": True, "covered": True}
    poor = replace(JUDGE, agreement=0.2, saved=[0.0, -0.01, 0.01])
    assert all(met({"a": {"judge": JUDGE, "poor": poor, BLIND: NOTHING}}, 0.93).values())
    assert not met({"a": {"poor": poor, BLIND: NOTHING}}, 0.93)["good_save"]  # there was none to be seen saving
    assert not met({"a": {"judge": replace(JUDGE, saved=[0.1, 0.0, 0.2]), BLIND: NOTHING}}, 0.93)["good_save"]
    sly = replace(NOTHING, saved=[0.1, 0.08, 0.12])
    assert not met({"a": {"judge": JUDGE, BLIND: sly}}, 0.93)["blind_saves_nothing"]
    missed = replace(JUDGE, powered=[0.92, 0.91, 0.93])
    assert not met({"a": {"judge": missed, BLIND: NOTHING}}, 0.93)["covered"]
    few = replace(JUDGE, n=100)  # the same share of few draws is no proof
    assert not met({"a": {"judge": few, BLIND: NOTHING}}, 0.93)["covered"]
    assert met({"a": {"judge": JUDGE}, "b": {"judge": replace(JUDGE, n=100)}}, 0.93)["covered"]


def test_the_line() -> None:
    """All of it, by stream and judge."""
    assert told({"a": {"judge": JUDGE}})["a"]["judge"]["saved"] == [0.47, 0.45, 0.49]

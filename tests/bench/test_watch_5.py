"""The arithmetic of bar watch.5."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from watch_5 import PRICES, Life, Model, Row, Variant, correlation, foretold, interval, lived, policies, ranks

import tiny
from homeostat.decide.replay.policies import Never, Prices


def variant(n: int = 360, told: float = 0.5) -> Variant:
    """Three labels are known; three more come after a third of the requests."""
    chance, labels = np.random.default_rng(0), list(tiny.WORDS)
    pool = {label: tiny.texts(label, n, 1) for label in labels}

    def rows(of: list[list[str]]) -> list[Row]:
        names = [str(chance.choice(each)) for each in of]
        return [Row(pool[name][k % n], name) for k, name in enumerate(names)]

    half = [labels[:3]] * (n // 3) + [labels] * (n - n // 3)
    return Variant(name="tiny", memory=rows([labels[:3]] * 90), logged=rows(half), live=rows(half), told=told)


def test_a_model_tells_what_it_was_taught() -> None:
    """And is surer of that than of what it never met."""
    made = variant()
    model = Model.of([(row.text, row.label) for row in made.memory])
    replies, sure = model.say(Life(made, 6, 0)._features[:100])
    assert np.mean([said == row.label for said, row in zip(replies, made.live, strict=False)]) > 0.9
    assert ((sure > 0) & (sure <= 1)).all()


def test_who_never_retrains_pays_for_wrong_replies_alone() -> None:
    """Every other policy pays for each model that it takes into service as well."""
    life = Life(variant(), 6, 0)
    prices = Prices(retraining=50.0)
    never = life.cost(lambda _: Never(), prices, looks=False)
    right, _ = life.model(0)
    assert never == pytest.approx(float(np.mean(1.0 - right)))
    always = life.cost(policies(1.0)["always"], prices, looks=False)
    free = life.cost(policies(1.0)["always"], Prices(retraining=0.0), looks=False)
    assert always - free == pytest.approx(5 * 50.0 / 360)
    assert free < never


def test_a_model_knows_nothing_of_its_own_step() -> None:
    """Labels of the step before are the newest that it was trained on."""
    life = Life(variant(told=1.0), 6, 0)
    right, _ = life.model(3)
    assert np.isnan(right[life.step < 3]).all()
    assert not np.isnan(right[life.step >= 3]).any()
    assert right[life.step >= 3].mean() > life.model(0)[0][life.step >= 3].mean() + 0.2


def test_a_log_foretells_the_other_half(tmp_path: Path) -> None:
    """On two halves of the same world the order of the policies is nearly the same, by code of two kinds."""
    told, came = foretold(variant(720), 6, 1, tmp_path), lived(variant(720), 6, 1)
    assert set(told) == set(came) == set(PRICES)
    assert set(told[10.0]) == set(came[10.0])
    assert told[10.0]["never"] == pytest.approx(came[10.0]["never"], abs=0.06)
    assert correlation([ranks(told, came)]) > 0.5


def test_ranks_are_taken_within_a_price() -> None:
    """So that a dear price does not look like skill."""
    told = {10.0: {"a": 1.0, "b": 2.0}, 40.0: {"a": 30.0, "b": 20.0}}
    came = {10.0: {"a": 5.0, "b": 6.0}, 40.0: {"a": 2.0, "b": 3.0}}
    assert ranks(told, came) == ([1.0, 2.0, 2.0, 1.0], [1.0, 2.0, 1.0, 2.0])
    assert correlation([ranks(told, told)]) == pytest.approx(1.0)
    assert correlation([ranks(told, came)]) == pytest.approx(0.0)
    low, high = interval([ranks(told, told)] * 4, 0)
    assert (low, high) == pytest.approx((1.0, 1.0))

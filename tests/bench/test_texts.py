"""The bench of the suites of texts: which half a case is of, what families are worth, and how strangers are told."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from texts import ABSTAINS, SUITES, TEXTS, half, score, unsure

from homeostat.evaluate.suites.ask import Question, questions
from homeostat.evaluate.suites.shipped import shipped

HALVES = {
    "injection": {"one right answer": 214, "open work": 67},
    "jailbreak": {"refuses": 261, "answers": 144},
    "negation": {"no": 258, "yes": 258},
}


@pytest.mark.parametrize("name", SUITES)
def test_every_case_is_of_one_half(name: str) -> None:
    """By what its check expects."""
    assert Counter(half(one) for one in questions(shipped(name, TEXTS))) == HALVES[name]


def test_a_family_is_worth_one() -> None:
    """Two cases of each of twenty families that fare alike: the count is that of cases, the interval of families."""
    found = [
        Question(part="a", case=k, text=str(k), plain=str(k), expect="", check="json", family=str(k // 2))
        for k in range(40)
    ]
    values = [float(k // 2 < 10) for k in range(40)]
    mean, low, high, n = score(found, values, range(40))
    assert (mean, n) == (50.0, 40)
    assert high - low > 40.0
    assert score(found, values, range(10))[0] == 100.0


def test_strangers_are_told_by_confidence() -> None:
    """Of a head that is as sure of strangers as of its own one in twenty is met, of one that is not sure nearly all."""
    own = np.linspace(0.0, 1.0, 401)
    alike = unsure(own, own)
    assert alike["auc"] == 0.5
    assert alike["met"][0] == pytest.approx(100 * ABSTAINS, abs=0.5)
    apart = unsure(own, 0.04 * own)
    assert apart["met"][0] == 100.0
    assert apart["auc"] > 0.95
    assert apart["met"][3] == 401

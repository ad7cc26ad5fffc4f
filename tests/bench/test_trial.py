"""Trials of candidates: what is drawn is what was asked for, and both ways of leading one come to the same end."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from trial import LABELED, Kind, World, by_evidence, by_rows, looks, replied, tried_by
from trial import traffic as drawn

from homeostat.config.schema import Release as Settings

TOOK = np.array([20.0, 22.0, 25.0, 30.0])


def world(n: int = 6000) -> World:
    """Four labels; a champion that is right in seven of ten, another as good, and a better one."""
    rng = np.random.default_rng(1)
    names = np.array(["a", "b", "c", "d"])
    truth = rng.integers(0, 4, n)
    rights = {"champion": 0.7, "same": 0.7, "better": 0.95, "sabotaged": 0.0, "wrong": 0.05}
    replies = {k: names[(truth + (rng.random(n) >= right) * rng.integers(1, 4, n)) % 4] for k, right in rights.items()}
    return World("made", names[truth], replies)


def test_a_bias_is_as_large_as_told_and_nowhere_else() -> None:
    """So many points below the champion in its slice, whichever head it is; elsewhere that head's own replies."""
    made, rng = world(), np.random.default_rng(2)
    segment = np.where(rng.random(len(made.truth)) < 0.5, "school", "home")
    inside = segment == "school"
    for replies in ("champion", "same", "better"):
        given = replied(made, Kind(name="biased", replies=replies, points=10.0, segment="school"), segment, rng)
        right = given == made.truth
        lost = np.mean((made.replies["champion"] == made.truth)[inside]) - np.mean(right[inside])
        assert lost == pytest.approx(0.10, abs=0.03)
        assert np.array_equal(given[~inside], made.replies[replies][~inside])


def test_what_is_known_at_a_moment() -> None:
    """Nothing before the first request; in the end about the labeled share is judged, and about a quarter was raced."""
    seen = drawn(world(), Kind(name="erroring", failing=0.25), 1, 2000, TOOK)
    assert np.mean(seen.heard) == pytest.approx(Settings().ramp[0], abs=0.02)
    before = seen.heard.copy()
    seen.deal(float(seen.at[0]) - 1.0, 0.2)
    assert np.all(seen.heard[before])  # whoever heard it goes on hearing it
    assert tried_by(seen, float(seen.at[0]) - 1.0).answered == 0
    end = tried_by(seen, 1e12)
    assert np.mean(seen.heard) == pytest.approx(0.2, abs=0.05)
    assert end.pairs == pytest.approx(2000 * 0.75 * 0.98, rel=0.05)
    assert len(end.judged) == pytest.approx(LABELED * end.pairs, rel=0.15)
    assert end.failed[0] == pytest.approx(500, rel=0.15)
    assert len(end.raced) == pytest.approx(end.pairs / 4, rel=0.15)
    halfway = tried_by(seen, float(seen.at[1000]))
    assert halfway.answered < end.answered
    assert list(halfway.judged) == list(end.judged[: len(halfway.judged)])


def test_looks_are_close_at_first() -> None:
    """Every ten seconds, then at distances that grow with what has come."""
    moments = list(looks(20_000.0))
    assert moments[:3] == [10.0, 20.0, 30.0]
    assert moments[-1] < 20_000.0
    assert np.all(np.diff(moments)[20:] / moments[20:-1] < 0.07)


@pytest.mark.parametrize(
    "kind",
    [
        Kind(name="sabotaged", replies="sabotaged"),
        Kind(name="slow", late_ms=500.0),
        Kind(name="erroring", failing=0.25),
        pytest.param(Kind(name="good", replies="better"), marks=pytest.mark.slow),
    ],
)
def test_rows_in_a_store_and_the_guard_alone_end_alike(kind: Kind) -> None:
    """At the same moment, in the same way, with as many users exposed: a broken one withdrawn, a good one released."""
    seen = drawn(world(), kind, 3, 2500, TOOK)
    one, other = by_evidence(seen, Settings()), by_rows(seen, Settings())
    assert (one.how, one.seconds, one.exposed, one.judged) == (other.how, other.seconds, other.exposed, other.judged)
    assert one.how == ("full" if kind.name == "good" else "harm")
    assert one.withdrawn == (kind.name != "good")

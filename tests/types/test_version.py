"""What a version knows once it may reply with more labels."""

from __future__ import annotations

import math

import pytest

from homeostat.types.version import Version


def test_room_for_more_labels_is_neither_for_nor_against_them() -> None:
    """A label that came later gets the mean of the bias. Subtracting it then leaves equal chances as near as they were:
    padded with 0, the new label would fall behind every one that is known, for shares of log-probabilities are below 0.
    """
    prior = (math.log(0.5), math.log(0.25), math.log(0.125))
    wider = Version(id="v", task="t", time=0.0, base="b", labels=("a", "b", "c"), prior=prior).knowing("abcd")
    assert (wider.id, wider.labels) == ("v", ("a", "b", "c", "d"))
    assert wider.prior == (*prior, pytest.approx(math.log(0.25)))
    told = [-own for own in wider.prior]  # of a model to which all four are equally likely
    assert sorted(told)[0] < told[3] < sorted(told)[-1]


def test_nothing_is_subtracted_where_nothing_was() -> None:
    """A version without a prior gets none, and one that knows all of the labels stays as it is."""
    plain = Version(id="v", task="t", time=0.0, base="b", labels=("a",))
    assert plain.knowing(("a", "b")).prior == ()
    biased = Version(id="v", task="t", time=0.0, base="b", labels=("a",), prior=(-1.0,))
    assert biased.knowing(("a",)) == biased

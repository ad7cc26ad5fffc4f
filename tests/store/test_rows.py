"""Nouns to plain values and back, also across versions of the code."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from homeostat.store.rows import CHUNK, chunks, plain, rebuild
from homeostat.types.report import Score
from homeostat.types.version import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """A part of a noun."""

    state: State
    pair: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    """A noun with everything that a noun may have in it."""

    inner: Inner
    many: tuple[Inner, ...] = ()
    scores: Mapping[str, Score] = field(default_factory=dict)
    free: Mapping[str, object] = field(default_factory=dict)


INNER = Inner(state=State.LIVE, pair=(1.0, 2.0))
OUTER = Outer(
    inner=INNER,
    many=(INNER, Inner(state=State.RETIRED)),
    scores={"a": Score(mean=0.5, low=0.0, high=1.0, n=2)},
    free={"a": [1, "b", None], "c": {"d": 1.5}},
)


def test_there_and_back() -> None:
    """What went in comes out, nested to any depth, of the types it had."""
    assert rebuild(Outer, plain(OUTER)) == OUTER


def test_plain_is_plain() -> None:
    """The plain form has dicts, lists, texts and numbers only."""
    assert plain(INNER) == {"state": "live", "pair": [1.0, 2.0]}


def test_field_that_is_not_known_yet() -> None:
    """A field that a newer version wrote is passed over; one that an older one did not write has its default."""
    assert rebuild(Inner, {"state": "live", "new": 5}) == Inner(state=State.LIVE)


def test_value_that_is_no_member() -> None:
    """A state that nobody knows is an error, not a state."""
    with pytest.raises(ValueError, match="flying"):
        rebuild(Inner, {"state": "flying"})


def test_values_in_lists_that_a_statement_can_name() -> None:
    """Each once, sorted, all of them."""
    values = [f"{k:06}" for k in range(CHUNK + 7)]
    assert list(chunks([*values, *values[:9]])) == [values[:CHUNK], values[CHUNK:]]
    assert list(chunks([])) == []

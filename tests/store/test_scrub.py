"""What is erased is taken out of JSON values, and all else of them stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.store.needles import Needles
from homeostat.store.scrub import ERASED, Scrub

TEXT = "my secret pump is leaking"
SCRUB = Scrub({"int_gone", "fbk_gone"}, Needles.of([TEXT]), "alice")
CASES: dict[str, tuple[Any, Any]] = {
    "an id in a list": ({"examples": ["int_gone", "int_stays"]}, {"examples": ["int_stays"]}),
    "a record that names it": ([[1, "int_gone", 0.5], [2, "int_stays", 0.5]], [[2, "int_stays", 0.5]]),
    "a record that says it": (
        [{"text": TEXT, "n": 1}, {"text": "other words", "n": 2}],
        [{"text": "other words", "n": 2}],
    ),
    "a sentence": ({"because": f"asked “{TEXT}” twice"}, {"because": f"asked “{ERASED}” twice"}),
    "a field that is an id": ({"interaction": "int_gone", "what": "E301"}, {"interaction": "", "what": "E301"}),
    "an id in a sentence": ({"says": "as int_gone, int_stays"}, {"says": f"as {ERASED}, int_stays"}),
    "a key": ({"int_gone": 1, "int_stays": 2}, {"int_stays": 2}),
    "a slice": ({"slice": "source=alice"}, {"slice": f"source={ERASED}"}),
    "a longer name": ({"slice": "source=alice2", "who": "alicea"}, {"slice": "source=alice2", "who": "alicea"}),
    "a topic": (
        {"topics": [{"name": "pump, leaking", "examples": ["int_gone"]}, {"name": "bill", "examples": ["int_stays"]}]},
        {"topics": [{"name": "bill", "examples": ["int_stays"]}]},
    ),
    "a signal": ([{"detector": "x", "examples": ["int_gone"]}], [{"detector": "x", "examples": []}]),
    "numbers": ({"n": 3, "x": None, "on": True, "of": [1.5]}, {"n": 3, "x": None, "on": True, "of": [1.5]}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_gone_is_taken_out(case: str) -> None:
    """Records of it whole, words alone elsewhere; the rest is as it was, and doing it twice is doing it once."""
    value, expected = CASES[case]
    assert SCRUB.value(value) == expected
    assert SCRUB.value(expected) == expected
    assert SCRUB.touches(json.dumps(value)) == (value != expected)


def test_names_of_users_are_not_words() -> None:
    """A short name is taken out where it names somebody, and not in the middle of a sentence; a long one there too."""
    short, long = Scrub((), Needles.of([]), "bob"), Scrub((), Needles.of([]), "müller@example.com")
    assert short.value({"slice": "user=bob", "says": "bob the builder", "tag": "bob"}) == {
        "slice": f"user={ERASED}",
        "says": "bob the builder",
        "tag": "",
    }
    assert long.text("told by müller@example.com today") == f"told by {ERASED} today"
    assert long.text("told by xmüller@example.com") == "told by xmüller@example.com"
    assert long.touches(json.dumps({"says": "by müller@example.com"}))


PARTS = st.sampled_from(
    ["int_gone", "int_stays", "fbk_gone", TEXT, f"he said {TEXT} twice", "other words", "alice", ""]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | PARTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PARTS, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_nothing_of_it_is_in_any_value(value: Any) -> None:
    """Whatever the shape: afterwards no id and no text is in it, what had none is as it was, and it is still JSON."""
    after = SCRUB.value(value)
    told = json.dumps(after)
    assert not any(gone in told for gone in ("int_gone", "fbk_gone", TEXT))
    assert SCRUB.value(after) == after
    if not any(gone in json.dumps(value) for gone in ("int_gone", "fbk_gone", TEXT, "alice")):
        assert after == value
    assert SCRUB.touches(json.dumps(value)) or after == value


def test_a_record_about_something_that_is_gone() -> None:
    """One that names it in a field of its own is about it; one that lists it among others is not."""
    assert SCRUB.about({"interaction": "int_gone", "by": "desk"})
    assert not SCRUB.about({"feedback": ["fbk_gone", "fbk_stays"], "says": TEXT})
    assert not SCRUB.about({})

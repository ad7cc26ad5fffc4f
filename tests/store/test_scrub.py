"""What is erased is taken out of JSON values, and all else of them stays."""

from __future__ import annotations

import json
from typing import Any

import pytest

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

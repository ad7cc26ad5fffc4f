"""The page of methods takes effects from where they were measured, and a bar for met only where all of it was."""

from __future__ import annotations

from typing import Any

import pytest

from house.source import script

PAGE = script("docs/methods_page.py")
SURE = {"outcome": "passed", "of": "rows told right", "value": 0.2, "interval": [0.1, 0.3], "n": 5, "over": "draws"}


def line(*, quick: bool, **more: Any) -> dict[str, Any]:
    """A line of the bar of proofs."""
    return {"date": "2026-11-20", "met": True, "quick": quick, "only": [], "methods": {"adapt.lora": SURE}, **more}


def test_draws_of_a_quick_run_are_no_effect() -> None:
    """Their thresholds were chosen on these draws; what was seen of rows counts, and is marked as quick."""
    assert PAGE["effects"]([line(quick=True)]) == {}
    rows = line(quick=True, methods={"adapt.lora": SURE | {"over": "rows"}})
    assert PAGE["effects"]([rows])["adapt.lora"]["quick"] is True
    assert PAGE["effects"]([line(quick=False)])["adapt.lora"]["quick"] is False


def test_what_was_seen_in_full_is_heard_last() -> None:
    """Of a method that both have seen, the full run speaks."""
    rows = line(quick=True, methods={"adapt.lora": SURE | {"over": "rows", "value": 0.9}})
    found = PAGE["effects"]([rows, line(quick=False)])["adapt.lora"]
    assert (found["value"], found["quick"]) == (0.2, False)
    lines = PAGE["measured"]()
    assert [one["quick"] for one in lines] == sorted((one["quick"] for one in lines), reverse=True)


def test_an_effect_without_an_interval_is_none() -> None:
    """One draw shows nothing, whoever has run it; a proof that failed before it saw one is told of."""
    bare = {key: value for key, value in SURE.items() if key != "interval"}
    open_ended = SURE | {"interval": [None, None]}
    for told in (bare, open_ended):
        assert PAGE["effects"]([line(quick=False, methods={"adapt.lora": told})]) == {}
    failed = {"outcome": "failed", "seconds": 1.0}
    assert PAGE["effects"]([line(quick=True, methods={"adapt.lora": failed})]) == {}
    found = PAGE["effects"]([line(quick=False, methods={"adapt.lora": failed})])["adapt.lora"]
    assert not PAGE["is_proven"](found)
    assert PAGE["_row"]("adapt: `lora`", found) == "| adapt: `lora` | none | | | its proof failed | 2026-11-20 |"


@pytest.mark.parametrize(
    ("lines", "met"),
    [
        ([], False),
        ([line(quick=True)], False),
        ([line(quick=False, only=["order"])], False),
        ([line(quick=False, met=False)], False),
        ([line(quick=True), line(quick=False)], True),
    ],
)
def test_only_a_whole_run_in_full_meets_the_bar(lines: list[dict[str, Any]], met: bool) -> None:
    """A quick one, one of some methods, and one that fell short do not."""
    assert PAGE["is_met"](lines) is met


def test_parts_that_were_drawn_together_say_which_was_quick() -> None:
    """In a line in full, a method that a quick run alone has seen is marked, and its own date is told."""
    parts = {"adapt.lora": SURE | {"quick": True, "over": "rows", "date": "2026-11-02"}, "adapt.full": SURE}
    found = PAGE["effects"]([line(quick=False, methods=parts)])
    assert {name: (told["quick"], told["date"]) for name, told in found.items()} == {
        "adapt.lora": (True, "2026-11-02"),
        "adapt.full": (False, "2026-11-20"),
    }
    assert PAGE["effects"]([line(quick=False, methods={"adapt.lora": SURE | {"quick": True}})]) == {}


def test_a_quick_effect_is_marked_in_its_row() -> None:
    """Beside the number of rows that it was seen on; a method that nobody measured is `not yet`."""
    told = SURE | {"quick": True, "date": "2026-11-20"}
    assert PAGE["_row"]("adapt: `lora`", told).endswith("| 5 draws, quick | rows told right | 2026-11-20 |")
    assert "| 5 draws | rows" in PAGE["_row"]("adapt: `lora`", told | {"quick": False})
    assert "its proof asks for more" in PAGE["_row"]("adapt: `lora`", told | {"outcome": "failed"})
    assert "not yet" in PAGE["_row"]("adapt: `lora`", None)


def test_what_showed_nothing_stands_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interval that reaches 0, and a proof that failed, are no effect: they stand beneath the others."""
    table, about = PAGE["_table"], {"lora": "", "full": "", "freeze": ""}
    seen = {"adapt.lora": SURE, "adapt.full": SURE | {"interval": [-0.1, 0.4]}}
    names = table.__globals__
    monkeypatch.setitem(names, "evidence", lambda: {"adapt": about})
    monkeypatch.setitem(names, "measured", lambda: [line(quick=False, met=False, methods=seen)])
    above, below = table().split("### No effect found here")
    assert "`lora`" in above
    assert "`freeze` | not yet" in above
    assert "`full` | 0.2 | -0.1 to 0.4" in below
    assert "not met yet" in above
    seen["adapt.full"] = SURE
    assert "No effect found" not in table()
    seen["adapt.full"] = SURE | {"outcome": "failed"}
    assert "`full`" in table().split("### No effect found here")[1]

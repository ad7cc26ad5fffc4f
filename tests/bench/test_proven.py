"""What was kept of proofs in parts is drawn together, and met only where every method is proven in full."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

import proven
import train_4

SURE = {
    "outcome": "passed",
    "of": "rows",
    "value": 0.2,
    "interval": [0.1, 0.3],
    "n": 5,
    "over": "draws",
    "seconds": 2.0,
}
UNSURE = SURE | {"interval": [-0.1, 0.5]}
ROWS = SURE | {"over": "rows", "n": 120}
MISSING = {"outcome": "not there", "seconds": 0.0}
FAILED = {"outcome": "failed", "seconds": 1.0}
ALL = ("adapt.lora", "order.fading")


def run(*, quick: bool = False, **methods: Any) -> dict[str, Any]:
    """A line of a run, of methods named without their shelf."""
    shelf = {"lora": "adapt.lora", "fading": "order.fading", "gone": "order.gone"}
    return {"quick": quick, "only": ["x"], "methods": {shelf[name]: told for name, told in methods.items()}}


def document(*lines: dict[str, Any]) -> dict[str, Any]:
    """What is kept."""
    return {"date": "2026-11-20", "machine": {"cores": 2}, "lines": list(lines)}


def test_all_proven_in_parts_meet_the_bar() -> None:
    """Two runs of one method each, both sure, over draws and over rows: all of them passed, with their dates."""
    found = proven.drawn_together(document(run(lora=SURE), run(fading=ROWS)), ALL)
    assert (found["value"], found["n"], found["met"], found["only"], found["quick"]) == (1.0, 2, True, [], False)
    assert {name: told["date"] for name, told in found["methods"].items()} == dict.fromkeys(ALL, "2026-11-20")
    assert found["seconds"] == 4.0
    assert (found["not_run_in_full"], found["did_not_pass"], found["without_a_sure_effect"]) == ([], [], [])


@pytest.mark.parametrize(
    ("lines", "lacking"),
    [
        ([run(lora=SURE)], "not_run_in_full"),
        ([run(lora=SURE), run(quick=True, fading=ROWS)], "not_run_in_full"),
        ([run(lora=SURE), run(fading=FAILED)], "did_not_pass"),
        ([run(lora=SURE), run(fading=UNSURE)], "without_a_sure_effect"),
        ([run(lora=SURE), run(fading=SURE), run(fading=FAILED)], "did_not_pass"),
        ([run(lora=SURE), run(fading=MISSING)], "did_not_pass"),
    ],
    ids=["never run", "quick alone", "failed", "unsure", "failed later", "its test is gone"],
)
def test_one_that_is_not_proven_is_named(lines: list[dict[str, Any]], lacking: str) -> None:
    """Each way to fall short leaves the bar unmet, and says by which method."""
    found = proven.drawn_together(document(*lines), ALL)
    assert found["met"] is False
    assert found[lacking] == ["order.fading"]
    assert found["without_a_sure_effect"] in ([], ["order.fading"])


def test_nothing_proves_nothing() -> None:
    """Without methods, and without a run, the bar is not met."""
    assert not proven.drawn_together(document(), ())["met"]
    assert proven.drawn_together(document(), ALL)["value"] == 0.0
    assert proven.drawn_together(document(run(gone=SURE)), ALL)["methods"] == {}


def test_a_run_in_full_is_heard_before_a_quick_one() -> None:
    """Whichever came first; of two in full the later one is heard, and what a quick run left out says nothing."""
    quick, full, later = run(quick=True, lora=ROWS | {"value": 0.9}), run(lora=SURE), run(lora=SURE | {"value": 0.4})
    assert proven.last(document(quick))["adapt.lora"]["quick"] is True
    for lines in ((quick, full), (full, quick)):
        heard = proven.last(document(*lines))["adapt.lora"]
        assert (heard["value"], heard["quick"]) == (0.2, False)
    assert proven.last(document(full, later))["adapt.lora"]["value"] == 0.4
    assert proven.last(document(run(quick=True, lora=MISSING))) == {}


def test_what_was_drawn_together_is_drawn_together_again(tmp_path: Path) -> None:
    """A document that was written is read as it was, dates and quick runs included; a new run replaces its own methods
    alone, under its own date.
    """
    path = tmp_path / "kept" / "train.4.json"
    path.parent.mkdir()
    path.write_text(json.dumps(document(run(lora=SURE), run(quick=True, fading=ROWS))), encoding="utf-8")
    first = proven.write(path, None, ALL)
    assert proven.write(path, None, ALL) == first
    kept = proven.kept(path)
    assert (kept["machine"], kept["lines"]) == ({"cores": 2}, [first])
    assert first["methods"]["order.fading"]["quick"] is True
    second = proven.write(path, run(fading=SURE | {"value": 0.7}) | {"first": 15}, ALL)
    assert second["methods"]["adapt.lora"] == first["methods"]["adapt.lora"]
    fading = second["methods"]["order.fading"]
    assert (fading["value"], fading["quick"], fading["first"]) == (0.7, False, 15)
    assert fading["date"] == proven.kept(path)["date"] > "2026-11-20"
    assert second["met"]


def test_the_first_draw_is_told_of_draws_alone() -> None:
    """A proof over the rows of one draw has no first one."""
    found = proven.last(document(run(lora=SURE, fading=ROWS) | {"first": 15}))
    assert found["adapt.lora"]["first"] == 15
    assert "first" not in found["order.fading"]


def test_no_document_is_one_without_lines(tmp_path: Path) -> None:
    """Before anything was kept, a run is the first."""
    assert proven.kept(tmp_path / "none.json") == {"lines": []}
    found = proven.write(tmp_path / "made" / "one.json", run(lora=SURE, fading=SURE), ALL)
    assert found["met"]
    assert proven.kept(tmp_path / "made" / "one.json")["command"] == "python bench/train_4.py --table"


def test_what_is_kept_here_is_drawn_together() -> None:
    """The document of this project is one line over all methods that there are, as `--table` would write it now."""
    kept = proven.kept(proven.RESULTS)
    (line,) = kept["lines"]
    assert proven.drawn_together(kept, train_4.proofs()) == line, "stale: python bench/train_4.py --table"

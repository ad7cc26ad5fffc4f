"""Pictures of the house are drawn between their marks, and nowhere else."""

from __future__ import annotations

import runpy
from pathlib import Path

TREE = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "tree.py"))


def test_only_what_is_between_the_marks_changes() -> None:
    """What stands around a picture stays, an old picture goes, and drawing twice is drawing once."""
    before = "above\n\n<!-- floors -->\nold\n<!-- /floors -->\n\nbelow\n"
    after = TREE["rewritten"](before)
    assert after.startswith("above\n\n<!-- floors -->\n```\nroof")
    assert after.endswith("errors\n```\n<!-- /floors -->\n\nbelow\n")
    assert "old" not in after
    assert TREE["rewritten"](after) == after


def test_a_page_without_marks_stays_as_it_is() -> None:
    """Nothing is drawn where no mark asks for it."""
    assert TREE["rewritten"]("floors, rooms, files\n") == "floors, rooms, files\n"


def test_long_purposes_wrap_under_themselves() -> None:
    """A purpose begins in its column and goes on there in the next line; a long name pushes it to the right."""
    text = "a purpose that goes on and on " * 6
    lines = TREE["entry"]("store/", text, indent=4, column=12).splitlines()
    assert lines[0].startswith("    store/  a purpose")
    assert all(line.startswith(" " * 12) and line[12] != " " for line in lines[1:])
    assert TREE["entry"]("a_long_name.py", "short", column=8) == "a_long_name.py  short"


def test_every_room_stands_on_one_floor() -> None:
    """No room is drawn twice, and the ground floor lies under all others."""
    drawn = [room for _, rows in TREE["floors"]() for row in rows for room in row]
    assert len(drawn) == len(set(drawn))
    assert drawn[-2:] == ["types", "errors"]


def test_every_file_is_in_the_tree() -> None:
    """Each module of the package has its line, with what it says of itself."""
    lines = TREE["files"]().splitlines()
    drawn = {line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("   ")}
    assert {path.name for path in TREE["PACKAGE"].rglob("*.py")} - {"__init__.py"} == drawn
    assert any(line.startswith("homeostat/loop/  ") for line in lines)

"""The one file to read first stays on one screen."""

from __future__ import annotations

import ast

from house.source import PACKAGE

STEPS = ["watch", "decide", "curate", "train", "evaluate", "gate", "release"]


def test_the_turn_fits_on_one_screen() -> None:
    """`loop/turn.py` has fewer than 80 lines."""
    text = (PACKAGE / "loop" / "turn.py").read_text(encoding="utf-8")
    assert text.count("\n") < 80


def test_the_turn_tells_its_steps_in_order() -> None:
    """`loop/turn.py` names the seven steps in the order in which they happen."""
    tree = ast.parse((PACKAGE / "loop" / "turn.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    named = [node.attr for node in sorted(calls, key=lambda node: (node.lineno, node.col_offset)) if node.attr in STEPS]
    assert list(dict.fromkeys(named)) == STEPS

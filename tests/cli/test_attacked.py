"""What an attack prints."""

from __future__ import annotations

from dataclasses import replace

import pytest

from homeostat.cli.attacked import SHOWN, TEXT, show
from homeostat.evaluate.attack.attack import Attempt, attacked
from homeostat.evaluate.attack.edits import Edit
from homeostat.evaluate.attack.search import Found
from homeostat.loop.asking.attack import Tried
from homeostat.stats.intervals import paired

WHOLE = [Attempt(text="hello", right="a", said="a", tried=False, queries=1)]


def broke(text: str) -> Attempt:
    found = Found(f"{text}!", (Edit(0, "x"),), "b")
    return Attempt(text=text, right="a", said="a", tried=True, found=found, queries=12, share=0.2)


def test_numbers_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """Each number with its interval, a dash where there is none; long requests are cut, and a few are shown."""
    many = [broke(f"{k} {'w' * 100}") for k in range(10)]
    show(
        {
            "ver_1": Tried(told=attacked(many), attempts=tuple(many)),
            "ver_2": Tried(told=attacked(WHOLE), attempts=tuple(WHOLE), better=paired([0.0] * 10, [1.0] * 10)),
        }
    )
    out = capsys.readouterr().out
    lines = {line.replace("│", "  ").split("  ")[0].strip(): line for line in out.splitlines()}
    assert "100.0" in lines["attacks that succeed"]
    assert lines["attacks that succeed"].rstrip().endswith("–")
    assert "−100.0 points" in lines["the first is better under attack by"]
    assert "12 (12 to 12)" in lines["requests asked for each"]
    assert "gradients" not in out
    assert out.count("…") == 2 * SHOWN
    assert "w" * TEXT not in out


def test_nothing_broke(capsys: pytest.CaptureFixture[str]) -> None:
    """No examples."""
    show({"ver_2": Tried(told=attacked(WHOLE), attempts=tuple(WHOLE))})
    assert "such as" not in capsys.readouterr().out


def test_gradients_are_told_where_they_were_read(capsys: pytest.CaptureFixture[str]) -> None:
    """As by a guided attack."""
    peeked = [replace(broke("hello"), peeks=3)]
    show({"ver_1": Tried(told=attacked(peeked), attempts=tuple(peeked))})
    assert "gradients read for each" in capsys.readouterr().out

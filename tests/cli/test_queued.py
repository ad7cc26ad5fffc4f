"""A request on the terminal, and answers from a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from homeostat.cli.queued import answers, ask
from homeostat.errors import BadStream
from homeostat.loop.labeling import Open

LABELS = frozenset({"refund", "delivery"})
WAITING = [
    Open(interaction=f"int_{k}", text=f"Where is it?\nNumber {k}", reply="refund", confidence=0.41, drawn=False)
    for k in range(3)
]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("\n\n\n", {"int_0": "refund", "int_1": "refund", "int_2": "refund"}),
        ("delivery\n-\nhologram\n", {"int_0": "delivery", "int_2": "hologram"}),
        ("refnd\nyes\n.\n", {"int_0": "refnd"}),
        ("refnd\n\nrefund\n.\n", {"int_0": "refund"}),
        ("delivery\n", {"int_0": "delivery"}),
        ("", {}),
    ],
)
def test_what_is_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, said: dict[str, str]
) -> None:
    """Enter is yes, a line is what is right; what was said before the input ends counts."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert ask(WAITING, LABELS) == said
    out = capsys.readouterr().out
    assert "1 of 3\n    Where is it?\n    Number 0\n" in out
    assert "reply (41 % sure)\n    refund\n" in out


def test_answers_from_elsewhere(tmp_path: Path) -> None:
    """A line each; a bad one is told by its number, before any counts."""
    file = tmp_path / "labels.jsonl"
    file.write_text('{"interaction": "int_1", "value": "refund"}\n\n{"interaction": "int_2", "value": "new one"}\n')
    assert list(answers(file, {"int_1", "int_2"})) == [("int_1", "refund"), ("int_2", "new one")]
    with pytest.raises(BadStream, match="int_2"):
        next(answers(file, {"int_1"}))
    for line in (
        "{",
        "[]",
        '{"interaction": "int_1"}',
        '{"interaction": "int_1", "value": " "}',
        '{"interaction": "int_1", "value": "\\ud800"}',
    ):
        file.write_text(line)
        with pytest.raises(BadStream, match="line 1"):
            next(answers(file, {"int_1"}))
    with pytest.raises(BadStream, match="cannot be read"):
        next(answers(tmp_path / "none", {"int_1"}))

"""A request on the terminal, and answers from a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from homeostat.cli.queued import answers, ask, doubted, unheld
from homeostat.errors import BadStream
from homeostat.loop.listening.labeling import Open

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
    assert dict(ask(WAITING, LABELS)) == said
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


def test_the_printed_document_is_read(tmp_path: Path) -> None:
    """Requests with a value are answers, those without wait, and a bad value is told by its place."""
    file = tmp_path / "open.json"
    file.write_text('{"requests": [{"interaction": "int_1", "value": "refund"}, {"interaction": "int_2"}]}')
    assert list(answers(file, {"int_1", "int_2"})) == [("int_1", "refund")]
    file.write_text('{"requests": [{"interaction": "int_2"}, {"interaction": "int_1", "value": 3}]}')
    with pytest.raises(BadStream, match="request 2"):
        answers(file, {"int_1"})


def test_slips_are_doubted() -> None:
    """What is nearly a known label is told once; known ones, new ones and tasks of text are not."""
    said = {"int_0": "refnd", "int_1": "refund", "int_2": "hologram", "int_3": "refnd"}
    assert doubted(said, LABELS) == ["label 'refnd' is new; did you mean 'refund'?"]
    assert doubted(said, frozenset()) == []


def test_what_was_not_held_is_counted() -> None:
    """Nothing is said where everything was held."""
    assert unheld(["int_0", "int_1"], {"int_0", "int_1", "int_2"}) == []
    (said,) = unheld(["int_0", "int_1", "int_3"], {"int_0"})
    assert said.startswith("2 of 3 were not held")

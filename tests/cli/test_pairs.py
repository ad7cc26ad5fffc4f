"""A pair on the terminal, and answers from a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from homeostat.cli.pairs import answers, ask, show
from homeostat.errors import BadStream
from homeostat.release.preferred import LEFT, TIE, Pair, Preferred
from homeostat.types.report import Score

PAIR = Pair(interaction="int_1", text="Where is it?", left="Here.", right="There,\nbehind it.")


@pytest.mark.parametrize(
    ("typed", "said"),
    [("l\n", LEFT), ("Tie\n", TIE), ("?\n\nx\nl\n", LEFT), ("s\n", ""), ("q\n", None), ("", None)],
)
def test_an_answer_is_a_letter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, said: str | None
) -> None:
    """Anything else is asked again; the end of the input is the end."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert ask(PAIR, "1 of 3") == said
    out = capsys.readouterr().out
    assert "1 of 3" in out
    assert "left\n    Here.\nright\n    There,\n    behind it.\n" in out


def test_answers_from_elsewhere(tmp_path: Path) -> None:
    """A line each; a bad one is told by its number, before any counts."""
    file = tmp_path / "answers.jsonl"
    file.write_text('{"interaction": "int_1", "choice": "left"}\n\n{"interaction": "int_2", "choice": "tie"}\n')
    assert list(answers(file, {"int_1", "int_2"})) == [("int_1", LEFT), ("int_2", TIE)]
    with pytest.raises(BadStream, match="line 3"):
        next(answers(file, {"int_1"}))
    for line in ("{", "[]", '{"interaction": "int_1"}', '{"interaction": "int_1", "choice": "lefty"}'):
        file.write_text(line)
        with pytest.raises(BadStream, match="line 1"):
            list(answers(file, {"int_1"}))
    with pytest.raises(BadStream, match="cannot be read"):
        list(answers(tmp_path / "gone", set()))


def test_what_was_said_so_far(capsys: pytest.CaptureFixture[str]) -> None:
    """With an interval, or that nothing was."""
    counts = {"better": 3, "worse": 1, "ties": 2, "alike": 1, "p": 0.25, "waiting": 7, "same": 5}
    show(Preferred(candidate="ver_new", share=Score(mean=0.6, low=0.4, high=0.8, n=6), agreement=0.5, **counts))  # type: ignore[arg-type]
    out = capsys.readouterr().out
    assert "3, 1, 2 (1 word by word the same)" in out
    assert "7; 5 more are word by word the same" in out
    assert "50 %" in out
    show(Preferred(candidate="ver_new", share=None, agreement=None, **counts))  # type: ignore[arg-type]
    assert "nothing judged yet" in capsys.readouterr().out

"""Whatever bad is given to the command line, it says one clear error with a code of its own and changes nothing."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from bad_input import CASES, TRAP, Case, Outcome, contents, lay, run
from loop_7 import first_of_each_kind, line

from homeostat.builtin.resources import model_path

KINDS = {
    *("unknown YAML key", "wrong type", "missing model folder", "corrupt adapter", "pickle weights"),
    *("empty stream", "label never seen", "non-UTF-8 file", "port in use", "disk full"),
}
"""What the bar asks for."""
EACH = first_of_each_kind(CASES)
QUICK = [case for case in EACH if case.kind in {"unknown YAML key", "wrong type"}]
"""Tried every day; most of the others load a model library first."""
CLEAR = Outcome(code=11, said="E101 unknown key 'a'  (x line 1)\n  fix: known: b\n", lost=(), new=())


@pytest.fixture(scope="session")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that every case damages a copy of."""
    if not (model_path() / "tokenizer.json").exists():
        pytest.skip("the built-in model, whose tokenizer is used, is not there")
    return lay(tmp_path_factory.mktemp("laid"))


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=() if c in QUICK else pytest.mark.slow, id=f"{c.kind}, {c.how}") for c in CASES],
)
def test_bad_input_gives_one_clear_error_and_changes_nothing(case: Case, laid: Path, tmp_path: Path) -> None:
    """The command prints one error with what, where and fix, ends with its code, and what was stored is as it was."""
    outcome = run(case, laid, tmp_path / "copy")
    assert outcome.faults(case) == [], outcome.said
    assert not (tmp_path / "copy" / TRAP).exists()


def test_every_kind_of_bad_input_has_a_case() -> None:
    """The cases are of the ten kinds that the bar names, and two of a kind differ in how."""
    assert {case.kind for case in CASES} == KINDS
    assert len({(case.kind, case.how) for case in CASES}) == len(CASES)
    assert len(EACH) == len(KINDS)


@pytest.mark.parametrize(
    ("worse", "fault"),
    [
        ({"code": 1}, "ended with 1 and not with 11"),
        ({"said": "Traceback\n" + CLEAR.said}, "no line says what and where"),
        ({"said": CLEAR.said.replace("  (x line 1)", "")}, "no line says what and where"),
        ({"said": CLEAR.said.partition("\n")[0]}, "no line says how to fix it"),
        ({"said": CLEAR.said * 2}, "more is said than one error"),
        ({"lost": ("a row",)}, "changed: a row"),
        ({"new": ("a row",)}, "added: a row"),
    ],
)
def test_what_is_not_right_is_called_a_fault(worse: dict[str, object], fault: str) -> None:
    """A clear outcome has no fault, and each way to fall short of it is named."""
    case = CASES[0]
    assert CLEAR.faults(case) == []
    assert fault in replace(CLEAR, **worse).faults(case)


def test_what_was_written_before_the_disk_was_full_may_stay() -> None:
    """A row written whole is no fault then, and a row that was lost is one."""
    case = replace(CASES[0], most_bytes=100)
    assert replace(CLEAR, new=("a row",)).faults(case) == []
    assert replace(CLEAR, lost=("a row",)).faults(case) == ["changed: a row"]


def test_a_changed_row_and_a_changed_file_are_seen(tmp_path: Path) -> None:
    """Contents differ where a row or a byte does, and not where a database has only been opened and cleaned up."""
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        database.executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2);")
    (tmp_path / "file").write_text("a")
    before = contents(tmp_path)
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        database.execute("VACUUM")
    assert contents(tmp_path) == before
    with closing(sqlite3.connect(tmp_path / "a.db")) as database:
        database.execute("UPDATE t SET x = 3 WHERE x = 2")
        database.commit()
    (tmp_path / "file").write_text("b")
    after = contents(tmp_path)
    assert after["file"] != before["file"]
    assert len(before.keys() - after.keys()) == len(after.keys() - before.keys()) == 1


def test_the_line_is_the_share_of_cases_without_a_fault() -> None:
    """Three of four is no pass; none at all is none either."""
    shown = line({"a": [], "b": [], "c": [], "d": ["ended with 1"]}, 2.0, quick=True)
    assert (shown["value"], shown["n"], shown["met"]) == (0.75, 4, False)
    assert shown["faults"] == {"d": ["ended with 1"]}
    assert line({"a": []}, 2.0, quick=False)["met"] is True

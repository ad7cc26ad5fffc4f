"""What commands print."""

from __future__ import annotations

import json
import math

import pytest

from homeostat.cli.table import document, facts, table
from homeostat.types.release import Release, Stage
from homeostat.web.words import THIN

ID = "ver_twrf1qekmhkkv2h8wvhv"


def test_a_cell_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing in a cell is taken for markup, and an id is never broken where the output is no terminal."""
    table("title [b]", ("id", "text"), [(ID, "[red]not red[/red] :smile:")] * 2)
    out = capsys.readouterr().out
    assert out.splitlines()[0] == "title [b]"
    assert out.count(ID) == 2
    assert out.count("[red]not red[/red] :smile:") == 2


def test_a_table_without_rows_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Under the title stands that there is nothing, instead of columns over nothing."""
    table("alerts", ("id", "what"), [])
    assert capsys.readouterr().out == "alerts\nnone\n"


def test_facts_leave_out_what_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    """Names and values one a line, numbers as a person reads them."""
    facts(
        "about", {"flops": 2.5e12, "steps": 1234.0, "time": 0.0, "blob": "", "labels": ["a", "b"], "cost": {"x": 0.5}}
    )
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert "TFLOP" in lines["flops"]
    assert "1,234" in lines["steps"]
    assert "1 Jan 1970" in lines["time"]
    assert "a, b" in lines["labels"]
    assert "x 0.5" in lines["cost"]
    assert "blob" not in lines


def test_what_is_so_is_said_in_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    """Yes and no, and operations a second with their unit; a small number keeps its digits."""
    facts("about", {"names": True, "swept": False, "flops_per_s": 15e9, "lr": 0.0015})
    lines = {
        line.split()[0]: line.split("│")[-1].strip() for line in capsys.readouterr().out.splitlines() if "│" in line
    }
    assert (lines["names"], lines["swept"], lines["lr"]) == ("yes", "no", "0.0015")
    assert lines["flops_per_s"] == f"15{THIN}GFLOP/s"


def test_bytes_are_told_as_amounts_of_memory(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is looked through, as much as a hard disk holds."""
    facts("scan", {"bytes looked through": 12_345_678, "bytes": 840})
    out = capsys.readouterr().out
    assert f"12.3{THIN}MB" in out
    assert f"840{THIN}B" in out


def test_a_document_is_strict_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Nouns become objects, enums their values, and a number that JSON lacks null."""
    release = Release(id="rel_a", task="routing", time=1.0, stage=Stage.FULL, champion=ID, share=math.inf)
    document({"release": release, "nan": math.nan, "name": "Zoë"})
    out = capsys.readouterr().out
    found = json.loads(out, parse_constant=pytest.fail)
    assert found["release"]["stage"] == "full"
    assert found["release"]["share"] is None
    assert found["nan"] is None
    assert "Zoë" in out


def test_what_few_look_for_is_in_documents_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Figures from inside a training crowd out what was asked for."""
    facts("trained", {"version": "ver_a", "steps": 54, "padding": 0.044, "held_out": 0.125})
    out = capsys.readouterr().out
    assert "steps" in out
    assert "padding" not in out
    assert "held_out" not in out
    document({"padding": 0.044})
    assert "0.044" in capsys.readouterr().out

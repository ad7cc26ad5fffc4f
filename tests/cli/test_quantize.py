"""Making a base in four bits from the command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tiny
from cli.conftest import Run
from homeostat.errors import MissingExtra, ModelNotFound
from homeostat.llm.four_bit import is_four_bit
from homeostat.llm.load import open_model


def test_a_base_in_four_bits(homeostat: Run, tmp_path: Path) -> None:
    """It opens, and takes the share of bytes that is said; a folder that is there is not written over."""
    pytest.importorskip("bitsandbytes", reason="the extra four-bit is not installed")
    base, folder = tiny.llama(tmp_path / "base"), tmp_path / "made"
    ran = homeostat("quantize", base, folder, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["share"] == ran.json["bytes_after"] / ran.json["bytes_before"] < 1 / 3
    assert is_four_bit(open_model(str(folder)).model)
    assert homeostat("quantize", base, folder).code == 2


def test_what_is_refused(homeostat: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library, which is named; and where it is there, a base that is not."""
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "bitsandbytes", None)
        ran = homeostat("quantize", "builtin", tmp_path / "made")
    assert ran.code == MissingExtra.exit
    assert "homeostat[four-bit]" in ran.err
    pytest.importorskip("bitsandbytes", reason="the extra four-bit is not installed")
    assert homeostat("quantize", tmp_path / "nowhere", tmp_path / "made").code == ModelNotFound.exit
    assert not (tmp_path / "made").exists()

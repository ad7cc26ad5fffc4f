"""Whatever bad a training is given, it says one clear error or records how it got over it; the champion stays."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from bad_input import Case, lay
from bad_training import CASES, RECOVERIES, Recovery
from train_8 import chosen, faults

from homeostat.builtin.resources import model_path

EVERY = [*CASES, *RECOVERIES]
KINDS = {
    *("empty data", "one class", "label never seen", "leaked answer", "longer than context", "mismatched tokenizer"),
    *("NaN loss", "out of memory", "disk full"),
}
"""What the bar asks for."""


@pytest.fixture(scope="session")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that every case is done to a copy of."""
    if not (model_path() / "tokenizer.json").exists():
        pytest.skip("the built-in model, whose tokenizer is used, is not there")
    return lay(tmp_path_factory.mktemp("laid"))


@pytest.mark.slow
@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case.kind}, {case.how}") for case in EVERY])
def test_one_clear_error_or_a_recorded_recovery(case: Case | Recovery, laid: Path, tmp_path: Path) -> None:
    """The right error with its code and nothing changed, or a good end with figures that tell what was done."""
    assert faults(case, laid, tmp_path / "copy") == []


def test_every_kind_of_trouble_has_a_case() -> None:
    """The kinds are those that the bar names, and the quick bar has one of each."""
    assert {case.kind for case in EVERY} == KINDS
    assert [case.kind for case in chosen(quick=True)] == list(dict.fromkeys(case.kind for case in EVERY))
    assert chosen(quick=False) == EVERY


@pytest.mark.slow
def test_a_recovery_that_tells_nothing_is_found_out(laid: Path, tmp_path: Path) -> None:
    """A good end is not enough: its figures have to say what was got over, and the command has to end well."""
    silent = replace(RECOVERIES[0], shows=lambda told: False)
    assert silent.faults(laid, tmp_path / "silent") == ["its figures do not tell"]
    broken = replace(RECOVERIES[0], command="train --stream nowhere.jsonl --json")
    assert broken.faults(laid, tmp_path / "broken")[0].startswith("ended with ")

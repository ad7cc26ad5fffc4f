"""Reading a domain from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Run
from homeostat.errors import BadStream, NothingToTrainOn, UnknownPlugin
from homeostat.llm.load import open_model
from train.domain.conftest import domain, general


@pytest.fixture
def texts(tmp_path: Path) -> tuple[str, str]:
    """A file of the domain, by line, and one of general texts."""
    mine, other = tmp_path / "domain.txt", tmp_path / "general.jsonl"
    mine.write_text("\n".join(domain(120)))
    other.write_text("".join(json.dumps({"text": text}) + "\n" for text in general(120)))
    return f"lines:{mine}", f"general:{other}"


def test_a_domains_own_base(homeostat: Run, small: Path, tmp_path: Path, texts: tuple[str, str]) -> None:
    """It leaves a folder that opens and can be named as a base, with a card, and says what reading changed; a folder
    that is there is not written over, and no run is left behind.
    """
    folder = tmp_path / "made" / "base-pumps"
    given = ("pretrain", folder, *texts, "--words", 20, "--config", small)
    ran = homeostat(*given, "--json")
    assert ran.code == 0, ran.err
    told = ran.json
    assert told["domain"]["rise_high"] < 0
    assert told["general"]["pieces"] > 0
    assert told["new_words"] == 20
    assert 0 < told["replayed"] < 0.5
    opened = open_model(str(folder))
    assert len(opened.model.get_input_embeddings().weight) == max(opened.tokenizer.get_vocab().values()) + 1
    assert "domain.txt" in (folder / "README.md").read_text()
    assert homeostat(*given).code == 2
    assert not list((small.parent / ".homeostat" / "runs").iterdir())
    other = small.with_name("pumps.yaml")
    other.write_text(f"project: pumps\nmodel: {{base: {folder}}}\ntasks: {{routing: {{kind: label}}}}\n")
    assert homeostat("doctor", "--config", other, "--json").json


def test_a_dry_run_leaves_nothing(homeostat: Run, small: Path, tmp_path: Path, texts: tuple[str, str]) -> None:
    """It says windows, steps and operations, and no folder is there afterwards."""
    ran = homeostat("pretrain", tmp_path / "made", *texts, "--config", small, "--dry-run", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["steps"] > 0
    assert ran.json["flops"] > 0
    assert ran.json["padding"] < 0.05
    assert not (tmp_path / "made").exists()
    assert not (small.parent / ".homeostat" / "runs").exists()
    table = homeostat("pretrain", tmp_path / "made", *texts, "--config", small, "--dry-run")
    assert "windows" in table.out


def test_what_is_refused(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """A file that is not there, one text alone, and an unknown recipe end with their own exit codes."""
    one = tmp_path / "one.txt"
    one.write_text("a single line")
    given, made = ("--config", small), tmp_path / "made"
    assert homeostat("pretrain", made, tmp_path / "nowhere", *given).code == BadStream.exit
    assert homeostat("pretrain", made, one, *given).code == NothingToTrainOn.exit
    assert homeostat("pretrain", made, one, "--recipe", "domian", *given).code == UnknownPlugin.exit
    assert not made.exists()

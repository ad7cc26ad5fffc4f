"""What a base is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from homeostat.llm.load import open_model
from homeostat.train.bases.facts import facts, license_of


@pytest.fixture
def copy(llama: Path, tmp_path: Path) -> Path:
    """The tiny decoder in a folder of its own."""
    return Path(shutil.copytree(llama, tmp_path / "copy"))


def test_sizes_are_those_of_the_files_and_the_tensors(llama: Path) -> None:
    """Parameters, bytes of the weights, width, context and vocabulary are what the model has."""
    opened = open_model(str(llama))
    found = facts(str(llama), opened)
    assert found.parameters == sum(p.numel() for p in opened.model.parameters())
    assert found.disk_bytes == (llama / "model.safetensors").stat().st_size
    assert (found.family, found.architecture) == ("decoder", "LlamaForCausalLM")
    assert (found.width, found.context, found.vocabulary) == (48, 128, len(opened.tokenizer))
    assert found.license == ""


def test_the_card_says_the_license(copy: Path) -> None:
    """Its head does, not what is said further down."""
    (copy / "README.md").write_text("---\nlanguage: en\nlicense: cc-by-4.0\n---\n\nlicense: mit\n")
    assert license_of(str(copy)) == "cc-by-4.0"
    (copy / "README.md").write_text("# A model\n\nlicense: mit\n")
    assert license_of(str(copy)) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("                 Apache License\n           Version 2.0, January 2004", "apache-2.0"),
        ("MIT License\n\nCopyright (c) 2026", "mit"),
        ("LLAMA 3.2 COMMUNITY LICENSE AGREEMENT", "a Llama license"),
        ("All rights reserved by the shop.", "see its LICENSE"),
    ],
)
def test_else_the_license_file(copy: Path, text: str, said: str) -> None:
    """A license file is told by how it begins; of an unknown one the file is named."""
    (copy / "LICENSE").write_text(text)
    assert license_of(str(copy)) == said


def test_the_built_in_model_names_its_license() -> None:
    """The model that ships with the package says under what."""
    assert facts("builtin", open_model("builtin")).license == "apache-2.0"

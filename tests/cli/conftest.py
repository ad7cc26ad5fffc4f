"""A small real project on disk, a tiny real model, and the command line run in this process."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from homeostat.builtin.resources import model_path
from homeostat.cli import main
from homeostat.store import Store

TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON document."""
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def homeostat(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The whole command line, entered where the installed script enters it."""
    # Set beforehand, so that what the command line sets by default does not outlive the test.
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "false")
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["homeostat", *map(str, arguments)])
        capsys.readouterr()
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return run


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The homeostat.yaml of a project with one task."""
    file = tmp_path / "shop" / "homeostat.yaml"
    file.parent.mkdir()
    file.write_text("project: shop\ntasks: {routing: {kind: label}}\nmonitor: {min_reference: 10}\n")
    return file


@pytest.fixture
def store(shop: Path) -> Iterator[Store]:
    """The store of that project."""
    folder = shop.parent / ".homeostat"
    with Store.open(f"sqlite:///{folder / 'homeostat.db'}", folder / "blobs") as opened:
        yield opened


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a Llama of a quarter of a million parameters, with the built-in model's tokenizer."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    if not (model_path() / "tokenizer.json").exists():
        pytest.skip("the built-in model's tokenizer is not there")
    folder = tmp_path_factory.mktemp("base")
    for name in TOKENIZER:
        (folder / name).write_bytes((model_path() / name).read_bytes())
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=256,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture
def small(tmp_path: Path, base: Path) -> Path:
    """The homeostat.yaml of a project on the tiny model, with few steps to train."""
    file = tmp_path / "small" / "homeostat.yaml"
    file.parent.mkdir()
    file.write_text(
        f"project: small\nmodel: {{base: {base}}}\n"
        "tasks: {routing: {kind: label}, replies: {kind: text}}\n"
        "train: {epochs: 2, batch_rows: 8, rank: 2, held_out: 0.2}\n"
    )
    return file

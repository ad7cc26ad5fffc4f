"""Which name stands for which backend, and which stands for none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from homeostat.errors import ModelNotFound, NotServed, WrongType
from homeostat.llm.embedding.embedder import EMBEDDERS, NoVectors, hold, is_address, opened
from homeostat.llm.embedding.encoder import Encoder
from homeostat.llm.embedding.endpoint import Endpoint
from homeostat.llm.embedding.ngrams import Ngrams
from homeostat.llm.embedding.steady import Steady

PLUGIN = """\
import numpy as np


class Counts:
    def embed(self, texts):
        rows = [[text.count(letter) for letter in "aeiou"] for text in texts]
        return np.array(rows, dtype=np.float32).reshape(len(texts), 5)
"""


def test_a_name_stands_for_a_kind(llama: Path) -> None:
    """An address is a server, a known name its own, and a folder a model that reads."""
    assert isinstance(opened("http://127.0.0.1:9/v1#small"), Endpoint)
    assert isinstance(opened("ngrams"), Ngrams)
    assert isinstance(opened(str(llama)), Encoder)
    assert is_address("https://host/v1#m")
    assert not is_address("intfloat/e5-small")


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("", "write served"),
        ("https://host/v1", "#MODEL"),
        ("https://host/v1#", "OPENAI_API_KEY"),
        ("https://me:secret@host/v1#m", "#MODEL"),
        ("serve", "did you mean served?"),
        ("ngram", "did you mean ngrams?"),
        ("bultin", "did you mean builtin?"),
    ],
)
def test_names_that_stand_for_nothing(name: str, fix: str) -> None:
    """They are refused when a project starts, with what was probably meant, and no secret is repeated."""
    with pytest.raises(WrongType) as refused:
        hold(name)
    assert fix in refused.value.fix
    assert refused.value.where == "monitor.embedding"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["served", "builtin", "ngrams", "BAAI/bge-small-en", "bert-base-uncased", "/a/folder"])
def test_names_that_may_stand_for_something(name: str) -> None:
    """Nothing is opened, and no hub is asked, to hold a name."""
    hold(name)


def test_a_folder_that_is_not_there_is_named_by_its_knob() -> None:
    """And not by that of the base."""
    with pytest.raises(ModelNotFound) as missing:
        opened("./nowhere")
    assert missing.value.where == "monitor.embedding"


def test_a_package_brings_a_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class of an installed distribution is chosen by the name of its entry point, and told from others as any."""
    (tmp_path / "counts_of_vowels.py").write_text(PLUGIN)
    info = tmp_path / "vowels-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vowels\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[homeostat.embedders]\nvowels = counts_of_vowels:Counts\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(EMBEDDERS, "_discovered", False)
    monkeypatch.setattr(EMBEDDERS, "_offers", dict(EMBEDDERS._offers))
    monkeypatch.setattr(EMBEDDERS, "_loaded", dict(EMBEDDERS._loaded))
    steady = Steady(opened("vowels"))
    steady.look()
    assert steady.width == 5
    np.testing.assert_array_equal(steady.embed(["a banana", ""]), [[4, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    with pytest.raises(WrongType, match="vowel"):
        hold("vowel")


def test_a_backend_that_is_away_is_a_server_that_does_not_answer() -> None:
    """Whoever heeds one heeds the other: the same code, and the same page."""
    assert issubclass(NoVectors, NotServed)
    assert NoVectors("x").code == "E300"


def test_no_model_library_is_imported_to_choose() -> None:
    """Pages and commands that only ask which backend is in force stay light."""
    code = (
        "import sys; from homeostat.llm.embedding.embedder import opened; opened('ngrams'); "
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

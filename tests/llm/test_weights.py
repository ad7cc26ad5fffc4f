"""What may be registered and loaded: safetensors that can be read, and nothing that can run code."""

import bz2
import gzip
import lzma
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from homeostat.errors import CorruptWeights, UnsafeWeights
from homeostat.llm.weights import check


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An adapter as training leaves it."""
    save_file({"lora_A": np.ones((4, 8), np.float32)}, tmp_path / "adapter_model.safetensors")
    (tmp_path / "adapter_config.json").write_text('{"r": 4}')
    return tmp_path


def test_an_adapter_passes(folder: Path) -> None:
    """An adapter in safetensors beside plain text files is fine."""
    check(folder)


@pytest.mark.parametrize(
    "name", ["adapter_model.bin", "model.pt", "model.PTH", "x/state.pkl", "last.ckpt", "a.npy", "b.NPZ"]
)
def test_files_that_usually_hold_pickles(folder: Path, name: str) -> None:
    """A file with an ending of a pickle is refused, whatever is in it and however deep it lies."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"nothing bad")
    with pytest.raises(UnsafeWeights, match=r"E303 .* can run code") as caught:
        check(folder)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ["tokenizer.json", "adapter_model.safetensors", "noending"])
def test_a_pickle_by_another_name(folder: Path, name: str, protocol: int) -> None:
    """A pickle is known by how it begins, whatever it is called."""
    (folder / name).write_bytes(pickle.dumps({"a": 1}, protocol))
    with pytest.raises(UnsafeWeights, match="pickle by another name"):
        check(folder)


def test_archives(folder: Path, tmp_path: Path) -> None:
    """A zip, which is what `torch.save` writes, a tar, a packed pickle and a numpy file are refused under any name."""
    content = pickle.dumps({})
    packed = {"gzip": gzip.compress(content), "xz": lzma.compress(content), "bzip2": bz2.compress(content)}
    for kind in ("zip", "tar", *packed, "numpy"):
        path = folder / "notes.dat"
        if kind == "zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("archive/data", content)
        elif kind == "tar":
            with tarfile.open(path, "w") as tar:
                tar.add(folder / "adapter_config.json", "harmless")
        elif kind == "numpy":
            with path.open("wb") as file:
                np.save(file, np.array([{}], dtype=object))
        else:
            path.write_bytes(packed[kind])
        with pytest.raises(UnsafeWeights, match=kind):
            check(folder)


TEXTS = (
    "",
    "N.",
    "I am a card.\n",
    "---\nlicense: mit\n---\n# A card.\n",
    "{% for m in messages %}.",
    '{"a": "."}',
    "0.5\n",
)


@pytest.mark.parametrize("text", TEXTS)
def test_texts_pass(folder: Path, text: str) -> None:
    """Texts are none, but for the one that is a pickle letter by letter."""
    (folder / "README.md").write_text(text)
    if text == "N.":
        with pytest.raises(UnsafeWeights):
            check(folder)
    else:
        check(folder)


def test_a_broken_zip_is_not_trusted(folder: Path) -> None:
    """What cannot be looked into is refused."""
    (folder / "weights.dat").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(UnsafeWeights):
        check(folder)


def test_a_header_that_begins_like_a_pickle(tmp_path: Path) -> None:
    """A sound safetensors file whose header length happens to read like a pickle's first bytes is accepted."""
    for padding in range(8, 2000, 8):
        path = tmp_path / "model.safetensors"
        save_file({"w": np.ones(2, np.float32)}, path, metadata={"note": "x" * padding})
        if path.read_bytes()[:2] == b"\x80\x02":
            break
    else:
        pytest.fail("no header of this length came up")
    check(tmp_path)


@pytest.mark.parametrize("cut", [0, 4, 20, 100])
def test_cut_off_weights(folder: Path, cut: int) -> None:
    """A file that ends too early is corrupt."""
    path = folder / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CorruptWeights, match=r"E302 .* cannot be read"):
        check(folder)


def test_no_weights(tmp_path: Path) -> None:
    """A folder without weights, or with weights that hold nothing, is refused."""
    with pytest.raises(CorruptWeights, match="no safetensors"):
        check(tmp_path)
    save_file({}, tmp_path / "model.safetensors")
    with pytest.raises(CorruptWeights, match="no tensors"):
        check(tmp_path)

"""Which bytes a base is: the same wherever they lie, others with every change, and known again without reading them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from homeostat.builtin.resources import model_path
from homeostat.errors import OtherBase
from homeostat.llm import content
from homeostat.llm.content import bytes_of, folder_of, hold_same, opened_from
from homeostat.llm.load import open_model
from homeostat.store import Store
from homeostat.types.report import Base


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'homeostat.db'}", tmp_path / "blobs") as opened:
        yield opened


@pytest.fixture
def base(llama: Path, tmp_path: Path) -> Path:
    """A tiny decoder of the test's own."""
    return Path(shutil.copytree(llama, tmp_path / "base"))


def hashed(store: Store, base: Path | str) -> str:
    found = bytes_of(store, str(base))
    assert found is not None
    return found.content


def flip(file: Path, place: int = -1) -> None:
    """Change one byte of a file in place, and leave its size and the time of its content as they were."""
    told, whole = file.stat(), bytearray(file.read_bytes())
    whole[place] ^= 1
    with file.open("r+b") as open_file:
        open_file.write(whole)
    os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns))


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"])
def test_one_byte_makes_another_base_and_the_old_one_comes_back(store: Store, base: Path, name: str) -> None:
    """Of weights, configuration or tokenizer; in place, of the same size, and with the time of the content set back."""
    first = hashed(store, base)
    flip(base / name)
    assert hashed(store, base) != first
    flip(base / name)
    assert hashed(store, base) == first


def test_files_that_are_not_read_change_nothing(store: Store, base: Path) -> None:
    """A card, a license, the state of a training; a tokenizer file more does."""
    first = hashed(store, base)
    for name in ("README.md", "LICENSE.txt", "training_args.bin", "trainer_state.json"):
        (base / name).write_text("something")
    assert hashed(store, base) == first
    (base / "added_tokens.json").write_text("{}")
    assert hashed(store, base) != first


def test_the_same_bytes_are_the_same_base_anywhere(store: Store, base: Path, tmp_path: Path) -> None:
    """A copy in another folder, under another time; and in another project."""
    other = shutil.copytree(base, tmp_path / "elsewhere")
    assert hashed(store, other) == hashed(store, base)
    with Store.open(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "other") as second:
        assert hashed(second, base) == hashed(store, base)


def test_a_base_in_fewer_bits_over_the_old_one_is_another(store: Store, base: Path, llama: Path) -> None:
    """Rounded into the same folder: other bytes. The old files back in it: the old bytes."""
    first, model = hashed(store, base), open_model(str(base)).model
    model.to(torch.bfloat16).save_pretrained(base)
    assert open_model(str(base)).model.dtype is torch.float32  # it can be opened as before, and nothing else tells
    assert hashed(store, base) != first
    shutil.rmtree(base)
    shutil.copytree(llama, base)
    assert hashed(store, base) == first


def test_a_file_that_was_left_alone_is_not_read_again(
    store: Store, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its hash is kept beside what the file system says of it, and believed as long as that is so, and no longer."""
    monkeypatch.setattr(content, "SETTLED_NS", -1)
    first, key = hashed(store, base), f"base:{base}"
    kept = store.state.get(key)
    assert set(kept) >= {"model.safetensors", "config.json", "tokenizer.json"}
    store.state.put(key, {name: {**row, "sha256": "0" * 64} for name, row in kept.items()})
    assert hashed(store, base) != first  # what is kept was believed
    for file in base.iterdir():
        os.utime(file)
    assert hashed(store, base) == first


def test_a_file_that_was_just_written_is_not_known_again(store: Store, base: Path) -> None:
    """Whoever changes it again in the same tick of the clock would not be seen."""
    flip(base / "config.json")
    hashed(store, base)
    assert "config.json" not in (store.state.get(f"base:{base}") or {})


def test_the_built_in_base_and_what_the_hub_sent(
    store: Store, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are folders too: the package's, and the newest revision that was fetched; what was not fetched is none."""
    assert hashed(store, "builtin") == hashed(store, model_path())
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub-home"))
    model = tmp_path / "hub-home" / "hub" / "models--someone--tiny"
    assert bytes_of(store, "someone/tiny") is None
    (model / "snapshots" / "abc").mkdir(parents=True)
    (model / "blobs").mkdir()
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text("abc")
    for file in base.iterdir():
        shutil.copy(file, model / "blobs" / file.name)
        (model / "snapshots" / "abc" / file.name).symlink_to(model / "blobs" / file.name)
    assert folder_of("someone/tiny") == model / "snapshots" / "abc"
    assert hashed(store, "someone/tiny") == hashed(store, base)
    flip(model / "blobs" / "model.safetensors")
    assert hashed(store, "someone/tiny") != hashed(store, base)
    assert bytes_of(store, str(tmp_path / "nowhere")) is None


def test_what_is_opened_is_told_by_its_bytes(store: Store, base: Path) -> None:
    """A base that changes while it is opened is none; one that changed since is told, and the old one back is not."""
    opened, found = opened_from(store, str(base), lambda: open_model(str(base)))
    assert opened.family == "decoder"
    assert found == Base(name=str(base), content=hashed(store, base))
    hold_same(store, found)
    flip(base / "model.safetensors")
    with pytest.raises(OtherBase, match="other bytes than those that this process has open") as told:
        hold_same(store, found)
    assert (told.value.where, told.value.exit) == (str(base), 47)
    assert "put the old base back" in told.value.fix
    flip(base / "model.safetensors")
    hold_same(store, found)
    hold_same(store, None)
    with pytest.raises(OtherBase, match="changes while it is read"):
        opened_from(store, str(base), lambda: flip(base / "tokenizer.json"))

"""A version as a folder that others read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from homeostat.config.schema import Config
from homeostat.errors import NotReleasable, Tampered
from homeostat.release.publish import README, RECORD, SIGNATURE, publish
from homeostat.release.registry import register
from homeostat.release.signing import Signing
from homeostat.store import Store
from homeostat.types.version import State, Version
from release.rehearsal import TASK, open_store

VERSION = Version(id="ver_a", task=TASK, time=1.0, base="builtin", kind="lora", labels=("refund", "delivery"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store") as opened:
        yield opened


def made(store: Store, tmp_path: Path) -> Version:
    """A version with two files."""
    folder = tmp_path / "weights"
    folder.mkdir()
    save_file({"lora_B": np.ones(2, dtype=np.float32)}, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text("{}")
    return register(store, VERSION, folder)


def test_everything_that_others_need(store: Store, tmp_path: Path) -> None:
    """The weights byte for byte, the card, the record; the audit log tells of it."""
    version = made(store, tmp_path)
    out = tmp_path / "out" / "routing"
    files = publish(store, version, out)
    assert files == sorted([README, RECORD, "adapter_config.json", "adapter_model.safetensors"])
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (out / name).read_bytes() == (tmp_path / "weights" / name).read_bytes()
    assert (out / README).read_text().startswith("---\n")
    assert "# ver_a" in (out / README).read_text()
    assert json.loads((out / RECORD).read_text())["version"]["id"] == "ver_a"
    assert [entry.what for entry in store.audit.list("ver_a")][-1] == "published"
    assert not list(out.parent.glob(".*"))


def test_a_signature_goes_along(store: Store, tmp_path: Path) -> None:
    """Where there is one."""
    pytest.importorskip("cryptography")
    version = made(store, tmp_path)
    Signing.of(Config(folder=str(tmp_path / "project"))).sign(store, version)
    assert SIGNATURE in publish(store, version, tmp_path / "out")
    assert set(json.loads((tmp_path / "out" / SIGNATURE).read_text())) == {"statement", "key", "signature"}


def test_nothing_is_overwritten(store: Store, tmp_path: Path) -> None:
    """A folder with something in it, or a file, is left as it is; an empty folder is taken."""
    version, out = made(store, tmp_path), tmp_path / "out"
    out.mkdir()
    publish(store, version, out)
    before = {path: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(NotReleasable, match="something already"):
        publish(store, version, out)
    assert {path: path.read_bytes() for path in out.iterdir()} == before
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotReleasable):
        publish(store, version, tmp_path / "file")


def test_what_changed_since_is_not_published(store: Store, tmp_path: Path) -> None:
    """An error, and no folder."""
    version = made(store, tmp_path)
    for path in store.blobs.root.rglob("*"):
        if path.is_file() and path.read_bytes() == b"{}":
            path.chmod(0o644)
            path.write_bytes(b"[]")
    with pytest.raises(Tampered):
        publish(store, version, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bare_base_is_no_version_of_ours(store: Store, tmp_path: Path) -> None:
    """There is nothing to publish."""
    bare = replace(VERSION, id="ver_bare", kind="base", state=State.CANDIDATE)
    store.versions.put(bare)
    with pytest.raises(NotReleasable, match="bare builtin"):
        publish(store, bare, tmp_path / "out")

"""A signature holds for the version that was signed, by a key that is trusted, and for nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from homeostat.config.schema import Config, Release
from homeostat.errors import Tampered, Unsigned
from homeostat.release.keys import Keys
from homeostat.release.registry import register
from homeostat.release.signing import Signing, keep, kept, statement
from homeostat.store import Store
from homeostat.types.version import State, Version
from release.rehearsal import TASK, open_store

VERSION = Version(
    id="ver_a",
    task=TASK,
    time=1.5,
    base="builtin",
    labels=("refund", "delivery"),
    prior=(0.25, 0.75),
    recipe={"name": "careful", "lr": 2e-3},
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path) as opened:
        yield opened


@pytest.fixture
def signing(tmp_path: Path) -> Signing:
    return Signing.of(Config(folder=str(tmp_path / "project"), release=Release(signed=True)))


@pytest.fixture
def signed(store: Store, signing: Signing, tmp_path: Path) -> Version:
    """A version with weights, signed."""
    (tmp_path / "run").mkdir()
    save_file({"w": np.ones(3, np.float32)}, tmp_path / "run" / "adapter_model.safetensors")
    version = register(store, VERSION, tmp_path / "run")
    signing.sign(store, version)
    return version


def test_what_is_signed_is_loaded(store: Store, signing: Signing, signed: Version) -> None:
    """A signed version gives its folder, whatever its state becomes; the audit log tells of the signature."""
    store.versions.set_state(signed.id, State.LIVE)
    live = store.versions.get(signed.id)
    folder = signing.folder(store, live)
    assert folder is not None
    assert (folder / "adapter_model.safetensors").is_file()
    key = signing.signed_by(store, live)
    assert [entry.what for entry in store.audit.list(signed.id)][1:] == [f"signature {key}", "version live"]
    assert store.verify() == []


CHANGES: dict[str, Any] = {
    "labels": ("delivery", "refund"),
    "prior": (0.75, 0.25),
    "base": "somebody/else",
    "task": "billing",
    "kind": "full",
    "blob": "0" * 64,
    "dataset": "dst_9",
    "parent": "ver_9",
    "id": "ver_b",
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_not_signed_is_refused(store: Store, signing: Signing, signed: Version, name: str) -> None:
    """A version that answers otherwise than the signed one, were it by the order of its labels, is refused by name."""
    other = replace(signed, **{name: CHANGES[name]})
    keep(store, other.id, kept(store, signed.id))  # type: ignore[arg-type]
    with pytest.raises(Unsigned, match=f"its {name} is not what was signed"):
        signing.folder(store, other)


def test_swapped_weights_are_refused(store: Store, signing: Signing, signed: Version, tmp_path: Path) -> None:
    """Other weights under the version's id are refused by the signature, and changed files by their hash."""
    (tmp_path / "other").mkdir()
    save_file({"w": np.zeros(3, np.float32)}, tmp_path / "other" / "adapter_model.safetensors")
    swapped = replace(signed, blob=store.blobs.put_folder(tmp_path / "other"))
    store.versions.put(swapped)
    with pytest.raises(Unsigned, match="blob is not what was signed"):
        signing.folder(store, store.versions.get(signed.id))
    for part in store.blobs.files(signed.blob).values():
        (store.blobs.root / "files" / part[:2] / part[2:]).write_bytes(b"else")
    with pytest.raises(Tampered):
        signing.folder(store, signed)


def test_what_is_not_signed_is_refused_where_that_is_demanded(store: Store, signing: Signing, tmp_path: Path) -> None:
    """Without a signature there is an error that names the command; where none is demanded there is none."""
    store.versions.put(VERSION)
    with pytest.raises(Unsigned, match="E309 it is not signed") as caught:
        signing.folder(store, VERSION)
    assert "homeostat sign ver_a" in str(caught.value)
    assert Signing(signing.keys, demanded=False).folder(store, VERSION) is None


def test_a_stranger_is_not_trusted(store: Store, signed: Version, tmp_path: Path) -> None:
    """A good signature of another's key is refused until that key is trusted."""
    stranger = Signing(Keys(tmp_path / "stranger"), demanded=True)
    stranger.keys.own()
    with pytest.raises(Unsigned, match="nobody who is trusted"):
        stranger.folder(store, signed)
    maker = Signing.of(Config(folder=str(tmp_path / "project")))
    stranger.keys.trust(maker.keys.public_pem(maker.keys.own()))
    assert stranger.folder(store, signed) is not None


def test_every_bit_of_a_signature_counts(store: Store, signing: Signing, signed: Version) -> None:
    """A signature with any bit changed is refused, and so is a statement with a letter changed."""
    good = kept(store, signed.id)
    assert good is not None
    raw = base64.b64decode(good.signature)
    for bit in range(0, 512, 7):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Unsigned, match="signature"):
            signing.holds(replace(good, signature=base64.b64encode(changed).decode()), signed)
    for letter in range(0, len(good.statement), 5):
        text = good.statement[:letter] + chr(ord(good.statement[letter]) ^ 1) + good.statement[letter + 1 :]
        with pytest.raises(Unsigned, match="signature"):
            signing.holds(replace(good, statement=text), signed)


def test_what_it_was_made_from_may_stay_behind(store: Store, signing: Signing) -> None:
    """A version that was carried elsewhere without its dataset and parent is still the one that was signed."""
    made = replace(VERSION, dataset="dst_1", parent="ver_0")
    signature = signing.sign(store, made)
    assert signing.holds(signature, replace(made, dataset="", parent="")) == signature.key
    assert json.loads(signature.statement)["dataset"] == "dst_1"


def test_equal_versions_have_equal_statements() -> None:
    """Neither the order of a recipe's fields nor the state changes what is signed."""
    other = replace(VERSION, state=State.RETIRED, recipe={"lr": 2e-3, "name": "careful"})
    assert statement(other) == statement(VERSION)
    assert statement(replace(VERSION, recipe={"lr": 1e-3, "name": "careful"})) != statement(VERSION)

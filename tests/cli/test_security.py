"""What would let somebody in."""

from __future__ import annotations

import json
import pickle
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.conftest import Run
from cli.scenes import champion, version
from homeostat.cli import security
from homeostat.cli.check import Level
from homeostat.config.load import load
from homeostat.errors import NotLetIn, UnsafeWeights, Unsigned
from homeostat.gateway.auth import VARIABLE, keys_of
from homeostat.release.signing import Signing
from homeostat.store import Store

CHECKS = ["door", "files", "weights", "pickles", "signatures", "advisories"]


def test_they_are_asked_when_wanted(homeostat: Run, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After everything else, and not otherwise."""
    small.write_text(small.read_text() + "gateway: {port: 0}\n")
    monkeypatch.setattr(security.importlib.util, "find_spec", lambda name: None)
    names = [check["name"] for check in homeostat("doctor", "--security", "--config", small, "--json").json["checks"]]
    assert names[-len(CHECKS) :] == CHECKS
    names = [check["name"] for check in homeostat("doctor", "--config", small, "--json").json["checks"]]
    assert not set(names) & set(CHECKS)


def test_a_door_for_this_machine_alone(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Needs no key, unless keys were given."""
    monkeypatch.delenv(VARIABLE, raising=False)
    found = security.door(load(shop))
    assert (found.level, "without a key" in found.found) == (Level.OK, True)
    monkeypatch.setenv(VARIABLE, "k" * 20)
    assert "1 keys" in security.door(load(shop)).found
    monkeypatch.setenv(VARIABLE, "short")
    with pytest.raises(NotLetIn):
        security.door(load(shop))


def test_a_door_that_others_reach(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has a key, and needs TLS in front; nothing is made by looking."""
    monkeypatch.delenv(VARIABLE, raising=False)
    config = load(shop, ("gateway.host=0.0.0.0",))
    found = security.door(config)
    assert (found.level, "made at the first start" in found.found) == (Level.WARN, True)
    assert not (Path(config.folder) / "keys").exists()
    (key,), file = keys_of("0.0.0.0", Path(config.folder), {})
    found = security.door(config)
    assert str(file) in found.found
    assert key not in found.found


def test_files_that_others_can_read(shop: Path, store: Store) -> None:
    """The project's folder; and its file, if a password stands there."""
    config, folder = load(shop), shop.parent / ".homeostat"
    folder.chmod(0o755)
    assert security.files(config, shop).fix == f"chmod o= {folder}"
    folder.chmod(0o750)
    assert security.files(config, shop).level is Level.OK
    shop.write_text(shop.read_text() + "store: {url: 'postgresql+psycopg://me:secret@db/shop'}\n")
    shop.chmod(0o644)
    found = security.files(load(shop), shop)
    assert (found.level, found.fix) == (Level.WARN, f"chmod o= {shop}")
    assert "secret" not in found.found
    shop.chmod(0o600)
    assert security.files(load(shop), shop).level is Level.OK


def test_weights_that_could_run_code(base: Path, tmp_path: Path, shop: Path) -> None:
    """A pickle beside the safetensors is refused, whether it would be loaded or not."""
    folder = tmp_path / "base"
    folder.mkdir()
    for file in base.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    config = load(shop, (f"model.base={folder}",))
    assert security.weights(config).level is Level.OK
    (folder / "optimizer.pt").write_bytes(b"\x80\x04N.")
    with pytest.raises(UnsafeWeights):
        security.weights(config)


def test_pickles_in_the_project(shop: Path, store: Store) -> None:
    """By their ending or by how they begin, wherever they lie; what the project keeps itself is none."""
    config = load(shop)
    champion(store, "old")
    store.blobs.put_text("plain words, kept under their hash")
    assert security.pickles(config).level is Level.OK
    folder = Path(config.folder) / "runs" / "a"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("no pickle")
    (folder / "hidden").write_bytes(pickle.dumps({"a": 1}))
    (folder / "old.joblib").write_bytes(b"whatever")
    found = security.pickles(config)
    assert found.level is Level.WARN
    assert f"{folder / 'hidden'}, {folder / 'old.joblib'}" in found.found
    assert "notes" not in found.found


def test_versions_that_nobody_signed(shop: Path, store: Store) -> None:
    """Those that answer are named; a bad signature is an error."""
    pytest.importorskip("cryptography")
    config = load(shop)
    champion(store, "old")
    version(store, "idle")
    found = security.signatures(config)
    assert (found.level, found.found) == (Level.WARN, "not signed: ver_old")
    Signing.of(config).sign(store, store.versions.get("ver_old"))
    assert security.signatures(config).level is Level.OK
    store.versions.put(replace(store.versions.get("ver_old"), labels=("other",)))
    with pytest.raises(Unsigned):
        security.signatures(config)


def test_no_version_to_sign(shop: Path) -> None:
    """A project that was never run has none, and none is made."""
    assert security.signatures(load(shop)).found == "no version yet"
    assert not (shop.parent / ".homeostat").exists()


def told(**packages: Any) -> str:
    """What pip-audit prints."""
    return json.dumps({"dependencies": [{"name": name, **said} for name, said in packages.items()], "fixes": []})


def test_what_is_known_of_packages() -> None:
    """A known vulnerability fails, with its id; a source that knows too few packages has said too little."""
    clean, unknown = {"version": "1.0", "vulns": []}, {"skip_reason": "not found"}
    bad = {"version": "0.9", "vulns": [{"id": "PYSEC-2026-7", "fix_versions": ["1.0"]}]}
    assert security.advisories(lambda: told(a=clean, b=clean, c=unknown)).level is Level.OK
    found = security.advisories(lambda: told(a=clean, b=bad))
    assert (found.level, "b 0.9 (PYSEC-2026-7)" in found.found) == (Level.FAIL, True)
    assert security.advisories(lambda: told(a=clean, b=unknown, c=unknown)).level is Level.WARN


def test_no_source_is_reached() -> None:
    """That is said, and is no all-clear."""

    def late() -> str:
        raise subprocess.TimeoutExpired("pip-audit", 120)

    for run in (lambda: "", late, lambda: "{}"):
        found = security.advisories(run)
        assert (found.level, found.found) == (Level.WARN, "no advisory source was reached")


def test_the_package_that_asks_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how to install it."""
    monkeypatch.setattr(security.importlib.util, "find_spec", lambda name: None)
    assert "homeostat[audit]" in security.advisories().fix

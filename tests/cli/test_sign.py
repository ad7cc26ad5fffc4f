"""Signing on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import version
from homeostat.errors import NotText, Unsigned
from homeostat.release.keys import Keys
from homeostat.store import Store


@pytest.fixture
def strict(shop: Path) -> Path:
    """A project that demands signatures."""
    shop.write_text(shop.read_text() + "release: {signed: true}\n")
    return shop


def test_unsigned_versions_are_not_promoted(homeostat: Run, strict: Path, store: Store) -> None:
    """A version without a signature is refused with a way out; signed, it answers."""
    version(store, "a")
    refused = homeostat("promote", "ver_a", "--config", strict)
    assert refused.code == Unsigned.exit
    assert "fix: if you know where it is from: `homeostat sign ver_a`" in refused.err
    assert store.releases.current("routing") is None
    signed = homeostat("sign", "ver_a", "--config", strict, "--json").json
    assert homeostat("sign", "ver_a", "--check", "--config", strict, "--json").json == signed
    assert homeostat("promote", "ver_a", "--config", strict).code == 0


def test_checking_signs_nothing(homeostat: Run, shop: Path, store: Store) -> None:
    """`--check` of a version that nobody signed says so, and leaves no key behind."""
    version(store, "a")
    assert homeostat("sign", "ver_a", "--check", "--config", shop).code == Unsigned.exit
    assert not (shop.parent / ".homeostat" / "keys" / "signing.pem").exists()


def test_keys_are_exchanged(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """A public key is printed for others; theirs is trusted, listed, and stands in the audit log."""
    mine = homeostat("sign", "--public", "--config", shop)
    assert mine.out.startswith("-----BEGIN PUBLIC KEY-----")
    assert "PRIVATE" not in mine.out + mine.err
    assert homeostat("sign", "--public", "--json", "--config", shop).json == {"public": mine.out}
    assert homeostat("sign", "--trust", tmp_path, "--config", shop).code == NotText.exit
    other = Keys(tmp_path / "other")
    (tmp_path / "other.pem").write_bytes(other.public_pem(other.own()))
    (name,) = other.trusted()
    told = homeostat("sign", "--trust", tmp_path / "other.pem", "--config", shop, "--json").json
    assert name in told["trusted"]
    assert len(told["trusted"]) == 2
    assert store.audit.list(name)[0].what == "key trusted"
    (tmp_path / "wrong.pem").write_text("no key")
    refused = homeostat("sign", "--trust", tmp_path / "wrong.pem", "--config", shop)
    assert (refused.code, str(tmp_path / "wrong.pem") in refused.err) == (Unsigned.exit, True)

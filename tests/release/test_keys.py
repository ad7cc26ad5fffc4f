"""Keys are made once, read by nobody else, and trusted by name."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from homeostat.errors import Unsigned
from homeostat.release.keys import Keys, fingerprint


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys")


def test_a_key_is_made_once(keys: Keys) -> None:
    """The first use makes a key that its owner alone can read, and trusts it; the next finds the same."""
    first = fingerprint(keys.own().public_key())
    assert stat.S_IMODE(keys.private.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.folder.stat().st_mode) == 0o700
    assert fingerprint(keys.own().public_key()) == first
    assert list(keys.trusted()) == [first]


def test_another_folder_another_key(keys: Keys, tmp_path: Path) -> None:
    """Two projects have two keys; one trusts the other's public key once it is told to."""
    other = Keys(tmp_path / "other")
    name = keys.trust(other.public_pem(other.own()))
    assert name == fingerprint(other.own().public_key()) != fingerprint(keys.own().public_key())
    assert set(keys.trusted()) == {name, fingerprint(keys.own().public_key())}
    assert list(other.trusted()) == [name]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_can_read_is_not_used(keys: Keys, mode: int) -> None:
    """It is refused, with what to do about it, and its content is not in the message."""
    keys.own()
    keys.private.chmod(mode)
    with pytest.raises(Unsigned, match="can be read by others") as caught:
        keys.own()
    assert "chmod 600" in str(caught.value)
    assert keys.private.read_text().splitlines()[1] not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key(keys: Keys, content: bytes) -> None:
    """A file that holds no key is refused, private or public."""
    keys.own()
    keys.private.write_bytes(content)
    with pytest.raises(Unsigned, match="not a key"):
        keys.own()
    with pytest.raises(Unsigned, match="not a key"):
        keys.trust(content)


def test_keys_of_another_kind(keys: Keys) -> None:
    """A key of another kind is told apart; a private key is not taken for a public one."""
    keys.own()
    pem = keys.private.read_bytes()
    with pytest.raises(Unsigned):
        keys.trust(pem)
    other = generate_private_key(SECP256R1())
    forms = serialization
    keys.private.write_bytes(other.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption()))
    with pytest.raises(Unsigned, match="not an Ed25519 private key"):
        keys.own()
    public = other.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(Unsigned, match="not an Ed25519 public key"):
        keys.trust(public)

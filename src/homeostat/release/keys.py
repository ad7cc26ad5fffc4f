"""Keys that versions are signed with: one private key of the project's own, and the public keys that it trusts.

Ed25519 (Bernstein et al. 2011; RFC 8032). They lie in `keys` in the project's folder: `signing.pem`, which nobody but
its owner may read, and `trusted/*.pem`. A private key is never printed, logged or stored elsewhere.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeostat.errors import Unsigned
from homeostat.extras import require

_WHY = "to sign versions"
_OTHERS = 0o077
"""Permissions of others than the owner."""


def write_private(file: Path, content: bytes) -> None:
    """Write a file that is not there yet and that nobody but its owner may read, from its first byte on."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
        made.write(content)


def others_can_read(file: Path) -> bool:
    """Whether anybody but its owner may do anything with a file."""
    return bool(file.stat().st_mode & _OTHERS)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys in a folder."""

    folder: Path

    @property
    def private(self) -> Path:
        """Where the project's own private key lies, if it has one."""
        return self.folder / "signing.pem"

    def own(self) -> Any:
        """The project's private key; made, and trusted from then on, where there is none.

        Raises:
            Unsigned: the file is no such key, or others may read it.
            MissingExtra: the package `cryptography` is not installed.
        """
        kind, forms = _ed25519(), _forms()
        if not self.private.exists():
            key = kind.Ed25519PrivateKey.generate()
            pem = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
            write_private(self.private, pem)
            self.trust(self.public_pem(key))
            return key
        if others_can_read(self.private):
            fix = f"chmod 600 {self.private}; if others may have seen it, delete it and sign anew"
            raise Unsigned("the signing key can be read by others", where=str(self.private), fix=fix)
        key = _read(forms.load_pem_private_key, self.private.read_bytes(), self.private, password=None)
        if not isinstance(key, kind.Ed25519PrivateKey):
            raise Unsigned("not an Ed25519 private key", where=str(self.private), fix="delete it; another is made")
        return key

    def trust(self, pem: bytes, where: Path | None = None) -> str:
        """Trust whoever has the private key to this public one, which was read at `where`; its fingerprint.

        Raises:
            Unsigned: it is no public key of Ed25519.
        """
        key = self._public(pem, where or self.folder)
        place = self.folder / "trusted" / f"{fingerprint(key)}.pem"
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_bytes(pem)
        return fingerprint(key)

    def trusted(self) -> dict[str, Any]:
        """Fingerprint -> public key, of everybody who is trusted.

        Raises:
            Unsigned: one of the files is no public key of Ed25519.
        """
        keys = [self._public(path.read_bytes(), path) for path in sorted((self.folder / "trusted").glob("*.pem"))]
        return {fingerprint(key): key for key in keys}

    @staticmethod
    def public_pem(private: Any) -> bytes:
        """The public key that belongs to a private one, to be given to others."""
        forms = _forms()
        return bytes(private.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo))

    @staticmethod
    def _public(pem: bytes, where: Path) -> Any:
        key = _read(_forms().load_pem_public_key, pem, where)
        if not isinstance(key, _ed25519().Ed25519PublicKey):
            raise Unsigned("not an Ed25519 public key", where=str(where), fix="`homeostat sign --public` prints one")
        return key


def fingerprint(public: Any) -> str:
    """What a public key is called: the first half of its SHA-256, in hexadecimal digits."""
    forms = _forms()
    return hashlib.sha256(public.public_bytes(forms.Encoding.Raw, forms.PublicFormat.Raw)).hexdigest()[:32]


def _read(load: Any, pem: bytes, where: Path, **more: Any) -> Any:
    try:
        return load(pem, **more)
    except (ValueError, TypeError, _unsupported()):
        raise Unsigned("not a key in PEM", where=str(where), fix="`homeostat sign --public` prints one") from None


def _ed25519() -> Any:
    return require("cryptography.hazmat.primitives.asymmetric.ed25519", _WHY, extra="sign")


def _forms() -> Any:
    return require("cryptography.hazmat.primitives.serialization", _WHY, extra="sign")


def _unsupported() -> Any:
    return require("cryptography.exceptions", _WHY, extra="sign").UnsupportedAlgorithm

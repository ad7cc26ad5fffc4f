"""Signatures of versions: whoever loads one knows who made it, and that nothing of it is another's.

What is signed is a statement: everything that makes a version answer as it does (its base, the hash of its folder, its
labels, its prior), and what it was made from (dataset, parent, recipe). It is kept as text beside the signature, so
that a version that is carried elsewhere can leave behind what it was made from and still be checked.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from homeostat.config.schema import Config
from homeostat.errors import Unsigned
from homeostat.extras import require
from homeostat.release.keys import Keys, fingerprint
from homeostat.store import Store
from homeostat.store.rows import plain
from homeostat.types.version import Version

SAME = ("id", "task", "base", "blob", "kind", "labels", "prior")
"""Fields of a version that must be as they were signed."""
MADE_FROM = ("dataset", "parent")
"""Fields that may also be empty, where the version was carried to a project without them."""
_SIGNED = (*SAME, *MADE_FROM, "time", "teachers", "recipe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A statement about a version, and who stands behind it."""

    statement: str
    """JSON with sorted keys."""
    key: str
    """Fingerprint of the public key."""
    signature: str
    """64 bytes, in base64."""


@dataclass(frozen=True, slots=True)
class Signing:
    """How a project signs, and whether it loads what is not signed."""

    keys: Keys
    demanded: bool
    """Whether a version without a good signature is refused."""

    @staticmethod
    def of(config: Config) -> Signing:
        """That of a project: keys in `keys` in its folder, signatures demanded by `release.signed`."""
        return Signing(Keys(Path(config.folder) / "keys"), config.release.signed)

    def sign(self, store: Store, version: Version) -> Signature:
        """Sign a version with the project's own key, and keep the signature; in place of one that it has.

        Raises:
            Unsigned: the key cannot be used.
            MissingExtra: the package `cryptography` is not installed.
        """
        key, text = self.keys.own(), statement(version)
        made = Signature(statement=text, **self.over(key, text.encode()))
        keep(store, version.id, made)
        return made

    def signed_by(self, store: Store, version: Version) -> str:
        """Fingerprint of the trusted key that signed a version.

        Raises:
            Unsigned: it has no signature, or one that is not good, not trusted, or about something else.
        """
        return self.holds(kept(store, version.id), version)

    def holds(self, signature: Signature | None, version: Version) -> str:
        """The same of a signature at hand. Raises as `signed_by`."""
        where = f"version {version.id}"
        if signature is None:
            raise Unsigned("it is not signed", where=where, fix=f"if you know where it is from: `{_sign(version)}`")
        said = {"key": signature.key, "signature": signature.signature}
        self.over_holds(said, signature.statement.encode(), where=where)
        if differing := _differing(json.loads(signature.statement), version):
            what = f"its {', '.join(differing)} is not what was signed"
            raise Unsigned(what, where=where, fix=_look(version))
        return signature.key

    @staticmethod
    def over(key: Any, content: bytes) -> dict[str, str]:
        """A private key's signature over bytes, and whose it is."""
        return {"key": fingerprint(key.public_key()), "signature": base64.b64encode(key.sign(content)).decode()}

    def over_holds(self, said: Mapping[str, str], content: bytes, *, where: str) -> str:
        """Fingerprint of the trusted key whose signature over bytes this is.

        Raises:
            Unsigned: it is not trusted, or not its signature.
        """
        try:
            public = self.keys.trusted()[said["key"]]
            public.verify(base64.b64decode(said["signature"]), content)
        except (KeyError, TypeError):
            fix = "trust its maker with `homeostat sign --trust FILE`"
            raise Unsigned("nobody who is trusted has signed it", where=where, fix=fix) from None
        except (_bad(), ValueError):
            raise Unsigned("its signature is not that of its content", where=where, fix="have it sent again") from None
        return said["key"]

    def folder(self, store: Store, version: Version) -> Path | None:
        """A version's folder, laid out to be loaded; None for a bare base.

        Raises:
            Unsigned: signatures are demanded and it has no good one.
            Tampered: a file of it has changed since it was stored.
        """
        if self.demanded:
            self.signed_by(store, version)
        return store.blobs.folder(version.blob) if version.blob else None


def statement(version: Version) -> str:
    """What is signed of a version: equal versions, in whatever state, give equal texts."""
    fields = {name: plain(getattr(version, name)) for name in _SIGNED}
    return json.dumps({"about": "homeostat version 1", **fields}, sort_keys=True)


def kept(store: Store, version: str) -> Signature | None:
    """The signature of a version, if there is one."""
    found = store.state.get(f"signature:{version}")
    return Signature(**found) if found else None


def keep(store: Store, version: str, signature: Signature) -> None:
    """Keep a signature beside its version, and note it in the audit log."""
    store.state.put(f"signature:{version}", signature)
    store.audit.note(f"signature {signature.key}", version, store.blobs.put_text(signature.statement))


def _differing(signed: Mapping[str, Any], version: Version) -> list[str]:
    now = {name: plain(getattr(version, name)) for name in (*SAME, *MADE_FROM)}
    return [name for name, value in now.items() if signed.get(name) != value and (value or name not in MADE_FROM)]


def _sign(version: Version) -> str:
    return f"homeostat sign {version.id}"


def _look(version: Version) -> str:
    return f"`homeostat audit --about {version.id}` says who wrote it and when; import it again from where it was made"


def _bad() -> Any:
    return require("cryptography.exceptions", "to check signatures", extra="sign").InvalidSignature

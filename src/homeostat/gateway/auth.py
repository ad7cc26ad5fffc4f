"""Lets in who has a key. On this machine nobody needs one, unless keys were given; from elsewhere everybody does.

A key comes as `Authorization: Bearer KEY`, as clients of the OpenAI API send it, or as the password of HTTP Basic,
which a browser asks for. Keys are compared by their hashes in constant time, and never logged.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import os
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from homeostat.errors import NotLetIn
from homeostat.gateway.problems import not_let_in
from homeostat.release.keys import others_can_read, write_private

VARIABLE = "HOMEOSTAT_KEYS"
"""Environment variable with the keys that are taken, separated by commas or spaces."""
SHORTEST = 16
"""Letters of the shortest key."""
OPEN = frozenset({"/healthz"})
"""What anybody may ask: a probe has no key."""


def keys_of(host: str, folder: Path, environ: Mapping[str, str] = os.environ) -> tuple[frozenset[str], Path | None]:
    """The keys of a gateway, and the file that holds them if they were not given in the environment; none where nobody
    needs one. Where the gateway can be reached from elsewhere and no key is there, one is made.

    Raises:
        NotLetIn: a key that was given is too short to be one, or others may read the file.
    """
    given = frozenset(environ.get(VARIABLE, "").replace(",", " ").split())
    if short := [key for key in given if len(key) < SHORTEST]:
        fix = "make one with `python -c 'import secrets; print(secrets.token_urlsafe(32))'`"
        raise NotLetIn(f"{len(short)} of the keys have fewer than {SHORTEST} letters", where=VARIABLE, fix=fix)
    if given or is_local(host):
        return given, None
    file = folder / "keys" / "gateway"
    return frozenset({_kept(file)}), file


def is_local(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _kept(file: Path) -> str:
    """The key in a file that nobody but its owner may read; made where there is none."""
    if not file.exists():
        write_private(file, f"{secrets.token_urlsafe(32)}\n".encode())
    if others_can_read(file):
        fix = f"chmod 600 {file}; if others may have seen it, delete it and another is made"
        raise NotLetIn("the key of the gateway can be read by others", where=str(file), fix=fix)
    key = file.read_text().strip()
    if len(key) < SHORTEST:
        raise NotLetIn("the file holds no key", where=str(file), fix="delete it; another is made")
    return key


class RequireKey:
    """ASGI middleware that answers 401 to a request without a key, before its body is read."""

    def __init__(self, app: ASGIApp, *, keys: Collection[str]) -> None:
        self.app = app
        self._hashes = [_hash(key) for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["path"] in OPEN or self._knows(_key(Headers(scope=scope))):
            await self.app(scope, receive, send)
            return
        await not_let_in(browser="text/html" in Headers(scope=scope).get("accept", ""))(scope, receive, send)

    def _knows(self, key: str) -> bool:
        given = _hash(key)
        # All are compared, so that the time taken does not tell which one was near.
        return bool(key) and sum(hmac.compare_digest(given, known) for known in self._hashes) > 0


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def _key(headers: Headers) -> str:
    """The key that a request carries; empty if none."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""

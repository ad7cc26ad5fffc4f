"""Ids that carry their noun and their time, and ids that come out the same when a step is run twice."""

from __future__ import annotations

import hashlib
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LATEST = 4e9
"""A moment in 2096. A derived id, whose digits mean nothing, nearly always names a later one."""


def _base32(number: int, digits: int) -> str:
    out = ""
    for _ in range(digits):
        number, rest = divmod(number, 32)
        out = _ALPHABET[rest] + out
    return out


def new(noun: str) -> str:
    """A fresh id such as `int_01jd8m3k7q9x5v2w0ab3` that sorts by the moment it was made."""
    return f"{noun}_{_base32(time.time_ns() // 1_000_000, 10)}{_base32(secrets.randbits(50), 10)}"


def moment(id: str) -> float | None:
    """When a fresh id was made, in seconds since 1970; None where it does not say."""
    _, _, digits = id.partition("_")
    if len(digits) != 20 or not set(digits) <= set(_ALPHABET):
        return None
    made = 0
    for digit in digits[:10]:
        made = 32 * made + _ALPHABET.index(digit)
    return made / 1e3 if made / 1e3 < _LATEST else None


def derived(noun: str, *parts: object) -> str:
    """The id that these parts always give: a step that is run again writes the same row again."""
    digest = hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()
    return f"{noun}_{_base32(int.from_bytes(digest[:13], 'big'), 20)}"

"""The signature of a webhook: HMAC-SHA256 over the moment and the body, so that neither is changed or played again."""

from __future__ import annotations

import hashlib
import hmac

HEADER = "Homeostat-Signature"
"""`t=1760000000,v1=HEX`: seconds since 1970 at which the try was signed, and the signature."""
TOLERANCE_S = 300.0
"""How old a signature may be when it is verified."""


def sign(secret: bytes, body: bytes, now: float) -> str:
    """The header's value: the signature is over the digits of the moment, a point, and the body's bytes."""
    moment = str(int(now))
    return f"t={moment},v1={_digest(secret, moment, body)}"


def verify(secret: bytes, body: bytes, header: str, now: float, *, tolerance_s: float = TOLERANCE_S) -> bool:
    """Whether a header was made with this secret for this body, within `tolerance_s` of `now`."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    moment = parts.get("t", "")
    if not moment.isascii() or not moment.isdigit() or abs(now - int(moment)) > tolerance_s:
        return False
    return hmac.compare_digest(_digest(secret, moment, body).encode(), parts.get("v1", "").encode())


def _digest(secret: bytes, moment: str, body: bytes) -> str:
    return hmac.new(secret, moment.encode() + b"." + body, hashlib.sha256).hexdigest()

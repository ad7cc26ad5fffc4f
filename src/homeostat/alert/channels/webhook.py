"""HTTP: a program of yours, signed, and the webhooks of chats. One POST; what is not answered with 2xx is not taken."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Any

from homeostat.alert.channels.way import NotTaken, masked, reason
from homeostat.alert.signature import HEADER, sign
from homeostat.types.delivery import Delivery

KEY = "Idempotency-Key"
"""Header that holds the delivery's id, the same at every try."""
Form = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From the document to what the receiver reads."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: a signed message, and an address that is a secret, go where they were meant to go."""

    def redirect_request(self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> None:
        """None, so that the redirect is an answer like any other that is not 2xx."""
        return


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A POST of JSON. The proxies of the environment are used; certificates are verified."""

    url: str
    timeout_s: float
    form: Form = dict
    secret: bytes = b""
    """What it is signed with; empty for not at all."""

    @property
    def place(self) -> str:
        """Scheme and host."""
        return masked(self.url)

    def send(self, delivery: Delivery) -> str:
        """Post it; empty, for there is nothing to note of a 2xx.

        Raises:
            NotTaken: no answer, or another than 2xx.
        """
        content = json.dumps(self.form({"id": delivery.id, **delivery.body}), separators=(",", ":")).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "homeostat", KEY: delivery.id}
        if self.secret:
            headers[HEADER] = sign(self.secret, content, time.time())
        asked = urllib.request.Request(self.url, content, headers, method="POST")
        try:
            with urllib.request.build_opener(_Stay).open(asked, timeout=self.timeout_s) as answer:
                status = answer.status
        except urllib.error.HTTPError as refused:
            refused.close()
            raise NotTaken(f"HTTP {refused.code}") from None
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise NotTaken(reason(problem)) from None
        if not 200 <= status < 300:
            raise NotTaken(f"HTTP {status}")
        return ""

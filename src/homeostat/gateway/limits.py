"""Holds every request body under a size, counted as it comes in, before anything is made of it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homeostat.gateway.problems import too_large

MOST_BYTES = 4 * 1024 * 1024
"""Largest body that is read."""


class BodyLimit:
    """ASGI middleware that reads the body up to a limit and answers 413 beyond it."""

    def __init__(self, app: ASGIApp, *, most_bytes: int = MOST_BYTES) -> None:
        self.app = app
        self.most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body read, or refuse it."""
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self.app(scope, receive, send)
            return
        body = await self._read(receive)
        if body is None:
            await too_large(self.most_bytes)(scope, receive, send)
            return
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self.app(scope, replay, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body, or None if it is too large."""
        parts, size, more = [], 0, True
        while more:
            message = await receive()
            part: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(part)
            if size > self.most_bytes:
                return None
            parts.append(part)
        return b"".join(parts)

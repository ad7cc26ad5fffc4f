"""A real HTTP server that takes webhooks as it is told to: well, with an error, by tearing the line, or slowly."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RESET = -1
"""Instead of a status: the body is read and the connection torn."""
SILENT = -2
"""Instead of a status: the body is read and nothing is answered for some seconds."""


@dataclass(frozen=True, slots=True)
class Met:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    answered: int
    time: float = field(default_factory=time.time)

    @property
    def json(self) -> Any:
        """The body as a document."""
        return json.loads(self.body)

    @property
    def key(self) -> str:
        """The idempotency key it came with."""
        return self.headers.get("idempotency-key", "")


@dataclass(slots=True)
class Receiver:
    """Where it listens, and what it has met."""

    address: str
    met: list[Met] = field(default_factory=list)

    @property
    def taken(self) -> list[Met]:
        """What it has answered with 2xx."""
        return [one for one in self.met if 200 <= one.answered < 300]


@contextmanager
def receiving(*statuses: int, after: int = 200, silent_s: float = 3.0, each: bool = False) -> Iterator[Receiver]:
    """A receiver that answers its first requests with these statuses, in order, and all that follow with `after`; with
    `each`, the first requests of each key.
    """
    waiting: defaultdict[str, list[int]] = defaultdict(lambda: list(statuses))
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                headers = {name.lower(): value for name, value in self.headers.items()}
                mine = waiting[headers.get("idempotency-key", "") if each else ""]
                status = mine.pop(0) if mine else after
                receiver.met.append(Met(self.path, headers, body, status))
            if status == RESET:
                _tear(self.connection)
            elif status == SILENT:
                time.sleep(silent_s)
            else:
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", f"{receiver.address}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # type: ignore[method-assign]  # a torn connection is no news
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _tear(connection: socket.socket) -> None:
    """Close so that the other side sees a reset, and not an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])

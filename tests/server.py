"""A real HTTP server that answers as an OpenAI-compatible one does, in a thread, with whatever a function says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Says = Callable[[dict[str, Any]], tuple[int, Any]]
"""From the body of a request to status and answer."""


@contextmanager
def speaking(says: Says) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The server's address up to `/v1`, and the bodies of the requests that it was sent, headers among them."""
    met: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            met.append({**body, "path": self.path, "key": self.headers.get("Authorization", "")})
            status, answer = says(body)
            content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    # It looks that often whether it is to end; half a second, which is usual, would be waited for by every test.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", met
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def completion(text: str, tops: dict[str, float] | None = None) -> dict[str, Any]:
    """A chat completion, with the alternatives to its first token where they are given."""
    first = [{"token": token, "logprob": logarithm} for token, logarithm in (tops or {}).items()]
    told = {"content": [{"token": text[:3], "logprob": -0.1, "top_logprobs": first}]} if tops else None
    return {"choices": [{"message": {"role": "assistant", "content": text}, "logprobs": told}]}


def vectors(of: Callable[[list[str]], Any]) -> Says:
    """What `/v1/embeddings` answers with the vectors that a function gives, in another order than the texts came."""

    def says(body: dict[str, Any]) -> tuple[int, Any]:
        rows = [[float(value) for value in row] for row in of(body["input"])]
        data = [{"object": "embedding", "index": k, "embedding": row} for k, row in enumerate(rows)]
        return 200, {"object": "list", "model": body["model"], "data": data[::-1]}

    return says

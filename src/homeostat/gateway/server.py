"""The HTTP server: a listening socket, and uvicorn around an answerer.

Knows nothing of configuration files, models or stores, and imports no model library.
"""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.routing import BaseRoute

from homeostat.config.schema import Gateway
from homeostat.errors import PortInUse
from homeostat.gateway.app import build
from homeostat.serve.answer import Answerer

BACKLOG = 2048
KEEP_ALIVE_S = 75
"""Longer than the idle time of usual client pools, so that no client sends into a connection being closed."""
SHUTDOWN_S = 30
"""Longest wait for replies under way when told to stop."""


@contextmanager
def served(answerer: Answerer, gateway: Gateway, *, keys: Collection[str] = ()) -> Iterator[str]:
    """The gateway in a thread of this process; gives its address, and on leaving stops it once all is answered.

    Raises:
        PortInUse: the port is taken.
    """
    listener = listen(gateway)
    ready = threading.Event()
    server = Server(answerer, ready.set, keys=keys)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="homeostat-gateway", daemon=True)
    thread.start()
    try:
        while not ready.wait(0.05):
            if not thread.is_alive():
                raise RuntimeError("the gateway did not start; the log says why")
        yield address(listener)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def listen(gateway: Gateway) -> socket.socket:
    """A socket that listens on the gateway's host and port.

    Raises:
        PortInUse: another program has the port, or this one may not have it.
    """
    family = socket.AF_INET6 if ":" in gateway.host else socket.AF_INET
    try:
        listener = socket.create_server((gateway.host, gateway.port), family=family, backlog=BACKLOG)
        # Handed down to every connection. Without it a reply of two packets waits 40 ms for the client's delayed
        # acknowledgment of the first; asyncio sets it only on sockets it has made itself.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as problem:
        taken = problem.errno == errno.EADDRINUSE
        raise PortInUse(
            f"port {gateway.port} is in use" if taken else f"cannot listen on port {gateway.port}: {problem.strerror}",
            where=f"gateway.host={gateway.host} gateway.port={gateway.port}",
            fix="stop the other program, or choose another port (0 takes any free one)",
        ) from problem


def address(listener: socket.socket) -> str:
    """The URL at which a listening socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn, with a call when requests are taken."""

    def __init__(
        self,
        answerer: Answerer,
        ready: Callable[[], None],
        *,
        pages: Sequence[BaseRoute] = (),
        keys: Collection[str] = (),
    ) -> None:
        super().__init__(
            uvicorn.Config(
                build(answerer, pages=pages, keys=keys),
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=SHUTDOWN_S,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start taking requests, then say so."""
        await super().startup(sockets)
        self._ready()

"""Runs the gateway of a project: the port first, then the store, the model and the threads, then HTTP."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from starlette.routing import BaseRoute

from homeostat.config.schema import Config
from homeostat.gateway.auth import keys_of
from homeostat.gateway.server import Server, address, listen
from homeostat.llm.backend import Backend
from homeostat.llm.content import opened_from
from homeostat.llm.fingerprint import fingerprint_of
from homeostat.llm.local import LocalBackend
from homeostat.llm.served import ServedBackend
from homeostat.llm.server import KEY, ModelServer
from homeostat.serve.answer import Answerer
from homeostat.store import Store
from homeostat.types.report import Base

Pages = Callable[[Store, Config], Sequence[BaseRoute]]


def serve(config: Config, announce: Callable[[str], None], *, pages: Pages = lambda store, config: ()) -> None:
    """Answer until SIGTERM or SIGINT, then finish what is under way; to be called in the main thread.

    `announce` is called with the address when requests are taken; `pages` are served beside the API.

    Raises:
        PortInUse: the port is taken; nothing else was started.
        NotLetIn: a key is too short, or its file can be read by others.
    """
    keys, file = keys_of(config.gateway.host, Path(config.folder))
    with listen(config.gateway) as listener, _until_told():
        store = Store.open(config.database, config.blobs)
        try:
            backend, opened = _backend(config, store)
            answerer = Answerer(backend, store, config, opened)
            try:
                shown = pages(store, config)
                if file:
                    sys.stderr.write(f"others can reach {config.gateway.host}: whoever asks needs the key in {file}\n")
                Server(answerer, lambda: announce(address(listener)), pages=shown, keys=keys).run(sockets=[listener])
            finally:
                answerer.close()
        finally:
            store.close()


def _backend(config: Config, store: Store) -> tuple[Backend, Base | None]:
    """What answers: the base in this process, with the bytes that it was opened from, or a server that has it."""
    model = config.model
    if not model.server:
        opening = partial(LocalBackend, model.weights, threads=model.threads, precision=model.precision)
        return opened_from(store, model.weights, opening)
    server = ModelServer(model.server, key=os.environ.get(KEY, ""))
    known = partial(fingerprint_of, store, model.weights)
    return ServedBackend(server, model.weights, store.blobs.served, known=known), None


@contextmanager
def _until_told() -> Iterator[None]:
    """Let the block end in order when the process is told to stop.

    uvicorn raises the signal again once it has stopped; left alone, SIGTERM would then end the process before rows
    that wait are written.
    """

    def leave(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)

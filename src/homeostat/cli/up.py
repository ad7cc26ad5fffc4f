"""Run the gateway and the worker on a project, until stopped.

The gateway answers at the address of `gateway.host` and `gateway.port`, with the pages at `/ui`; the worker watches,
decides and trains in a process of its own.

Example: `homeostat up --config homeostat-demo/homeostat.yaml`
"""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated, Literal

import typer

from homeostat.cli.interrupt import interrupted
from homeostat.config.load import load
from homeostat.gateway.run import serve
from homeostat.loop.story.processes import READY, Part
from homeostat.loop.worker import work
from homeostat.web.routes import routes


def command(
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    part: Annotated[
        Literal["all", "gateway", "worker"], typer.Option(help="`all`, or one process alone: `gateway`, `worker`.")
    ] = "all",
    set_: Annotated[list[str] | None, typer.Option("--set", help="Override a knob: `--set gateway.port=9000`.")] = None,
) -> None:
    """Run the gateway and the worker on a project, until stopped."""
    settings = load(config, tuple(set_ or ()))
    if part == "gateway":
        serve(settings, lambda address: print(READY, address, flush=True), pages=routes)
    elif part == "worker":
        with interrupted(signal.SIGTERM, signal.SIGINT) as stop:
            work(settings, stopped=stop.is_set, announce=lambda text: print(READY, text, flush=True))
    else:
        _both(config, tuple(set_ or ()))


def _both(config: Path, overrides: tuple[str, ...]) -> None:
    """Both parts as children; ends when one of them does, or when told to by Ctrl-C or SIGTERM."""
    parts: list[Part] = []
    with interrupted(signal.SIGTERM, signal.SIGINT) as stop:
        try:
            for name in ("gateway", "worker"):
                parts.append(Part(name, config, overrides))
                if address := parts[-1].start(stopped=stop.is_set):
                    print(f"{name}: {address}" + (f", pages: {address}/ui" if name == "gateway" else ""), flush=True)
            while all(p.process.poll() is None for p in parts) and not stop.wait(1.0):
                pass
            for part in parts:
                if part.process.returncode and not stop.is_set():
                    raise part.failure("ended")
        finally:
            for part in reversed(parts):
                part.stop()

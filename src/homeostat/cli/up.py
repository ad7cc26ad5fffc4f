"""Run the gateway and the worker on a project, until stopped.

The gateway answers at the address of `gateway.host` and `gateway.port`, with the pages at `/ui`; the worker watches,
decides and trains in a process of its own.

Example: `homeostat up --config homeostat-demo/homeostat.yaml`
"""

from __future__ import annotations

import importlib
import signal
from pathlib import Path
from typing import Annotated, Literal

import typer

from homeostat.cli.interrupt import interrupted
from homeostat.config.load import load
from homeostat.loop.story.processes import Part


def command(
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    part: Annotated[
        Literal["all", "gateway", "worker"], typer.Option(help="`all`, or one process alone: `gateway`, `worker`.")
    ] = "all",
    set_: Annotated[list[str] | None, typer.Option("--set", help="Override a knob: `--set gateway.port=9000`.")] = None,
) -> None:
    """Run the gateway and the worker on a project, until stopped."""
    settings = load(config, tuple(set_ or ()))
    if part == "all":
        _both(config, tuple(set_ or ()))
    else:
        getattr(importlib.import_module("homeostat.cli.running"), part)(settings)


def _both(config: Path, overrides: tuple[str, ...]) -> None:
    """Both parts as children; ends when one of them does, or when told to by Ctrl-C or SIGTERM."""
    parts: list[Part] = []
    with interrupted(signal.SIGTERM, signal.SIGINT) as stop:
        try:
            print("starting: gateway and worker, each of which reads the model library first", flush=True)
            for name in ("gateway", "worker"):  # one after the other: where the first fails, nothing is changed
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

"""Starts the gateway and the worker as processes of their own, as `homeostat up` does, and ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path

from homeostat.errors import read_back

WAITING = "waiting:"
"""A line that begins so says why a part is not ready yet; it is passed on to whoever started it."""
READY = "ready:"
"""A part prints a line that begins so once it does its work; the rest of the line is its address."""


def helpers() -> ForkServerContext:
    """Where the story's helpers come from: a process that reads the model library once, when the first is asked for."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["homeostat.train.run"])
    return context


@dataclass(slots=True)
class Part:
    """One running part of the product."""

    name: str
    project: Path
    """The homeostat.yaml it runs on."""
    overrides: tuple[str, ...] = ()
    """Knobs as `section.name=value`."""
    process: subprocess.Popen[str] = field(init=False)
    address: str = field(init=False, default="")
    _said: list[str] = field(init=False, default_factory=list)
    _ready: threading.Event = field(init=False, default_factory=threading.Event)
    _listener: threading.Thread = field(init=False)

    def start(self, *, patience_s: float = 120.0, stopped: Callable[[], bool] = lambda: False) -> str:
        """Launch it and wait until it is `ready`. Raises what that raises."""
        self.launch()
        return self.ready(patience_s=patience_s, stopped=stopped)

    def launch(self) -> None:
        """Start the process."""
        self._ready.clear()
        command = [sys.executable, "-m", "homeostat", "up", "--config", str(self.project), "--part", self.name]
        command += [word for knob in self.overrides for word in ("--set", knob)]
        environment = os.environ | {
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONUNBUFFERED": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def ready(self, *, patience_s: float = 120.0, stopped: Callable[[], bool] = lambda: False) -> str:
        """Wait until it does its work; its address, or nothing if it is `stopped()` before.

        Raises:
            HomeostatError: the error with which it ended.
            RuntimeError: it ended without one or stayed silent; with the last lines it printed.
        """
        for _ in range(int(patience_s * 20)):
            if self._ready.wait(0.05) or stopped():
                return self.address
            if self.process.poll() is not None:
                break
        raise self.failure("did not start")

    def failure(self, what: str) -> Exception:
        """The error that it printed before it ended, to be raised here; else that it `did not start`, or the like."""
        self._listener.join(1.0)
        said = "\n".join(self._said[-20:])
        return read_back(said) or RuntimeError(f"the {self.name} {what}:\n{said}")

    def stop(self) -> None:
        """Ask it to end, and make it after a while."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self) -> None:
        """Kill it at once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def cpu_seconds(self) -> float:
        """CPU time it has used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.append(line.rstrip())
            if line.startswith(WAITING):
                sys.stderr.write(line)
                sys.stderr.flush()
            if line.startswith(READY):
                self.address = line.removeprefix(READY).strip()
                self._ready.set()

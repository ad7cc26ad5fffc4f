"""The product's own `homeostat train` in a process that is killed by SIGKILL, at a moment drawn at random.

Not a bar: what the bar of killed runs stands on. `Death` is such a moment and `draw` draws one from what is left of a
run; `live` is a life of the command, which ends by its death or by itself. Deaths from outside fall at any time. Those
from inside fall where no other process could hit: after an optimizer step, in the middle of a file that is being
written, between a checkpoint's file and its name, and between the weights and their registration.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

from homeostat.cli import entry
from homeostat.loop.making import learn
from homeostat.train import checkpoint, fit

LIMIT_S = 300.0
"""Seconds after which a life has hung."""
AMID = ("time", "step", "torn", "whole", "renamed")
"""Moments while a run trains."""
LAST = ("weights", "registering")
"""Moments when it has trained."""
CONTEXT = multiprocessing.get_context("forkserver")
"""Lives are forked from a process that has imported everything, so that they begin at once."""
CONTEXT.set_forkserver_preload(
    ["killed", "homeostat.cli.train", "homeostat.llm.local", "transformers.models.llama.modeling_llama"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """When a life ends."""

    kind: str
    """`time`: from outside, `share` seconds after it began. `step`: after the optimizer step number `at` of the whole
    run. `torn`: when the checkpoint that is the `at`-th of this life is written to the part `share`. `whole`: when it
    is written and does not bear its name. `renamed`: when it does, and the folder is not synced. `weights`: when the
    first file of what the run leaves is written to the part `share`. `registering`: when all are, and the store does
    not know of them."""
    at: int = 1
    share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A run that was left in peace."""

    looks: tuple[int, ...]
    """Steps of its looks, each of which writes a checkpoint; empty for what is solved and not stepped."""
    seconds: float


def draw(rng: np.random.Generator, course: Course, done: int, *, last: bool) -> Death:
    """A moment of what is left of a run whose checkpoint stands at step `done`; of its end too for the `last` death."""
    ahead = [step for step in course.looks if step > done]
    amid = AMID if ahead else ("time",)
    kind = str(rng.choice([*amid, *(LAST if last or not ahead else ())]))
    share, at = float(rng.random()), 1
    if kind == "time":
        share *= course.seconds * (max(len(ahead), 1) / max(len(course.looks), 1))
    elif kind == "step":
        at = int(rng.integers(done + 1, ahead[-1] + 1))
    elif kind in AMID:
        at = int(rng.integers(1, len(ahead) + 1))
    return Death(kind=kind, at=at, share=share)


def die() -> None:
    """End as a machine does that loses its power."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(death: Death) -> None:
    """Have this process die at a moment of its work; a death by `time` comes from outside."""
    if death.kind == "step":
        _after_step(death.at)
    elif death.kind == "torn":
        checkpoint.save_file = _tearing(death.at, death.share)  # type: ignore[attr-defined]
    elif death.kind in {"whole", "renamed"}:
        _at_sync(2 * death.at - (death.kind == "whole"))
    elif death.kind == "weights":
        _everywhere(_tearing(1, death.share))
    elif death.kind == "registering":
        learn.register = lambda *_: die()  # type: ignore[attr-defined]


def _after_step(at: int) -> None:
    step = fit._Run.step

    def dying(self: Any, samples: Any) -> Any:
        made = step(self, samples)
        if self.progress.step >= at:
            die()
        return made

    fit._Run.step = dying  # type: ignore[method-assign]


def _tearing(at: int, share: float) -> Callable[..., None]:
    """Writes tensors as safetensors does, but the `at`-th time only the first part of the file."""
    written = 0

    def save_file(tensors: Any, filename: Any, metadata: Any = None) -> None:
        nonlocal written
        written += 1
        file = safetensors.torch.save(tensors, metadata)
        torn = written == at
        Path(filename).write_bytes(file[: int(share * len(file))] if torn else file)
        if torn:
            die()

    return save_file


def _at_sync(count: int) -> None:
    """Die when checkpoints were synced so often: each first as a file without its name, then with its folder."""
    sync, synced = checkpoint._sync, 0

    def dying(path: Path) -> None:
        nonlocal synced
        synced += 1
        if synced == count:
            die()
        sync(path)

    checkpoint._sync = dying


def _everywhere(save_file: Callable[..., None]) -> None:
    """Have every library write weights in this way; checkpoints are written as ever."""
    usual = safetensors.torch.save_file
    for module in list(sys.modules.values()):
        for name in ("save_file", "safe_save_file"):
            if module is not checkpoint and getattr(module, name, None) is usual:
                setattr(module, name, save_file)


def live(arguments: tuple[str, ...], death: Death | None, said: Path) -> None:
    """What the process does: the command line, as a person types it, until its death; what it says goes to a file."""
    torch.set_num_threads(1)
    if death:
        arm(death)
    sys.argv = ["homeostat", *arguments]
    with said.open("w", encoding="utf-8") as heard, redirect_stdout(heard), redirect_stderr(heard):
        entry.main()


def through(arguments: tuple[str, ...], said: Path, death: Death | None = None) -> bool:
    """Live once; whether it came to its end.

    Raises:
        RuntimeError: it ended by anything but its death or itself, or hung.
    """
    process = CONTEXT.Process(target=live, args=(arguments, death, said), daemon=True)
    process.start()
    if death and death.kind == "time":
        process.join(death.share)
        process.kill()
    process.join(LIMIT_S)
    if process.exitcode is None:
        process.kill()
        raise RuntimeError(f"hung: {' '.join(arguments)}")
    if process.exitcode not in (0, -signal.SIGKILL):
        raise RuntimeError(f"ended with {process.exitcode}: {said.read_text(encoding='utf-8')[-500:]}")
    return process.exitcode == 0

"""The memory of a version: what lies in it, and what a process of its own holds while it answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

import tiny
from homeostat.errors import LostProcess, ModelNotFound
from homeostat.llm.backend import Request
from homeostat.llm.memory import answering, measured, peak, resident
from homeostat.types.version import Version

PLAIN: dict[str, Any] = {"threads": 1, "precision": "float32"}


def bare(base: Path) -> Version:
    """A base that can reply with three labels."""
    return Version(id="ver_a", task="routing", time=0.0, base=str(base), kind="base", labels=tiny.LABELS)


def asked(n: int, words: int = 4) -> list[Request]:
    return [Request(task=tiny.ROUTING, text=f"pump {k} " + "noise " * words, version="ver_a") for k in range(n)]


def test_weights_are_counted_as_they_lie_there(tmp_path: Path) -> None:
    """The tensors of the base, each once though two names are tied to one, and the files of what is put on it."""
    base = tiny.llama(tmp_path / "base")
    stored = sum(t.numel() * 4 for t in load_file(base / "model.safetensors").values())
    found = answering(str(base), bare(base), None, asked(3), **PLAIN)
    assert stored <= found.base <= 1.05 * stored  # some tables of places are made and not stored
    assert (found.version, found.requests, found.device) == (0, 3, 0)
    assert 0 < found.libraries <= found.loaded <= found.peak


def test_what_the_system_tells_of_this_process() -> None:
    """A hundred megabytes that are written are there while they are held, and in the most that ever was after that."""
    before = resident()
    held = np.ones(100_000_000, np.uint8)
    during = resident()
    assert during - before > 90_000_000
    assert held.sum() == 100_000_000
    del held
    assert peak() >= during - 5_000_000
    assert resident() < during - 50_000_000


@pytest.mark.slow
def test_a_process_of_its_own_tells_small_from_large(tmp_path: Path) -> None:
    """A hundred megabytes of weights more are about so many more in memory, and what this process holds is none of
    it; a hundred rows of a full context take more than three short ones.
    """
    small, large = tiny.llama(tmp_path / "small"), tiny.llama(tmp_path / "large", hidden=1024, layers=3)
    ballast = np.ones(700_000_000, np.uint8)
    few, many = (measured(str(small), bare(small), None, asked(*of), **PLAIN) for of in ((3, 4), (100, 300)))
    found = measured(str(large), bare(large), None, asked(3), **PLAIN)
    more = found.base - few.base
    assert more > 100_000_000
    assert 0.7 * more < found.loaded - few.loaded < 1.6 * more
    assert found.peak < ballast.nbytes + few.peak
    assert few.peak < peak() - 400_000_000
    assert many.peak - many.loaded > few.peak - few.loaded


@pytest.mark.slow
def test_what_goes_wrong_there_is_told_here(tmp_path: Path) -> None:
    """An error of ours comes back as it is; a process that is ended leaves one that says so."""
    gone = tmp_path / "gone"
    with pytest.raises(ModelNotFound):
        measured(str(gone), bare(gone), None, asked(1), **PLAIN)
    with pytest.raises(LostProcess, match="ended with 9"):
        measured(str(gone), bare(gone), None, [Deadly()], **PLAIN)  # type: ignore[list-item]


class Deadly:
    """What ends the process that it is sent to."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (9,)

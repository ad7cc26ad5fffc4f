"""What a version reads before every request, in words: an instruction of its own, and the verified answers nearest it.

Both change what a model says without changing a weight. Examples stand as earlier turns, the nearest last (Liu et al.
2021, 2101.06804); a model that was not made to learn from them is made worse, so whoever wants one measures first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from homeostat.errors import CorruptWeights
from homeostat.llm.backend import Request
from homeostat.llm.nearest import Nearest, NearestStates
from homeostat.types.task import Task

FILE = "preface.safetensors"
"""In a version's folder, beside its weights. It holds words, and states where examples are found by those, in a
file that can run no code."""
States = NDArray[np.float16]
Vector = NDArray[np.floating]
Turn = tuple[str, str | tuple[int, ...]]
"""(role, content): words, or the tokens that stand for a label."""


@dataclass(frozen=True, slots=True)
class Preface:
    """What stands before a request."""

    instruction: str = ""
    """In place of the task's; empty leaves it."""
    examples: tuple[tuple[str, str], ...] = ()
    """Requests with their verified replies, of which the most alike are shown."""
    shown: int = 0
    """How many of them."""
    states: States | None = field(default=None, compare=False, repr=False)
    """float16[examples, hidden]: what the version's own model makes of each request, by which the most alike are found;
    without, they are found by their words."""
    _nearest: list[Nearest | NearestStates] = field(default_factory=list, init=False, compare=False, repr=False)
    """The examples, made ready when they are looked at first."""

    @property
    def by_states(self) -> bool:
        """Whether it takes the state of a request to find the examples for it."""
        return bool(self.shown and self.examples and self.states is not None)

    def task(self, task: Task) -> Task:
        """The task with the instruction that it is done with."""
        return replace(task, instruction=self.instruction) if self.instruction else task

    def put(self, request: Request) -> Request:
        """The request with that instruction."""
        return replace(request, task=self.task(request.task)) if self.instruction else request

    def turns(self, text: str, codes: Mapping[str, tuple[int, ...]], state: Vector | None = None) -> list[Turn]:
        """The examples that stand before a text as turns, the most alike last.

        Args:
            text: the request.
            codes: label -> the tokens it is replied with; a reply that is none of them stands in words.
            state: float[hidden], what the model makes of the request alone; needed where examples are found by it.
        """
        if not self.shown or not self.examples:
            return []
        found = [self.examples[place] for place in reversed(self._find(text, state))]
        return [turn for asked, reply in found for turn in (("user", asked), ("assistant", codes.get(reply, reply)))]

    def _find(self, text: str, state: Vector | None) -> list[int]:
        """Places of the examples most like a request."""
        if not self._nearest:
            words = [asked for asked, _ in self.examples]
            self._nearest.append(Nearest.of(words) if self.states is None else NearestStates.of(self.states))
        known = self._nearest[0]
        if isinstance(known, Nearest):
            return known.find(text, self.shown)
        if state is None:
            raise ValueError("these examples are found by the state of a request, and none was given")
        return known.find(state, self.shown)


def save_preface(preface: Preface, folder: Path) -> None:
    """Put a preface into a version's folder."""
    said = {"instruction": preface.instruction, "examples": preface.examples, "shown": preface.shown}
    words = json.dumps(said, ensure_ascii=False, sort_keys=True).encode()
    tensors: dict[str, NDArray[Any]] = {"words": np.frombuffer(words, dtype=np.uint8)}
    if preface.states is not None:
        tensors["states"] = np.ascontiguousarray(preface.states, np.float16)
    save_file(tensors, folder / FILE)


def read_preface(folder: Path) -> Preface | None:
    """The preface in a version's folder; None where there is none.

    Raises:
        CorruptWeights: it cannot be read.
    """
    path = folder / FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            said = json.loads(bytes(file.get_tensor("words")))
            states = file.get_tensor("states") if "states" in file.keys() else None  # noqa: SIM118
        examples = tuple((str(asked), str(reply)) for asked, reply in said["examples"])
        if states is not None and (states.ndim != 2 or len(states) != len(examples)):
            raise ValueError(f"states of shape {states.shape} beside {len(examples)} examples")
        return Preface(str(said["instruction"]), examples, int(said["shown"]), states)
    except (SafetensorError, KeyError, ValueError, TypeError, OSError) as broken:
        fix = "register the version again, or take another one"
        raise CorruptWeights(f"{FILE} cannot be read: {broken}", where=str(folder), fix=fix) from broken


def without_end(tokens: tuple[int, ...], end: int) -> tuple[int, ...]:
    """The tokens of a reply without the mark that ends it, which the chat template writes."""
    return tokens[:-1] if len(tokens) > 1 and tokens[-1] == end else tokens

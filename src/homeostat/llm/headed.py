"""Versions that are heads: what such a version's folder holds, and what the backend asks of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from torch import Tensor

from homeostat.errors import CorruptWeights, UnsuitedModel
from homeostat.llm.exact import FILE as EXACT
from homeostat.llm.exact import load_exact
from homeostat.llm.forward import Predicted
from homeostat.llm.head import Head, Said, load_head
from homeostat.types.version import Version


class Telling(Protocol):
    """A head that tells one of several labels."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What it tells, in the order of its columns."""
        ...

    @property
    def below(self) -> str:
        """What its folder adds to the base beneath it: `base` for nothing, or a kind of version."""
        ...

    def logs(self, predicted: Predicted, texts: Sequence[str]) -> Tensor:
        """float32[rows, labels]: log-probabilities, on the CPU; each row has a completion of one token."""
        ...


class Saying(Protocol):
    """A head that tells a number or tags, which it replies as a text."""

    @property
    def below(self) -> str:
        """What its folder adds to the base beneath it, as of `Telling`."""
        ...

    def say(self, predicted: Predicted) -> list[Said]:
        """A reply for each row, which has a completion of one token."""
        ...


def read_head(version: Version, folder: Path, hidden: int) -> Telling | Saying:
    """The head of a version of kind `head`, for a base whose states are so wide.

    Raises:
        ModelNotFound, UnsafeWeights, CorruptWeights: there is none, it cannot be read, is for another base, or tells
            other labels than its version names.
        UnsuitedModel: it tells several numbers, which no task replies with.
    """
    head: Telling
    if (folder / EXACT).exists():
        head = load_exact(folder, hidden)
    else:
        made = load_head(hidden, folder).eval()
        if made.shape.form != "label":
            return _saying(made, version)
        head = made
    if head.labels != version.labels:
        fix = "register it with the labels that it was trained on"
        raise CorruptWeights(f"the head of {version.id} tells other labels than it names", where=str(folder), fix=fix)
    return head


def _saying(made: Head, version: Version) -> Saying:
    """A head whose reply is a text."""
    if made.shape.form == "numbers" and len(made.labels) != 1:
        fix = "ask it from Python: homeostat.llm.head.HeadedModel"
        raise UnsuitedModel(f"version {version.id} tells {len(made.labels)} numbers, and a reply is one", fix=fix)
    return made

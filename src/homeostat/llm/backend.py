"""The seam between the house and a model: what is asked, what comes back, and what a backend must be able to do.

Knows nothing about tokens, weights or servers, and imports no model library: whoever only passes requests on
(the gateway, the recorder, the tests) stays light.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from homeostat.types.task import Task
from homeostat.types.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing to answer: a user's message, the conversation before it, and which version shall answer."""

    task: Task
    text: str
    """Content of the last user message."""
    version: str
    """Id of a loaded version; empty for the bare base."""
    history: tuple[tuple[str, str], ...] = ()
    """Earlier messages as (role, content), oldest first; the task's instruction is not among them."""
    max_tokens: int = 64
    """Upper limit of the reply's length, for tasks that generate."""
    temperature: float = 0.0
    """0 takes the likeliest token each time."""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the request itself carried. No model reads it; a version with offsets adds those of its group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model said and how sure it was."""

    text: str
    confidence: float
    """Label task: probability of the label replied. Text task: exp of the mean log-probability of its tokens."""
    entropy: float
    """Label task: entropy over the labels, in nats. Text task: mean entropy over the reply's tokens."""
    prompt_tokens: int
    reply_tokens: int
    embedding: bytes
    """float16[hidden]: mean hidden state over the prompt's tokens, or empty."""
    disagreement: float = 0.0
    """Of an ensemble's members about this request, in nats; 0 where all say the same, or one answers alone."""


class Backend(Protocol):
    """Something that answers: a model in this process, or a client of one elsewhere. Safe to call from many threads."""

    @property
    def concurrent(self) -> bool:
        """Whether it is quicker to call it for each request, from many threads at once, than for many requests in one:
        a server gathers its batches itself.
        """
        ...

    def reply(self, requests: Sequence[Request]) -> list[Reply]:
        """One reply per request, in order; versions and tasks may be mixed.

        Raises:
            NotFound: a request names a version that is not loaded.
        """
        ...

    def score(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Log-probabilities float[labels] per request, over the labels of the version it names, in their order.

        Raises:
            NotFound: a request names a version that is not loaded.
        """
        ...

    def load(self, version: Version, folder: Path | None) -> None:
        """Make `version` answer, with the weights in `folder` (None for the bare base); loading twice does nothing.

        Raises:
            CorruptWeights: the folder is damaged or does not fit the base.
            UnsafeWeights: the folder holds weights in a format that can run code.
        """
        ...

    def unload(self, version: str) -> None:
        """Free what `version` holds; a version that is not loaded is no error."""
        ...

    def loaded(self) -> tuple[str, ...]:
        """Ids of the versions that can answer now."""
        ...

"""Builds the row of an interaction from what was asked and what was replied.

Knows nothing of models, routing or storage: it only puts the pieces together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from homeostat.llm.backend import Reply
from homeostat.types import ids
from homeostat.types.interaction import Interaction, Role
from homeostat.types.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came in: everything that is known before a version is picked."""

    id: str
    """Id that the interaction will have."""
    task: Task
    time: float
    """When it came, in seconds since 1970."""
    text: str
    history: tuple[tuple[str, str], ...] = ()
    """Earlier messages as (role, content), oldest first."""
    episode: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    max_tokens: int = 64
    temperature: float = 0.0
    config: str = ""
    """Hash of the configuration in force."""


def interaction(asked: Asked, reply: Reply, *, version: str, probability: float, latency_ms: float) -> Interaction:
    """The row of a reply that the user got."""
    return Interaction(
        id=asked.id,
        task=asked.task.name,
        time=asked.time,
        text=asked.text,
        reply=asked.task.said(reply.text, reply.confidence),
        version=version,
        episode=asked.episode,
        probability=probability,
        confidence=reply.confidence,
        entropy=reply.entropy,
        prompt_tokens=reply.prompt_tokens,
        reply_tokens=reply.reply_tokens,
        latency_ms=latency_ms,
        tags=asked.tags,
        embedding=reply.embedding,
        config=asked.config,
        disagreement=reply.disagreement,
    )


def unanswered(asked: Asked, *, version: str, probability: float, latency_ms: float) -> Interaction:
    """The row of a request that a version could not answer, and that nobody answered in its place."""
    nothing = Reply(text="", confidence=0.0, entropy=0.0, prompt_tokens=0, reply_tokens=0, embedding=b"")
    row = interaction(asked, nothing, version=version, probability=probability, latency_ms=latency_ms)
    return replace(row, reply="", role=Role.FAILED)


def shadow(asked: Asked, reply: Reply, *, version: str, latency_ms: float) -> Interaction:
    """The row of a copy of the same request that another version answered; its id comes out the same every time."""
    primary = interaction(asked, reply, version=version, probability=1.0, latency_ms=latency_ms)
    return replace(primary, id=ids.derived("int", asked.id, version), role=Role.SHADOW, of=asked.id)

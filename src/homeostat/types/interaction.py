"""An interaction: one request and its reply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """The part an interaction plays in a release."""

    PRIMARY = "primary"
    """The user got this reply."""
    SHADOW = "shadow"
    """A copy of the request, answered by a candidate; nobody got this reply."""
    FAILED = "failed"
    """The version could not answer, and the user got an error: there is no reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One request and its reply, with the version that answered and how sure it was."""

    id: str
    task: str
    time: float
    """When the request came, in seconds since 1970."""
    text: str
    """What the user said: the content of the last user message."""
    reply: str
    version: str
    """Id of the version that answered."""
    role: Role = Role.PRIMARY
    of: str = ""
    """For a shadow interaction, the id of the primary one it copies."""
    episode: str = ""
    """Id of the piece of work it belongs to; routing is sticky per episode."""
    probability: float = 1.0
    """With which probability routing picked this version."""
    confidence: float = 0.0
    """Label task: probability of the label replied. Text task: exp of the reply tokens' mean log-probability."""
    entropy: float = 0.0
    """Label task: entropy over the labels, in nats. Text task: mean entropy over the reply's tokens."""
    prompt_tokens: int = 0
    reply_tokens: int = 0
    latency_ms: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)
    """What the request itself carried (segment, language, …); slices are named by them."""
    embedding: bytes = b""
    """float16[hidden]: the served model's mean hidden state over the prompt's tokens, or empty. Where another embedding
    backend is in force, rows that are read with it have its vector here instead; the log keeps the state."""
    config: str = ""
    """Hash of the configuration in force."""
    disagreement: float = 0.0
    """How far the members of an ensemble disagree about it, in nats; 0 where all say the same, or one answers alone."""

"""Messages by what their writer wants, and pairs of texts about one thing: what the *sense* stage learns from.

A line of `intents/*.txt` that begins with `#` names an intent, the lines below it are messages with it, each written
for this project. Situations of the dialogues count as intents too: their wordings are messages, their replies replies.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import corpus
from dialogues.generate import exchange, roughen, situations

HERE = Path(__file__).resolve().parent / "intents"
ASKS = (
    "Name what the writer wants.",
    "Which intent has this message?",
    "Route the message.",
    "What is this about?",
    "Classify the text.",
    "Say in a few words what is asked for.",
    "Pick the right queue for this request.",
    "Label the message.",
)
"""Instructions under which an intent is named."""


@dataclass(frozen=True, slots=True)
class Row:
    """A message, the reply to it, and the number of its intent."""

    system: str
    user: str
    reply: str
    intent: int


@dataclass(frozen=True, slots=True)
class Intent:
    """What some messages have in common, in words."""

    name: str
    messages: tuple[str, ...]


def intents(folder: Path = HERE) -> tuple[Intent, ...]:
    """All intents of all files, in file-name order."""
    found: list[Intent] = []
    for path in sorted(folder.glob("*.txt")):
        name, messages = "", []
        for line in [*path.read_text(encoding="utf-8").splitlines(), "# "]:
            if line.startswith("#"):
                if messages:
                    found.append(Intent(name, tuple(messages)))
                name, messages = line.lstrip("# ").strip(), []
            elif line.strip():
                messages.append(line.strip())
    return tuple(found)


class Messages:
    """Draws rows: from the written intents, and from the situations of the dialogues."""

    def __init__(self, *, keep_out: int = 0) -> None:
        """Args: keep_out: messages at the end of each written intent that are never drawn."""
        known = intents()
        self.written = [Intent(i.name, i.messages[: len(i.messages) - keep_out]) for i in known]
        self.kept_out = [
            (k, text) for k, i in enumerate(known) for text in (i.messages[-keep_out:] if keep_out else ())
        ]
        self.situations = situations()

    def __len__(self) -> int:
        return len(self.written) + len(self.situations)

    def draw(self, rng: random.Random) -> Row:
        """A message of a random intent, roughened as people type."""
        k = rng.randrange(len(self))
        if k < len(self.written):
            intent = self.written[k]
            message = rng.choice(intent.messages)
            user = roughen(message, rng) if rng.random() < 0.6 else message
            return Row(rng.choice(ASKS), user, intent.name, k)
        user, reply = exchange(self.situations[k - len(self.written)], rng)
        return Row("", user, reply, k)


def pairs(data: Path) -> list[tuple[Sequence[str], Sequence[str]]]:
    """Titles with the sentences of their abstracts, and passages of a book in two halves."""
    found: list[tuple[Sequence[str], Sequence[str]]] = []
    for title, abstract in corpus.abstracts(data):
        sentences = [s for s in abstract.split(". ") if len(s) > 40]
        if sentences:
            found.append(((title,), sentences))
    found += list(_halves(corpus.books(data)))
    return found


def _halves(pieces: Iterator[str]) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """The sentences of each passage, dealt out to two sides."""
    for piece in pieces:
        for paragraph in piece.split("\n"):
            sentences = [s for s in paragraph.split(". ") if 40 < len(s) < 300]
            if len(sentences) >= 4:
                yield sentences[::2], sentences[1::2]

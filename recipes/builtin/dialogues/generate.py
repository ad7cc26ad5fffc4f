"""Endless everyday-assistant dialogues, sampled from the hand-written TOPIC.yaml files here.

A topic file is a list of situations.  Each has ``ask`` and ``answer`` (text blocks, one pattern
a line, with ``{slot}`` places) and optionally ``slots`` (slot name -> list of values, or the name
of a list in ``_shared.yaml``).  A slot that is not declared takes the shared list of its own name;
digits at its end are ignored (``{city2}`` is a second city).
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
SLOT = re.compile(r"\{(\w+)\}")
ARTICLE = re.compile(r"\b([Aa]) (?=[aeiouAEIOU](?!ni[tqcv]|se|uro|ne\b|uca|tility))")

PREFIXES = (
    "hey,",
    "hi,",
    "hello,",
    "ok,",
    "okay so",
    "please",
    "um,",
    "sorry,",
    "excuse me,",
    "well,",
    "hey there,",
    "quick one,",
    "listen,",
    "alright,",
    "good morning,",
    "yo,",
    "and",
    "so,",
    "now",
    "one more thing,",
    "right,",
    "hi there,",
    "also,",
    "oh,",
    "good evening,",
)
SUFFIXES = (
    " please",
    ", thanks",
    " asap",
    ", please",
    " thanks",
    ", I'm in a hurry",
    ", thank you",
    " pls",
    " right now",
    ", will you",
    " if possible",
    ", it's urgent",
    " real quick",
    ", come on",
)
CLOSINGS = (
    "Anything else?",
    "Let me know if you need more.",
    "Is there anything else?",
    "Just ask.",
    "Happy to help.",
    "Tell me if that is wrong.",
    "What else can I do?",
    "I hope that helps.",
)


@dataclass(frozen=True)
class Situation:
    """One kind of request: its wordings, its replies and the values of its slots."""

    topic: str
    asks: tuple[str, ...]
    answers: tuple[str, ...]
    slots: dict[str, tuple[str, ...]]


def _lines(block: str) -> tuple[str, ...]:
    """The non-empty lines of a text block."""
    return tuple(line.strip() for line in block.splitlines() if line.strip())


def _situation(topic: str, raw: dict, shared: dict[str, list[str]]) -> Situation:
    """Build one situation and resolve every slot it uses; an unknown slot is an error."""
    asks, answers = _lines(raw["ask"]), _lines(raw["answer"])
    declared = raw.get("slots") or {}
    slots: dict[str, tuple[str, ...]] = {}
    for name in SLOT.findall("\n".join(asks + answers)):
        base = name.rstrip("0123456789")
        values = declared.get(name, declared.get(base, base))
        if isinstance(values, str):
            if values not in shared:
                raise ValueError(f"{topic}: no values for slot {name!r} in {asks[0]!r}")
            values = shared[values]
        slots[name] = tuple(values)
    return Situation(topic, asks, answers, slots)


@cache
def situations(folder: Path = HERE) -> tuple[Situation, ...]:
    """All situations of all topic files, in file-name order."""

    def read(path: Path) -> Any:
        # BaseLoader keeps every scalar a string ("on", "12:30", "no").
        return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)

    shared = read(folder / "_shared.yaml")
    return tuple(_situation(path.stem, raw, shared) for path in sorted(folder.glob("[!_]*.yaml")) for raw in read(path))


def _fill(pattern: str, values: dict[str, str]) -> str:
    """Put the slot values into a pattern, mend "a apple" and start with a capital."""
    text = ARTICLE.sub(r"\1n ", SLOT.sub(lambda m: values[m[1]], pattern))
    return text[:1].upper() + text[1:]


def _typo(text: str, rng: random.Random) -> str:
    """Swap, drop or double one letter inside one longer word."""
    words = text.split(" ")
    places = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    if not places:
        return text
    at = rng.choice(places)
    word, i = words[at], rng.randrange(1, len(words[at]) - 1)
    swapped = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    words[at] = rng.choice((swapped, word[:i] + word[i + 1 :], word[: i + 1] + word[i:]))
    return " ".join(words)


def roughen(text: str, rng: random.Random) -> str:
    """Make a clean request look like what people type or say."""
    if rng.random() < 0.12:
        head = text if text[:2] in ("I ", "I'") else text[:1].lower() + text[1:]
        text = f"{rng.choice(PREFIXES)} {head}"
    if rng.random() < 0.10:
        text = f"{text.rstrip('?.')}{rng.choice(SUFFIXES)}"
    if rng.random() < 0.07:
        text = _typo(text, rng)
    if rng.random() < 0.45:
        text = re.sub(r"[?!,.](?= |$)", "", text)
        if rng.random() < 0.2:
            text = text.replace("'", "")
    elif text[-1].isalnum() and rng.random() < 0.5:
        text += "."
    if rng.random() < 0.45:
        text = text.lower()
    return text


def exchange(situation: Situation, rng: random.Random) -> tuple[str, str]:
    """A request in this situation and a reply to it."""
    ask = rng.choice(situation.asks)
    known = set(SLOT.findall(ask))
    open_ended = set(situation.slots) - set(SLOT.findall(" ".join(situation.asks)))
    # Prefer replies that restate what this wording said, and nothing that it did not say.
    fitting = [a for a in situation.answers if set(SLOT.findall(a)) <= known | open_ended]
    best = max((len(known & set(SLOT.findall(a))) for a in fitting), default=0)
    closest = [a for a in fitting if len(known & set(SLOT.findall(a))) == best]
    answer = rng.choice(closest or situation.answers)
    values = {name: rng.choice(options) for name, options in situation.slots.items()}
    reply = _fill(answer, values)
    if len(reply.split()) < 6:
        reply = f"{reply} {rng.choice(CLOSINGS)}"
    return roughen(_fill(ask, values), rng), reply


def dialogues(seed: int, count: int) -> Iterator[tuple[str, str]]:
    """Yield ``count`` (user text, assistant text) pairs; the same seed gives the same pairs."""
    rng = random.Random(seed)
    pool = situations()
    for _ in range(count):
        yield exchange(rng.choice(pool), rng)


if __name__ == "__main__":
    for user, assistant in dialogues(seed=int(sys.argv[1]), count=int(sys.argv[2])):
        print(f"{user}\t{assistant}")

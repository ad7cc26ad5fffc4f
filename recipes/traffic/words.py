"""The hand-written material: seeds, and the lists of words.yaml and topics.yaml that they are varied with."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

BOUND = r"(?<![\w'{{]){}(?![\w'}}-])"
KEEP_CAPITAL = re.compile(r"^(I\b|[A-Z]{2}|Sprout|Canopy|Aqua|Brightwick|LED|GDPR|\{)")
VOWEL = re.compile(r"[aeiou]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Seed:
    """One hand-written message. `id` is family and line number; `era` is `any` or `late`."""

    id: str
    family: str
    text: str
    register: str
    era: str


@dataclass(frozen=True, slots=True)
class Swap:
    """One replacement that keeps the meaning: wherever `pattern` stands, `new` may stand."""

    pattern: re.Pattern[str]
    new: str

    def made(self, text: str) -> str:
        """The text with every fitting place replaced."""
        return self.pattern.sub(self._put, text)

    def _put(self, match: re.Match[str]) -> str:
        """The new words with the case of the old ones, and an article before them mended."""
        old, article, new = match["old"], match["article"] or "", self.new
        if len(old) > 1 and old.isupper():
            new = new.upper()
        elif old[0].isupper():
            new = capitalized(new)
        if article and bool(VOWEL.match(old)) != bool(VOWEL.match(new)):
            article = article[0] + ("n " if VOWEL.match(new) else " ")
        return article + new


class Words:
    """The lists of words.yaml and topics.yaml: frames by style, swaps, values of the slots, topics by family."""

    def __init__(self, folder: Path) -> None:
        # BaseLoader keeps every scalar a string ("no", "12.90").
        raw = yaml.load((folder / "words.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        topics = yaml.load((folder / "topics.yaml").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
        self.topics: dict[str, dict[str, list[str]]] = {
            family: {wording: listed.split("; ") for wording, listed in both.items()} for family, both in topics.items()
        }
        frames = {part: {style: _lines(block) for style, block in raw[part].items()} for part in
                  ("openers", "closers", "asides")}  # fmt: skip
        self.openers, self.closers, self.asides = frames["openers"], frames["closers"], frames["asides"]
        self.emojis: list[str] = raw["emojis"].split()
        self.lead_ins = _lines(raw["lead_ins"])
        self.synonyms = _swaps(raw["synonyms"])
        self.contractions = _swaps(raw["contractions"])
        self.chat, self.rebrand, self.late = (_swaps(raw[part]) for part in ("chat", "rebrand", "late"))
        self.names, self.cities, self.plants = (_lines(raw[part]) for part in ("names", "cities", "plants"))
        self.small_amounts: list[str] = raw["small_amounts"].split()
        self.large_amounts: list[str] = raw["large_amounts"].split()


def _lines(block: str) -> list[str]:
    """The non-empty lines of a text block."""
    return [line.strip() for line in block.splitlines() if line.strip()]


def _swaps(block: str) -> list[Swap]:
    """The replacements that `a > b` and `a = b` (both ways) stand for."""
    found = []
    for line in _lines(block):
        old, sign, new = re.split(r" ([>=]) ", line)
        for a, b in ((old, new), (new, old))[: 1 + (sign == "=")]:
            # An article before the old word is caught too, so that it can follow the new word.
            pattern = r"(?P<article>\ban? )?" + BOUND.format("(?P<old>" + re.escape(a) + ")")
            found.append(Swap(re.compile(pattern, re.IGNORECASE), b))
    return found


def capitalized(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def uncapitalized(text: str) -> str:
    """The text with its first letter in lower case, unless it is a name, an abbreviation or the word I."""
    return text if KEEP_CAPITAL.match(text) else text[:1].lower() + text[1:]


def read_seeds(folder: Path) -> list[Seed]:
    """All hand-written messages, family by family."""
    return [
        Seed(f"{path.stem}/{number}", path.stem, row["text"], row["register"], row["era"])
        for path in sorted(folder.glob("*.jsonl"))
        for number, row in enumerate(map(json.loads, path.read_text(encoding="utf-8").splitlines()), start=1)
    ]


def tokens(text: str) -> set[str]:
    """The lower-case words of a text."""
    return set(re.findall(r"[a-z']+", text.lower()))


def telling_words(seeds: Sequence[Seed]) -> dict[str, frozenset[str]]:
    """For each family, the words that stand in three or more of its seeds, and rarely in those of other families."""
    everywhere = Counter(word for seed in seeds for word in tokens(seed.text))
    families: dict[str, Counter[str]] = {}
    for seed in seeds:
        families.setdefault(seed.family, Counter()).update(tokens(seed.text))
    return {
        family: frozenset(word for word, n in counts.items() if n >= 3 and n >= 0.3 * everywhere[word])
        for family, counts in families.items()
    }

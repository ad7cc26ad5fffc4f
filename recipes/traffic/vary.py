"""One message out of one hand-written seed: other words, another frame, another hand at the keyboard, the same meaning.

`Author(words, telling, rng)` writes. It knows nothing about dates, counts or splits.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from words import Seed, Swap, Words, capitalized, tokens, uncapitalized

SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"{])")
CLAUSE = re.compile(r"(?<=[.!?])\s+|[,;:]\s+|\s+(?=(?:because|although|so that|since|but)\s)")
OWN_DEED = re.compile(
    r"I (would|want|need|have|had|wish|paid|bought|forgot|moved|read|signed|gave|sent|ordered|placed)\b"
)
POINTING = re.compile(r"\b(him|her|it|them|that|those|theirs|there)\b", re.IGNORECASE)
LEANING = re.compile(r"(but|because|although|since|so|which|who|and|or|then|nor|yet)\b", re.IGNORECASE)
ANAPHORA = re.compile(
    r"^(it|its|it's|that|that's|this|these|they|them|he|she|his|her|but|and|so|or|then|instead|otherwise|however|one|"
    r"yours|kind|with kind|regards|respectfully|many|thank|thanks|please|is|was|what|why|how|where|when|who|because|as|"
    r"again|now|there|nobody|not|only|even|also|since|dear|hello|hi|hey|good|the same|both|until|here|come on|wow)\b",
    re.IGNORECASE,
)
GREETED = re.compile(
    r"^(dear|hello|hi+|hey+|hiya|yo|good (day|morning|afternoon|evening)|um|ok|okay|so+|yeah|uh|listen|look|sorry|"
    r"thank|\{name\}|a short|quick)\b",
    re.IGNORECASE,
)
SIGNED = re.compile(
    r"(regards|yours|thanks|thank you|thx|ty|cheers|bye+|in advance|help|pls|plz|please|\{name\})\W*(\{name\})?\W*$",
    re.IGNORECASE,
)
SLOT = re.compile(r"\{(\w+)\}")
NEIGHBORS = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "k": "jl",
    "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "r": "et", "s": "ad", "t": "ry", "u": "yi", "v": "cb",
    "w": "qe", "y": "tu",
}  # fmt: skip
TYPOS_PER_MESSAGE = {"formal": 0.05, "plain": 0.22, "upset": 0.28, "casual": 0.36}
TOPIC_SHARE = {"email": 0.75, "web": 0.75, "chat": 0.6, "voice": 0.6}
"""How many of the messages of a channel say what they are about first, in a subject line or when asked."""


def style_of(seed: Seed, channel: str, late: bool) -> str:
    """Which frames and habits fit: those of the chat and voice line in late wording, else those of the register."""
    if not late or seed.register == "formal":
        return seed.register
    if channel in ("chat", "voice"):
        return channel
    return "chat" if seed.era == "late" and seed.register != "plain" else seed.register


class Author:
    """Writes variations of seeds; every choice comes from `rng`, so that the same seed value writes the same year."""

    def __init__(self, words: Words, telling: Mapping[str, frozenset[str]], rng: random.Random) -> None:
        self.words, self.telling, self.rng = words, telling, rng

    def write(self, seed: Seed, channel: str, late: bool, values: dict[str, str], effort: int = 0) -> str:
        """One message. `late` asks for the wording after the rebranding; `effort` > 0 asks for more changes."""
        text = self.structure(seed)
        text = self.swap(text, self.words.synonyms, self.rng.choice((0, 1, 1, 2, 3)) + effort)
        if "?" not in text:
            text = self.swap(text, self.words.contractions, self.rng.choice((0, 0, 1)))
        if late and seed.era == "any":
            text = self.swap(text, self.words.late, self.rng.choice((1, 2, 3)))
        if late:
            text = self.swap(text, self.words.rebrand, 99)
        style = style_of(seed, channel, late)
        topic = self.topic(seed.family, late) if self.rng.random() < TOPIC_SHARE[channel] else ""
        if topic and style in ("chat", "voice"):
            text = self.announced(text, topic, style, mail=False)
        text = self.frame(text, "glad" if seed.family == "praise_feedback" else style, effort)
        if topic and style not in ("chat", "voice"):
            text = self.announced(text, topic, style, mail=channel in ("email", "web"))
        text = SLOT.sub(lambda slot: values[slot[1]], text)
        text = re.sub(r"(?<!\.)\.\.(?!\.)", ".", text)  # a date may end with the full stop of its sentence
        text = self.styled(text, seed.register, style)
        return self.mistyped(text, seed.register) if style != "voice" else text

    def structure(self, seed: Seed) -> str:
        """Sometimes a fragment of the seed's text, or without its lead-in, or one of two sentences before the other."""
        text = seed.text
        if self.rng.random() < 0.12:
            text = self.fragment(text, self.telling[seed.family])
        if seed.register != "upset" and self.rng.random() < 0.3:
            text = self.shortened(text, seed.register)
        parts = SENTENCE.split(text)
        if len(parts) == 2 and self.rng.random() < 0.4 and not any(ANAPHORA.match(part) for part in parts):
            text = text if POINTING.search(parts[1]) else " ".join(reversed(parts))
        return text

    def fragment(self, text: str, telling: frozenset[str]) -> str:
        """The clause of the text that says most about its family, if it says enough; else the whole text."""
        clauses = [part.strip(" ,;:") for part in CLAUSE.split(text) if not LEANING.match(part)]
        best = max(clauses, key=lambda clause: len(telling & tokens(clause)), default="")
        return best if len(telling & tokens(best)) >= 2 and len(best.split()) >= 4 and best.count('"') != 1 else text

    def shortened(self, text: str, register: str) -> str:
        """The text without its lead-in ("I would like to know where …" becomes "Where …") or its first "I"."""
        for lead in self.words.lead_ins:
            if text.startswith(lead + " ") and len(text) > len(lead) + 20:
                rest = text[len(lead) + 1 :]
                return text if rest.startswith(("if ", "whether ", "be ", "that ")) else capitalized(rest)
        return capitalized(text[2:]) if register != "formal" and OWN_DEED.match(text) else text

    def swap(self, text: str, swaps: Sequence[Swap], most: int) -> str:
        """The text with up to `most` of the swaps made, drawn among those that fit."""
        fitting = [swap for swap in swaps if swap.pattern.search(text)] if most > 0 else []
        if most < len(fitting):
            fitting = self.rng.sample(fitting, most)
        for swap in fitting:
            text = swap.made(text)
        return text

    def topic(self, family: str, late: bool) -> str:
        """What the message is about, in few words."""
        wording = "late" if late and self.rng.random() < 0.8 else "early"
        topic = self.rng.choice(self.words.topics[family][wording])
        return self.swap(topic, self.words.rebrand, 99) if late else topic

    def announced(self, text: str, topic: str, style: str, mail: bool) -> str:
        """The text after its topic: below a subject line, or after a word to the chat or voice line."""
        if style == "voice":
            lead = self.rng.choice(("it is about", "it concerns", "um about", ""))
            return f"{lead} {topic} {uncapitalized(text)}".strip()
        if style == "chat":
            return self.rng.choice(
                (f"{topic}. {text}", f"{topic} - {text}", f"about {topic}, {text}", f"{text} ({topic})")
            )
        if style == "casual":
            return self.rng.choice((f"{topic}: {text}", f"{topic}... {text}", f"{topic} - {text}", f"{text} ({topic})"))
        lead = self.rng.choice(("", "", "", "Subject: ", "Re: ")) if mail else ""
        mark = self.rng.choice((".", " -") if lead else (":", ".", " -"))
        return f"{lead}{capitalized(topic)}{mark} {text}"

    def frame(self, text: str, style: str, effort: int) -> str:
        """The text with, now and then, a greeting before it, an idle remark in it and a farewell after it."""
        likely = 1.0 + 0.5 * effort
        words, rng = self.words, self.rng
        if rng.random() < 0.1 * likely:
            text = self.joined(text, self.fitting(words.asides[style], text), style)
        if rng.random() < 0.3 * likely and not GREETED.match(text):
            opener = self.fitting(words.openers[style], text)
            text = f"{opener} {text if opener[-1] in '.!?' else uncapitalized(text)}"
        if rng.random() < 0.3 * likely and not SIGNED.search(text):
            text = self.joined(text, self.fitting(words.closers[style], text), style)
        return text

    def fitting(self, frames: Sequence[str], text: str) -> str:
        """One of the frames, none that would name a person or a town a second time."""
        return self.rng.choice([frame for frame in frames if not set(SLOT.findall(frame)) & set(SLOT.findall(text))])

    def joined(self, text: str, addition: str, style: str) -> str:
        """The text and then the addition, with a full stop between them where the style has such things."""
        if style in ("voice", "chat"):
            return f"{text} {addition}"
        return f"{text} {addition}" if text[-1] in ".!?…" else f"{text}{', ' if style == 'casual' else '. '}{addition}"

    def styled(self, text: str, register: str, style: str) -> str:
        """Case, punctuation, abbreviations and emojis as the register and the channel have them."""
        rng = self.rng
        if style == "voice":
            text = re.sub(r"[.,!?;:\"]+(?=\s|$)|\"", "", text)
            text = text.lower() if rng.random() < 0.5 else uncapitalized(text)
            return text if rng.random() < 0.6 or re.search(r"\bu[mh]\b", text) else self.stuttered(text)
        if style == "chat" or (register == "casual" and rng.random() < 0.5):
            text = self.swap(text, self.words.chat, rng.choice((0, 1, 2, 3)))
            text = text.lower() if register != "upset" or rng.random() < 0.6 else text
            text = re.sub(r"[.,;](?=\s|$)" if rng.random() < 0.6 else r"\.$", "", text)
        if register in ("casual", "upset") and rng.random() < 0.2:
            text = re.sub(r"[!?]$", lambda mark: mark[0] * rng.choice((2, 3)), text)
        if register == "upset" and style != "chat" and rng.random() < 0.15:
            text = self.shouted(text)
        if register == "plain" and rng.random() < 0.25:
            text = rng.choice((uncapitalized(text), re.sub(r"\.$", "", text), text.replace(",", "")))
        if register == "casual" and rng.random() < 0.18:
            text = f"{text} {rng.choice(self.words.emojis)}"
        return text

    def stuttered(self, text: str) -> str:
        """The text with one "um" or the like between two of its words, as a transcript of speech has them."""
        words = text.split()
        words.insert(self.rng.randint(1, max(1, len(words) - 1)), self.rng.choice(("um", "uh", "like", "you know")))
        return " ".join(words)

    def shouted(self, text: str) -> str:
        """The text with one of its longer words in capitals."""
        words = text.split(" ")
        places = [n for n, word in enumerate(words) if len(word) > 3 and word.isalpha() and word.islower()]
        if places:
            place = self.rng.choice(places)
            words[place] = words[place].upper()
        return " ".join(words)

    def mistyped(self, text: str, register: str) -> str:
        """The text with a slip of the finger or two, in words of five letters and more."""
        if self.rng.random() >= TYPOS_PER_MESSAGE[register]:
            return text
        words = text.split(" ")
        places = [n for n, word in enumerate(words) if len(word) > 4 and word.isalpha()]
        for place in self.rng.sample(places, min(len(places), self.rng.choice((1, 1, 1, 2)))):
            words[place] = self.slip(words[place])
        return " ".join(words)

    def slip(self, word: str) -> str:
        """The word with two letters swapped, or one dropped, doubled or replaced by its neighbor on the keyboard."""
        at = self.rng.randint(1, len(word) - 2)
        kind = self.rng.choice(("swap", "swap", "drop", "drop", "double", "neighbor"))
        if kind == "swap":
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        if kind == "drop":
            return word[:at] + word[at + 1 :]
        if kind == "double":
            return word[:at] + word[at] + word[at:]
        return word[:at] + self.rng.choice(NEIGHBORS.get(word[at], word[at])) + word[at + 1 :]

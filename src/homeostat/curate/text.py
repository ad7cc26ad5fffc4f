"""One text at a time: repaired encoding, tidy spaces, and the key under which two spellings are the same text."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CP1252 = "€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_NEXT = f"[\x80-\xbf{_CP1252}]"  # a byte that continues a UTF-8 character, as Windows-1252 shows it
_NO_QUOTE = f"(?![«»“”‘’]){_NEXT}"  # „LÄ“ is a quoted word, not a broken one
_MISREAD = re.compile(f"[ÂÃ]{_NEXT}|[ÄÅ]{_NO_QUOTE}|â[€‚„]{_NEXT}|ðŸ{_NEXT}{{2}}|ï»¿|(?:[ÐÑ]{_NEXT}){{3,}}")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_PUNCTUATION = dict.fromkeys(map(ord, ".,;:!?…\"'`“”‘’()[]¿¡"), " ")
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_MANY_BREAKS = re.compile(r"\n{3,}")


def tidy(text: str) -> str:
    """The text as somebody meant to type it: encoding repaired, no control characters, single spaces, NFC.

    Line breaks stay, at most two in a row. What is tidy stays as it is.
    """
    while (better := _tidied(text)) != text:
        text = better
    return text


def _tidied(text: str) -> str:
    text = _visible(repaired(unicodedata.normalize("NFC", text)))
    lines = (" ".join(line.split()) for line in _BREAK.split(text))
    return _MANY_BREAKS.sub("\n\n", "\n".join(lines)).strip()


def repaired(text: str) -> str:
    """The text with UTF-8 that was read as Windows-1252 (`donâ€™t`, `cafÃ©`) read as UTF-8 again.

    Only the pairs and triples that Western, Central European and Cyrillic letters, typographic marks and emoji turn
    into; any of these could be meant as it stands, but hardly ever is (`São`, `naïve` and `„MENÜ“` are left alone).
    """
    return _MISREAD.sub(lambda run: bytes(map(_byte, run.group())).decode("utf-8"), text)


def _byte(character: str) -> int:
    """The byte that Windows-1252 shows as this character; the five bytes it leaves undefined come as themselves."""
    return character.encode("cp1252" if character in _CP1252 else "latin-1")[0]


def _visible(text: str) -> str:
    """Without control characters, lone surrogates (which no UTF-8 file can hold) and invisible marks."""
    text = text.translate(_INVISIBLE)
    if text.isprintable():
        return text
    return "".join(c for c in text if c.isspace() or unicodedata.category(c) not in ("Cc", "Cs"))


@lru_cache(maxsize=1 << 15)
def key(text: str) -> str:
    """What stays of a text when case, spaces, width and sentence punctuation do not count; empty only for blanks.

    Two texts with the same key are the same text to every step that compares texts. Remembered for the last 32,768
    texts, because each step asks again.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", tidy(text)).casefold())
    return " ".join(folded.translate(_PUNCTUATION).split()) or " ".join(folded.split())

"""Finds texts in bytes, however many they are and whatever they are written as: one pass over the bytes for all.

A text may lie in a file as UTF-8, as UTF-16, with the escapes of JSON (once, or twice where JSON stands in JSON), of
HTML or of an address. Two tables say where one may begin, by its first three bytes and then by its first eight; what is
left is compared byte by byte, so that nothing is found that is not there.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

import numpy as np
from numpy.typing import NDArray

LEAST = 8
"""Bytes of a text below which it is not looked for: shorter ones are found everywhere by chance."""
PIECE = 64
"""Bytes of a piece: a longer text may lie in pieces, on several pages of a database's file."""
AT_ONCE = 1 << 22
"""Bytes that are looked through at once."""


@dataclass(slots=True)
class Needles:
    """What is looked for. Empty where every text is too short."""

    texts: tuple[str, ...]
    """Those that are long enough, in order."""
    longest: int = 0
    """Bytes of the longest thing that is compared."""
    _begins: dict[bytes, list[tuple[bytes, int]]] = field(default_factory=dict)
    """First eight bytes -> what may go on so, each with the number of its text."""
    _three: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    _eight: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))

    @staticmethod
    def of(texts: Iterable[str], *, pieces: bool = False) -> Needles:
        """These texts, white space around them left out; with `pieces` each piece of a long one counts as it too."""
        known = sorted({text.strip() for text in texts})
        made = Needles(tuple(text for text in known if len(_utf8(text)) >= LEAST))
        for number, text in enumerate(made.texts):
            for written in spellings(text):
                for part in {written, *_parts(written)} if pieces else (written,):
                    made._begins.setdefault(part[:LEAST], []).append((part, number))
                    made.longest = max(made.longest, len(part))
        made._index()
        return made

    def but_for(self, texts: Iterable[str]) -> Needles:
        """The same without the pieces that stand in other texts: those are everybody's. Whole texts are looked for."""
        common: set[bytes] = set()
        for text in texts:
            for way in {text, json.dumps(text), json.dumps(text, ensure_ascii=False)}:
                common.update(part for part, _ in self._in(_utf8(way)) if len(part) <= PIECE)
        begins = {key: [one for one in some if not self._is_piece(*one, common)] for key, some in self._begins.items()}
        left = Needles(self.texts, self.longest, {key: some for key, some in begins.items() if some})
        left._index()
        return left

    def _is_piece(self, part: bytes, number: int, common: set[bytes]) -> bool:
        return part in common and part not in spellings(self.texts[number])

    def _index(self) -> None:
        if self._begins:
            starts = np.frombuffer(b"".join(sorted(self._begins)), np.uint8).reshape(-1, LEAST)
            self._eight = np.sort(starts.copy().view(np.uint64).ravel())
            self._three = np.zeros(1 << 24, bool)
            self._three[_threes(starts)] = True

    def __bool__(self) -> bool:
        return bool(self.texts)

    def in_text(self, text: str) -> bool:
        """Whether one of them is in a text."""
        return bool(self) and bool(self.found([_utf8(text)]))

    def found(self, chunks: Iterable[bytes]) -> set[str]:
        """Those that are in these bytes, which come in chunks of any length."""
        there: set[int] = set()
        rest = b""
        for chunk in _pieces_of(chunks):
            whole = rest + chunk
            there.update(number for _, number in self._in(whole))
            rest = whole[-(self.longest - 1) :] if self.longest > 1 else b""
        return {self.texts[number] for number in there}

    def _in(self, content: bytes) -> Iterator[tuple[bytes, int]]:
        """(what is there, number of its text)."""
        if len(content) < LEAST or not self._begins:
            return
        raw = np.frombuffer(content, np.uint8)
        windows = np.lib.stride_tricks.sliding_window_view(raw, LEAST)
        maybe = np.flatnonzero(self._three[_threes(windows)])
        if not len(maybe):
            return
        keys = np.ascontiguousarray(windows[maybe]).view(np.uint64).ravel()
        places = np.minimum(np.searchsorted(self._eight, keys), len(self._eight) - 1)
        for at in maybe[self._eight[places] == keys].tolist():
            for part, number in self._begins[content[at : at + LEAST]]:
                if content.startswith(part, at):
                    yield part, number


def spellings(text: str) -> set[bytes]:
    """The bytes that a text may be written as in a file."""
    escaped = json.dumps(text)[1:-1]
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    ways = {text, escaped, plain, json.dumps(escaped)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1]}
    ways |= {html.escape(text), html.escape(text, quote=False), html.escape(text).replace("&#x27;", "&#39;")}
    ways |= {quote(text, errors="surrogatepass"), quote_plus(text, errors="surrogatepass")}
    found = {_utf8(way) for way in ways}
    return found | {text.encode(wide, "surrogatepass") for wide in ("utf-16-le", "utf-16-be")}


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _parts(written: bytes) -> Iterator[bytes]:
    """Pieces that cover what is written; the last one ends where it ends."""
    for start in range(0, max(1, len(written) - PIECE + 1), PIECE):
        yield written[start : start + PIECE]
    if len(written) > PIECE and len(written) % PIECE:
        yield written[-PIECE:]


def _threes(windows: NDArray[np.uint8]) -> NDArray[np.int32]:
    """int[n] in [0, 2^24): the first three bytes of uint8[n, 8]."""
    first, second, third = (windows[:, k].astype(np.int32) for k in range(3))
    return first | second << 8 | third << 16


def _pieces_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), AT_ONCE):
            yield chunk[start : start + AT_ONCE]

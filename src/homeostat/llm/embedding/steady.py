"""Holds that a backend goes on giving the vectors that it gave: distances between those of two mean nothing.

A few sentences are kept with their vectors, the prints. Every batch that is asked for has one of them in it, so that a
server which answers with another model under the same name is seen at once, and not one vector of the batch is used.
What is kept is not a name: a model that was moved to another folder is still the same, and a model that was exchanged
in its folder is not.
"""

from __future__ import annotations

import hashlib

import numpy as np

from homeostat.llm.embedding.embedder import WHERE, Changed, Embedder, NoVectors, Vectors

SENTENCES = (
    "My parcel should have come on Monday, and nobody can say where it is.",
    "def area(radius):\n    return 3.14159 * radius ** 2",
    "Please cancel the second order and refund the amount to my card.",
    "In the last war the harbor was destroyed, and rebuilt within nine years.",
    "Kann ich den Termin am Donnerstag auf nächste Woche verschieben?",
    "7 plus 12 minus 4 is 15, but the table says 16.",
    "ok",
    "Le médecin a dit que la douleur passerait avec du repos.",
)
NEAR = 0.1
"""How far a vector may be from the one that is known, in units of how far the known ones lie apart, for the backend to
be the same. Of two models bfloat16 made 0.01 and 0.02, weights in 8 bits 0.02 and 0.04, in 4 bits 0.4 and 0.7."""
ROWS = 63
"""Texts that are asked for beside a sentence."""


class Steady:
    """A backend, and the vectors by which it is known again."""

    def __init__(self, embedder: Embedder, prints: Vectors | None = None) -> None:
        """`prints` are those that are known from before, float[sentences, width]; without them it has yet to be looked
        at (`look`).
        """
        self._embedder, self._turn = embedder, 0
        self.prints = np.zeros((0, 0), np.float32) if prints is None else np.asarray(prints, np.float32)

    @property
    def backend(self) -> str:
        """What it is known by: SHA-256 of its prints; empty before the first look."""
        return hashlib.sha256(packed(self.prints)).hexdigest() if len(self.prints) else ""

    @property
    def width(self) -> int:
        """Numbers of a vector; 0 before the first look."""
        return int(self.prints.shape[1])

    def look(self) -> bool:
        """Whether it still is what it was; if not, it is from now on what it is now.

        Raises:
            NoVectors: it cannot be asked now, or gives the same vector for every sentence.
        """
        now = self._asked(list(SENTENCES))
        if _spread(now) == 0.0:
            raise NoVectors("the backend gives the same vector for every text", where=WHERE, fix="take another one")
        if _apart(self.prints, now, np.arange(len(now))) <= NEAR:
            return True
        # As they are kept, so that whoever knows it again from what was kept calls it the same.
        self.prints = unpacked(packed(now), now.shape[1])
        return False

    def embed(self, texts: list[str]) -> Vectors:
        """float32[texts, width]; all of them of the backend that is known.

        Raises:
            NoVectors: it cannot be asked now.
            Changed: it gives other vectors than it gave: none of these is used, and it has to be looked at anew.
        """
        found = [np.zeros((0, self.width), np.float32)]
        for first in range(0, len(texts), ROWS):
            self._turn = (self._turn + 1) % len(SENTENCES)
            rows = self._asked([SENTENCES[self._turn], *texts[first : first + ROWS]])
            if _apart(self.prints, rows[:1], np.array([self._turn])) > NEAR:
                fix = "nothing: what was normal is learned anew with what it gives now"
                raise Changed("the backend gives other vectors than it did", where=WHERE, fix=fix)
            found.append(rows[1:])
        return np.concatenate(found)

    def _asked(self, texts: list[str]) -> Vectors:
        rows = np.asarray(self._embedder.embed(texts), dtype=np.float32)
        if rows.ndim != 2 or len(rows) != len(texts) or not rows.shape[1] or not np.isfinite(rows).all():
            what = f"the backend gives {rows.shape} for {len(texts)} texts, or what is not finite"
            raise NoVectors(what, where=WHERE, fix="a row of numbers for each text")
        return rows


def packed(vectors: Vectors) -> bytes:
    """Vectors as they are kept, in half precision; what is too large for that is cut off."""
    largest = float(np.finfo(np.float16).max)
    return np.clip(vectors, -largest, largest).astype(np.float16).tobytes()


def unpacked(kept: bytes, width: int) -> Vectors:
    """float32[rows, width]."""
    return np.frombuffer(kept, np.float16).reshape(-1, width).astype(np.float32)


def _spread(prints: Vectors) -> float:
    """Root of the mean squared distance of the sentences' vectors from their middle."""
    return float(np.sqrt(np.square(prints - prints.mean(0)).sum(1).mean()))


def _apart(known: Vectors, now: Vectors, at: np.ndarray) -> float:
    """The largest distance of vectors from those that are known of the same sentences, in units of their spread."""
    if not len(known) or known.shape[1] != now.shape[1]:
        return float("inf")
    gap = np.sqrt(np.square(now - known[at]).sum(1)).max()
    return float(gap) / max(_spread(known), 1e-12)

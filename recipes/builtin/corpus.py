"""Turns the pretraining corpora into flat arrays of token ids, one per source, with a held-out tail.

Reads plain files of a data folder; knows nothing of the model or of training. Every source is public domain, CC0,
CC BY or our own writing; the card of the model names each.
"""

from __future__ import annotations

import gzip
import json
import lzma
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from dialogues.generate import dialogues

END, USER, ASSISTANT = "<|end|>", "<|user|>", "<|assistant|>"
HELD_OUT = 100  # one document in this many is never trained on
TITLE_ASKS = (
    "give this a title: {}",
    "{}\n\nwhat is this about?",
    "name the topic of the following text. {}",
    "summarize in one line: {}",
    "{} - which heading fits?",
)


def chat(user: str, assistant: str) -> str:
    """One exchange in the chat format of the built-in model."""
    return f"{USER}{user}{END}{ASSISTANT}{assistant}{END}"


def unpacked(path: Path) -> str:
    """The text of an xz or gzip file."""
    unpack = gzip.decompress if path.suffix == ".gz" else lzma.decompress
    return unpack(path.read_bytes()).decode()


def abstracts(data: Path) -> Iterator[tuple[str, str]]:
    """(title, abstract) pairs of the arXiv corpus."""
    for block in unpacked(data / "corpus_arxiv_abstracts/arxiv_abstracts.txt.xz").split("\n\n"):
        title, _, abstract = block.strip().partition("\n")
        if abstract:
            yield title.strip(), abstract.strip()


def arxiv(data: Path) -> Iterator[str]:
    """Titles and abstracts as prose."""
    for title, abstract in abstracts(data):
        yield f"{title}\n{abstract}{END}"


def titles(data: Path) -> Iterator[str]:
    """A chat task without labels: the first sentences of an abstract in, its title out."""
    rng = random.Random(0)
    for title, abstract in abstracts(data):
        sentences = abstract.split(". ")
        start = rng.randrange(max(1, len(sentences) - 2))
        extract = ". ".join(sentences[start : start + rng.randint(1, 3)])[:600]
        yield chat(rng.choice(TITLE_ASKS).format(extract), title)


def books(data: Path) -> Iterator[str]:
    """Pieces of about 4,000 characters, cut at paragraph ends, so that a held-out piece is prose never seen."""
    for book in unpacked(data / "corpus_books/books.txt.xz").split("<|book|>"):
        piece: list[str] = []
        size = 0
        for paragraph in book.split("\n\n"):
            piece.append(" ".join(paragraph.split()))
            size += len(paragraph)
            if size > 4000:
                yield "\n".join(piece) + END
                piece, size = [], 0


def small(data: Path) -> Iterator[str]:
    """Speeches, Python's enhancement proposals and Shakespeare."""
    for line in unpacked(data / "speeches_sotu_inaugural/speeches.jsonl.xz").splitlines():
        text = " ".join(json.loads(line)["text"].split())
        for start in range(0, len(text), 4000):
            yield text[start : start + 4000] + END
    for line in unpacked(data / "peps/peps.jsonl.gz").splitlines():
        pep: dict[str, Any] = json.loads(line)
        if pep["abstract"]:
            yield f"{pep['title']}\n{' '.join(pep['abstract'].split())}{END}"
    play = unpacked(data / "corpus_small_texts/tinyshakespeare.txt.xz")
    for start in range(0, len(play), 4000):
        yield play[start : start + 4000] + END


def own_dialogues(data: Path) -> Iterator[str]:
    """Everyday requests and replies written for this project."""
    for user, assistant in dialogues(seed=0, count=150_000):
        yield chat(user, assistant)


SOURCES = {"arxiv": arxiv, "titles": titles, "books": books, "small": small, "dialogues": own_dialogues}


def encode(documents: Iterable[str], tokenizer: Any) -> tuple[np.ndarray, np.ndarray]:
    """Token ids of all documents, as (training, held-out) arrays of uint16[tokens]."""
    train: list[np.ndarray] = []
    held: list[np.ndarray] = []
    batch: list[str] = []

    def flush() -> None:
        for ids in tokenizer.encode_batch(batch, add_special_tokens=False):
            n = len(train) + len(held)
            (held if n % HELD_OUT == HELD_OUT - 1 else train).append(np.array(ids.ids, dtype=np.uint16))
        batch.clear()

    for document in documents:
        batch.append(document)
        if len(batch) == 2000:
            flush()
    flush()
    return np.concatenate(train), np.concatenate(held or [np.zeros(0, np.uint16)])


def load(name: str, data: Path, tokenizer: Any, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """The source's (training, held-out) ids, encoded once and kept in `cache`."""
    files = cache / f"{name}.train.npy", cache / f"{name}.held.npy"
    if not files[0].exists():
        train, held = encode(SOURCES[name](data), tokenizer)
        np.save(files[1], held)
        np.save(files[0], train)
    return np.load(files[0], mmap_mode="r"), np.load(files[1], mmap_mode="r")

"""Makes a pool of requests as a model sees them: confidences and embeddings, with ties and repeated requests.

    python bench/pool.py POOL.npz [--rows 8000] [--seed 0]

Invented, but shaped like support traffic: two dozen topics of very different size, popular requests that come again
word for word, confidences that crowd near 1 and are rounded, and requests between two topics that are both far from
their neighbors and answered with doubt. A pool recorded from a real model has the same two arrays:
`confidence` float[rows] and `embedding` float16[rows, hidden].
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

TOPICS, HIDDEN = 24, 128


def synthetic(rows: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float16]]:
    """Confidences float64[rows] and embeddings float16[rows, 128] of one invented pool."""
    rng = np.random.default_rng(seed)
    distinct = rows * 2 // 3
    centers = rng.normal(size=(TOPICS, HIDDEN))
    popularity = 1 / np.arange(1, TOPICS + 1)
    first, second = rng.choice(TOPICS, size=(2, distinct), p=popularity / popularity.sum())
    doubt = rng.beta(0.6, 5.0, distinct)
    offset = rng.normal(scale=0.4 + doubt[:, None], size=(distinct, HIDDEN))
    embedding = (1 - doubt)[:, None] * centers[first] + doubt[:, None] * centers[second] + offset
    # A handful of dimensions dwarf the others, as in a language model's hidden state.
    embedding[:, :3] = 40 + 5 * embedding[:, :3]
    odds = 6.0 - 9.0 * doubt + rng.normal(scale=1.2, size=distinct)
    confidence = np.round(1 / (1 + np.exp(-odds)), 3)
    # Popular requests come again: a third of the rows, and some of them dozens of times.
    again = rng.zipf(1.3, size=rows - distinct) % distinct
    chosen = rng.permutation(np.concatenate([np.arange(distinct), again]))
    return confidence[chosen], embedding[chosen].astype(np.float16)


def main() -> None:
    """Write a pool file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    confidence, embedding = synthetic(args.rows, args.seed)
    np.savez_compressed(args.file, confidence=confidence, embedding=embedding)
    print(f"{args.file}: {len(confidence)} rows of {embedding.shape[1]}")


if __name__ == "__main__":
    main()

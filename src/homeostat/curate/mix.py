"""Replay: old examples beside the new ones, so that learning is not forgetting.

Rows are drawn uniformly within a label, and a label's quota grows with the square root of its size: rare labels get
more than their share, frequent ones still get most. (Uniform sampling from memory is hard to beat: Prabhu et al., arXiv
2303.11165. Replay beside a re-warmed learning rate keeps up with joint training: Ibrahim et al., arXiv 2403.08763.)
"""

from __future__ import annotations

import math
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from homeostat.curate.clean import age
from homeostat.curate.near import Near
from homeostat.curate.text import key
from homeostat.types.dataset import SWAPPED, Example, Origin
from homeostat.types.task import Kind

OVERTURNED = 0.8
"""Jaccard similarity from which on a newer row with another label makes an old row wrong."""


def memory(datasets: Iterable[Iterable[Example]]) -> list[Example]:
    """Every example of these datasets, given oldest first, once; of one interaction the row of the newest dataset.
    Disturbed copies are not among them: who wants some makes them anew. Swapped ones are: they teach for good.
    """
    rows: dict[tuple[str, str], Example] = {}
    for dataset in datasets:
        for row in dataset:
            if row.disturbed in ("", SWAPPED):
                own = (row.disturbed, row.interaction)
                rows[own if row.interaction else (key(row.text), row.target)] = row
    return sorted(rows.values(), key=age)


def superseded(old: Sequence[Example], new: Sequence[Example], kind: Kind) -> set[int]:
    """Numbers of the old rows that something newer says otherwise about, among `new` or among `old` itself.

    A change of policy makes the old rows of its texts wrong; replaying them would teach the past again. Label task: a
    newer row with another label and a text of similarity 0.8 or more. Text task: a newer reply to the very same text,
    because replies differ without one being wrong. A row whose interaction has another target now is superseded too.
    What was rated badly says of no other reply that it is wrong, and no other reply makes it right.
    """
    now = {row.interaction: row.target for row in new if row.interaction}
    relabeled = {number for number, row in enumerate(old) if now.get(row.interaction, row.target) != row.target}
    said = {(key(row.text), row.target): row for row in sorted([*old, *new], key=age) if row.good}
    rows = list(said.values())
    alike = _similar(old, rows) if kind is Kind.LABEL else _same(old, rows)
    return relabeled | {
        number
        for number, (row, others) in enumerate(zip(old, alike, strict=True))
        if row.good and any(rows[other].time > row.time and rows[other].target != row.target for other in others)
    }


def _similar(old: Sequence[Example], rows: Sequence[Example]) -> Iterator[Iterable[int]]:
    """For each old row, the numbers of the rows with a text like its own."""
    return Near([row.text for row in rows], OVERTURNED).each([row.text for row in old])


def _same(old: Sequence[Example], rows: Sequence[Example]) -> Iterator[Iterable[int]]:
    """For each old row, the numbers of the rows with the same text."""
    having: defaultdict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        having[key(row.text)].append(number)
    return (having[key(row.text)] for row in old)


def replayable(old: Iterable[Example], new: Iterable[Example]) -> list[Example]:
    """Old rows that `new` does not hold already, each once, its newest copy, in a fixed order."""
    taken = {(key(row.text), row.target) for row in new}
    once = {(key(row.text), row.target): row for row in sorted(old, key=age)}
    return [row for name, row in once.items() if name not in taken]


def draw(old: Sequence[Example], rows: int, origin: Origin, *, kind: Kind, seed: Sequence[int]) -> list[Example]:
    """About `rows` old examples marked as `origin`, oldest first: by quota per label, uniformly within a label.

    Every label is drawn from at least once, so there are more than `rows` where there are more labels than that, and
    fewer where there are fewer old ones; none wanted, none drawn. The draw within a label depends on the seed and on
    its own rows alone.
    """
    strata: defaultdict[str, list[Example]] = defaultdict(list)
    for example in sorted(old, key=age):
        strata[example.target if kind is Kind.LABEL else ""].append(example)
    quota = quotas({name: len(of) for name, of in strata.items()}, rows)
    drawn = [example for name in strata for example in _of_stratum(name, strata[name], quota[name], seed)]
    return [replace(example, origin=origin) for example in sorted(drawn, key=age)]


def _of_stratum(name: str, stratum: Sequence[Example], rows: int, seed: Sequence[int]) -> list[Example]:
    order = np.random.default_rng([*seed, zlib.crc32(name.encode())]).permutation(len(stratum))
    return [stratum[number] for number in order[:rows]]


def quotas(sizes: Mapping[str, int], rows: int) -> dict[str, int]:
    """How many rows of each stratum to take: in proportion to sqrt(size), at least 1, never more than there are.

    They sum to `rows` unless the strata number more than `rows` or hold less. No rows wanted: nothing is taken.
    """
    if rows <= 0:
        return dict.fromkeys(sizes, 0)
    rows = min(max(rows, len(sizes)), sum(sizes.values()))
    low, high = 0.0, float(max(rows, 1))
    for _ in range(60):  # the scale at which the clipped square roots sum to `rows`, by bisection
        scale = (low + high) / 2
        low, high = (low, scale) if sum(_shares(sizes, scale).values()) > rows else (scale, high)
    return _rounded(_shares(sizes, low), sizes, rows)


def _shares(sizes: Mapping[str, int], scale: float) -> dict[str, float]:
    return {name: min(size, max(1.0, scale * math.sqrt(size))) for name, size in sizes.items()}


def _rounded(shares: Mapping[str, float], sizes: Mapping[str, int], rows: int) -> dict[str, int]:
    """Whole numbers that sum to `rows`: rounded down, the rest to those that lost most (then by name)."""
    whole = {name: int(share + 1e-6) for name, share in shares.items()}
    lost = sorted(shares, key=lambda name: (whole[name] - shares[name], name))
    for name in _not_full(lost, whole, sizes)[: rows - sum(whole.values())]:
        whole[name] += 1
    return whole


def _not_full(names: Iterable[str], whole: Mapping[str, int], sizes: Mapping[str, int]) -> list[str]:
    return [name for name in names if whole[name] < sizes[name]]

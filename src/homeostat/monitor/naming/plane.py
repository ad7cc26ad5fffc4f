"""A map of requests: those before a change and those since, laid on the plane in which the ones before differ most.

The embeddings that the log holds are standardized by the requests before and scaled to length 1, which is how the
watch measures distances (`NeighborIndex`). The plane is spanned by the first two principal components of the requests
before (Pearson 1901), so that neither the requests since nor chance draw it: what is new has to lie somewhere on a map
that was there already. A plane shows little of hundreds of dimensions; how much of it is part of what comes out.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2

from homeostat.monitor.channels import vectors
from homeostat.monitor.features.feature import Floats, Rows
from homeostat.monitor.features.text import words_of
from homeostat.monitor.naming.clusters import telling
from homeostat.types.interaction import Interaction

POINTS = 400
"""Requests of either side that are laid on the map, at most, drawn by lot."""
LEAST = 30
"""Requests with an embedding of either side without which there is no map."""
PARTS, LEAST_PER_PART = 8, 40
"""Groups that the requests of both sides are cut into, at most, and how many requests one has on average, at least."""
WORDS, COMMON = 2, 0.1
"""By how many words a group is named, at most; none that so large a share of the other requests holds."""
THROWS, CHANCE = 399, 0.01
"""How often a coin parts the requests instead of time, and how often it may part them as far."""
_FLAT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One request on the map."""

    id: str
    x: float
    y: float
    """In the length to which all embeddings are scaled; the middle of the requests before lies at 0, 0."""
    current: bool
    """Whether it came since the change."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Requests that lie near each other, before the change and since: a landmark."""

    name: str
    """The words that tell them from the other requests."""
    x: float
    y: float
    """Their middle."""
    before: float
    after: float
    """Their share of the requests that are laid on the map, in [0, 1]."""
    example: str
    """The request nearest to their middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """A map, or why there is none."""

    because: str = ""
    """Why there is no map; everything else is empty then."""
    points: tuple[Point, ...] = ()
    groups: tuple[Group, ...] = ()
    """The one whose share has grown most first."""
    topics: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Name of a topic that was asked for -> the middle of its requests; topics without an embedding are left out."""
    axes: tuple[float, float] = (0.0, 0.0)
    """Share of the variance of the requests before that lies along x and along y."""
    seen: float | None = None
    """Share of the squared distance between the middles of both sides that lies in the plane; None where they are no
    farther apart than chance would have them.
    """
    hidden: int = 0
    """Numbers in an embedding."""


@dataclass(frozen=True, slots=True, eq=False)
class _Lens:
    """How embeddings become points: standardized, of length 1, as they lie along the plane."""

    mean: Floats
    scale: Floats
    middle: Floats
    axes: Floats
    """float64[2, hidden], orthonormal."""
    shares: tuple[float, float]

    def unit(self, x: Floats) -> Floats:
        centered = (x - self.mean) / self.scale
        return np.asarray(centered / np.maximum(np.linalg.norm(centered, axis=1, keepdims=True), 1e-12))

    def place(self, units: Floats) -> Floats:
        return np.asarray((units - self.middle) @ self.axes.T)


def plane_of(reference: Rows, current: Rows, *, topics: Mapping[str, Rows] | None = None, seed: int = 0) -> Plane:
    """The map of requests before a change and since, with the places of `topics`; the same for the same seed.

    Requests without an embedding, or with one of another width than most have, are passed over.
    """
    width = _width([*reference, *current])
    if not width:
        return Plane(because="The log holds no embeddings of these requests.")
    old, new = _drawn(reference, width, seed), _drawn(current, width, seed + 1)
    if min(len(old), len(new)) < LEAST:
        few = f"{len(old)} before and {len(new)} since, where it takes {LEAST} of each"
        return Plane(because=f"Too few requests with an embedding to draw a map: {few}.", hidden=width // 2)
    lens = _lens(_values(old))
    if lens is None:
        return Plane(because="The embeddings of the requests before are all the same.", hidden=width // 2)
    units = lens.unit(_values([*old, *new]))
    places, late = lens.place(units), np.arange(len(units)) >= len(old)
    rows = [*old, *new]
    return Plane(
        points=tuple(_point(row, place, bool(k)) for row, place, k in zip(rows, places, late, strict=True)),
        groups=_groups(rows, units, places, late, seed),
        topics=_middles(topics or {}, lens, width),
        axes=lens.shares,
        seen=_seen(units, late, lens, seed),
        hidden=width // 2,
    )


def _width(rows: Rows) -> int:
    """Bytes of an embedding, as most rows have it; 0 where none has one."""
    widths = Counter(len(row.embedding) for row in rows if row.embedding)
    return widths.most_common(1)[0][0] if widths else 0


def _whole(rows: Rows, width: int) -> list[Interaction]:
    same = [row for row in rows if len(row.embedding) == width]
    return [row for row, x in zip(same, vectors(same), strict=True) if np.isfinite(x).all()]


def _drawn(rows: Rows, width: int, seed: int) -> list[Interaction]:
    """At most POINTS of them by lot, in their order."""
    whole = _whole(rows, width)
    chosen = np.random.default_rng(seed).permutation(len(whole))[:POINTS]
    return [whole[k] for k in np.sort(chosen)]


def _values(rows: Rows) -> Floats:
    return vectors(rows).astype(np.float64)


def _lens(x: Floats) -> _Lens | None:
    """Fitted to float64[rows, hidden]; None where nothing varies."""
    mean, spread = x.mean(axis=0), x.std(axis=0)
    if not spread.max() > _FLAT:
        return None
    # A number that hardly varies is not blown up until it drowns the others, as in `NeighborIndex`.
    scale = np.maximum(spread, 0.01 * float(np.median(spread)) + 1e-12)
    flat = _Lens(mean, scale, np.zeros_like(mean), np.zeros((2, len(mean))), (0.0, 0.0))
    units = flat.unit(x)
    middle = units.mean(axis=0)
    axes, shares = _principal(units - middle)
    return _Lens(mean, scale, middle, axes, shares)


def _principal(centered: Floats) -> tuple[Floats, tuple[float, float]]:
    """The first two principal components, float64[2, hidden], and their shares of the variance.

    Through whichever of the two products of the matrix with itself is smaller. A component points to where its largest
    coefficient is positive, so that a map does not turn over from one day to the next.
    """
    rows, hidden = centered.shape
    product = centered.T @ centered if hidden <= rows else centered @ centered.T
    values, turn = np.linalg.eigh(product)
    vectors_ = turn[:, ::-1][:, :2].T
    axes = vectors_ if hidden <= rows else vectors_ @ centered
    axes = axes / np.maximum(np.linalg.norm(axes, axis=1, keepdims=True), 1e-12)
    largest = axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)]
    axes = axes * np.where(largest < 0, -1.0, 1.0)[:, None]
    axes = np.pad(axes, ((0, 2 - len(axes)), (0, 0)))  # of an embedding of one number there is one
    shares = np.clip(values[::-1][:2] / max(float(values.sum()), 1e-12), 0.0, 1.0)
    return axes, (float(shares[0]), float(shares[1]) if len(shares) > 1 else 0.0)


def _point(row: Interaction, place: Floats, current: bool) -> Point:
    return Point(id=row.id, x=float(place[0]), y=float(place[1]), current=current, text=row.text)


def _seen(units: Floats, late: NDArray[np.bool_], lens: _Lens, seed: int) -> float | None:
    """How much of the way between the two middles the map shows; None where a coin would part the requests as far, in
    more than CHANCE of its throws.
    """
    gap = units[late].mean(axis=0) - units[~late].mean(axis=0)
    rng, n = np.random.default_rng(seed), int(late.sum())
    sides = np.array([rng.permutation(late) for _ in range(THROWS)], dtype=np.float64)
    # A side's sum tells the other's, for the sum of both is what it is.
    sums, total = sides @ units, units.sum(axis=0)
    thrown = np.square(sums / n - (total - sums) / (len(units) - n)).sum(axis=1)
    apart = float(gap @ gap)
    if (1 + (thrown >= apart).sum()) / (1 + THROWS) > CHANCE:
        return None
    return float(np.square(lens.axes @ gap).sum() / apart)


def _groups(
    rows: Sequence[Interaction], units: Floats, places: Floats, late: NDArray[np.bool_], seed: int
) -> tuple[Group, ...]:
    """By k-means on all numbers of the embeddings, not on the map; nothing tells it which side a request is from."""
    parts = min(PARTS, len(rows) // LEAST_PER_PART, len(np.unique(units, axis=0)))
    if parts < 2:
        return ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a group that has lost all its rows stays empty
        middles, label = kmeans2(units, parts, iter=20, minit="++", seed=seed, missing="warn")
    found = []
    for part in np.unique(label):
        inside = label == part
        here, there = ([row.text for row, k in zip(rows, mask, strict=True) if k] for mask in (inside, ~inside))
        names = telling(_uncommon(here, there), there, WORDS)
        nearest = np.flatnonzero(inside)[np.square(units[inside] - middles[part]).sum(axis=1).argmin()]
        found.append(
            Group(
                name=", ".join(names) or "nothing telling",
                x=float(places[inside, 0].mean()),
                y=float(places[inside, 1].mean()),
                before=float(inside[~late].mean()),
                after=float(inside[late].mean()),
                example=rows[nearest].text,
            )
        )
    return tuple(sorted(found, key=lambda one: one.before - one.after))


def _uncommon(here: Sequence[str], there: Sequence[str]) -> list[str]:
    """Texts of a group without the words that many of the other texts hold: in no language do those name a group."""
    counts = Counter(word for text in there for word in set(words_of(text)))
    return [" ".join(word for word in words_of(text) if counts[word] <= COMMON * len(there)) for text in here]


def _middles(topics: Mapping[str, Rows], lens: _Lens, width: int) -> dict[str, tuple[float, float]]:
    found = {}
    for name, rows in topics.items():
        if whole := _whole(rows, width):
            x, y = lens.place(lens.unit(_values(whole))).mean(axis=0)
            found[name] = (float(x), float(y))
    return found

"""Which domain's adapter answers a request: that of the nearest centroid, or none where the request is like no domain.

Distances are measured in units of the spread inside domains, because an embedding's largest directions tell requests
of one domain apart and not domains. Knows vectors and names alone; it is kept as numbers in a file beside the adapters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from scipy.cluster.vq import kmeans2

from homeostat.errors import CorruptWeights
from homeostat.llm.load import require_safetensors

Floats = NDArray[np.float64]
FILE = "router.safetensors"
HELD_OUT = 0.3
"""Share of the rows of a domain that its distances are calibrated on, and that its centers do not see."""
ROWS_PER_CENTER = 20
"""A domain has another center for every so many rows."""
TEMPERATURES = np.geomspace(0.1, 100.0, 61)


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a request goes."""

    name: str
    """The domain; empty where it is like none, which the bare base, or a general version, answers."""
    probability: float
    """Of the likeliest domain, given that the request is of one of them."""
    usual: float
    """The largest p-value of a domain: the share of its own requests that lie as far out as this one."""


@dataclass(frozen=True, slots=True)
class Router:
    """Centers of domains, and what distances are usual in each."""

    names: tuple[str, ...]
    mean: Floats
    """float[hidden]"""
    whiten: Floats
    """float[hidden, hidden]: from an embedding to units of the spread inside domains."""
    centers: tuple[Floats, ...]
    """float[centers, hidden] of every domain, in these units."""
    held_out: tuple[Floats, ...]
    """Squared distances of the held-out rows of every domain from their own nearest center, in order."""
    temperature: float
    """What squared distances are divided by before they compete."""
    refused: float
    """Share of the requests of known domains that may go to none."""

    @staticmethod
    def fit(embeddings: Mapping[str, NDArray[np.floating]], *, refused: float = 0.05, centers: int = 8) -> Router:
        """Centers, spread, temperature and usual distances from float[rows, hidden] of every domain.

        Args:
            embeddings: by domain, at least two rows of each, as good as drawn: every third or so is held out.
            refused: share of the requests of known domains that may go to none. The bound holds for requests like those
                held out (conformal, Vovk et al. 2005); a domain with fewer than 1 / refused − 1 of them refuses none.
            centers: most of a domain, where it has rows enough: domains are seldom one cloud.
        """
        split = {name: _apart(np.asarray(rows, np.float64)) for name, rows in sorted(embeddings.items())}
        mean = np.concatenate([learn for learn, _ in split.values()]).mean(0)
        whiten = _whitening([learn for learn, _ in split.values()])
        found = tuple(_centers((learn - mean) @ whiten, centers) for learn, _ in split.values())
        far = [_squares((held - mean) @ whiten, found) for _, held in split.values()]
        own = tuple(np.sort(each[:, k]) for k, each in enumerate(far))
        return Router(tuple(split), mean, whiten, found, own, _temperature(far), refused)

    def choose(self, embedding: NDArray[np.floating]) -> Routed:
        """Where the request of float[hidden] goes: the likeliest of the domains that it is not unusual for."""
        return self.chosen(np.asarray(embedding)[None])[0]

    def chosen(self, embeddings: NDArray[np.floating]) -> list[Routed]:
        """The same for each request of float[rows, hidden]."""
        squares = _squares((np.asarray(embeddings, np.float64) - self.mean) @ self.whiten, self.centers)
        shares = np.exp(_log_shares(squares, self.temperature))
        return [self._routed(far, own) for far, own in zip(squares, shares, strict=True)]

    def _routed(self, far: Floats, shares: Floats) -> Routed:
        """Where a request goes by its float[domains] squared distances and shares."""
        usual = np.array([_p_value(held, one) for held, one in zip(self.held_out, far, strict=True)])
        open_to = np.flatnonzero(usual > self.refused)
        best = int(open_to[shares[open_to].argmax()]) if len(open_to) else int(shares.argmax())
        return Routed(self.names[best] if len(open_to) else "", float(shares[best]), float(usual.max()))


def save_router(router: Router, folder: Path) -> None:
    """Write `router.safetensors`: numbers in float64, so that who reads it chooses as who wrote it did."""
    tensors = {"mean": router.mean, "whiten": router.whiten}
    tensors["settings"] = np.array([router.temperature, router.refused])
    for k, (centers, held) in enumerate(zip(router.centers, router.held_out, strict=True)):
        tensors |= {f"centers.{k}": centers, f"held_out.{k}": held}
    tensors = {name: np.ascontiguousarray(tensor, np.float64) for name, tensor in tensors.items()}
    save_file(tensors, folder / FILE, metadata={"names": json.dumps(router.names)})


def read_router(folder: Path, names: Sequence[str], hidden: int = 0) -> Router:
    """The router in a folder, which has to be among these domains and, where that is told, for states so wide.

    Raises:
        CorruptWeights: there is none, it cannot be read, or it is for other domains or another base.
        UnsafeWeights: it is a pickle by another name.
    """
    where, fix = str(folder / FILE), "assemble the ensemble again"
    if not (folder / FILE).is_file():
        raise CorruptWeights("what the ensemble routes by is not there", where=where, fix=fix)
    require_safetensors(folder, str(folder), FILE)
    try:
        with safe_open(folder / FILE, framework="np") as file:
            told = json.loads(file.metadata()["names"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no mapping)
        router = _of(tuple(told), tensors)
    except (KeyError, TypeError, ValueError, OSError, SafetensorError) as damaged:
        raise CorruptWeights(f"the router cannot be read: {damaged}", where=where, fix=fix) from damaged
    if set(router.names) != set(names):
        raise CorruptWeights("the router chooses among other versions", where=where, fix=fix)
    if hidden not in (0, len(router.mean)):
        what = f"the router is for states of width {len(router.mean)}, and the base's are {hidden} wide"
        raise CorruptWeights(what, where=where, fix="it fits only the base that it was made on: give that")
    return router


def _of(names: tuple[str, ...], tensors: Mapping[str, Floats]) -> Router:
    """The router of these tensors.

    Raises:
        KeyError, ValueError: one is missing, or they do not fit together.
    """
    centers = tuple(tensors[f"centers.{k}"] for k in range(len(names)))
    held = tuple(tensors[f"held_out.{k}"] for k in range(len(names)))
    mean, (temperature, refused) = tensors["mean"], tensors["settings"]
    (hidden,) = mean.shape
    fits = all(each.ndim == 2 and len(each) and each.shape[1] == hidden for each in centers)
    fits &= tensors["whiten"].shape == (hidden, hidden) and all(each.ndim == 1 and len(each) for each in held)
    if not fits or not names or not all(np.isfinite(each).all() for each in tensors.values()) or temperature <= 0:
        raise ValueError("its numbers do not fit together")
    return Router(names, mean, tensors["whiten"], centers, held, float(temperature), float(refused))


def _apart(rows: Floats) -> tuple[Floats, Floats]:
    """The rows to learn from, and those held out, spread evenly over all; at least one of each."""
    every = np.arange(len(rows))
    held = np.diff(np.floor((every + 1) * HELD_OUT), prepend=0.0) > 0
    held[-1] |= not held.any()
    return rows[~held], rows[held]


def _whitening(domains: list[Floats]) -> Floats:
    """float[hidden, hidden] that makes the covariance inside domains the identity.

    The covariance is shrunk toward the same in all directions, by as much as rows are few (Ledoit & Wolf 2004).
    """
    inside = np.concatenate([rows - rows.mean(0) for rows in domains])
    spread = inside.T @ inside / len(inside)
    even = max(float(np.trace(spread)) / len(spread), 1e-12)
    uneven = float(np.square(spread - even * np.eye(len(spread))).sum())
    noise = float(np.square(np.square(inside).sum(1)).sum() / len(inside) - np.square(spread).sum()) / len(inside)
    share = min(1.0, max(noise / max(uneven, 1e-12), 1e-6))
    shrunk = (1 - share) * spread + share * even * np.eye(len(spread))
    whiten: Floats = np.linalg.inv(np.linalg.cholesky(shrunk)).T
    return whiten


def _centers(rows: Floats, most: int) -> Floats:
    """float[centers, hidden] by k-means; the mean alone where there are few rows."""
    count = min(most, len(rows) // ROWS_PER_CENTER)
    found: Floats = rows.mean(0, keepdims=True)
    if count > 1:
        found, near = kmeans2(rows, count, seed=0, minit="++")
        found = found[np.unique(near)]  # a center that no row is near means nothing
    return found


def _squares(rows: Floats, centers: tuple[Floats, ...]) -> Floats:
    """float[rows, domains]: squared distance from the nearest center of every domain."""
    near = [np.square(rows[:, None] - own[None]).sum(-1).min(1) for own in centers]
    return np.stack(near, 1)


def _log_shares(squares: Floats, temperature: float) -> Floats:
    """float[rows, domains]: log-probabilities of domains."""
    logits = -squares / temperature
    logits = logits - logits.max(1, keepdims=True)
    shares: Floats = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return shares


def _temperature(far: list[Floats]) -> float:
    """The temperature under which the held-out rows' own domains are the likeliest."""
    rows, own = np.concatenate(far), np.repeat(np.arange(len(far)), [len(each) for each in far])
    said = [_log_shares(rows, t)[np.arange(len(rows)), own].mean() for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmax(said))])


def _p_value(held: Floats, far: float) -> float:
    """Share of the held-out rows, and this one, that lie at least as far out."""
    return (1.0 + len(held) - float(np.searchsorted(held, far))) / (1.0 + len(held))

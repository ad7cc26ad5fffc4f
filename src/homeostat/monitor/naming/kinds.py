"""Which kind of drift it is, as far as the data allow: other requests, other proportions, or other right answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from homeostat.monitor.detectors.batch.chi_square import ChiSquare
from homeostat.monitor.detectors.batch.classifier import Classifier
from homeostat.monitor.features.feature import Floats, Labels, Rows, known_rows
from homeostat.monitor.features.nearness import EMBEDDING, novelty
from homeostat.monitor.features.text import WORDING, WORDS
from homeostat.monitor.slices import VALUES
from homeostat.stats.many import holm

LEVEL = 0.01
"""p-value from which on something is said to have moved."""
GAP, POWER = 0.2, 0.8
"""Labels are enough if they would show replies to be wrong so much more often, so often."""
FAMILIAR = 0.9
"""Share of the requests before the change that count as such that were known: whether right answers have changed is
asked of requests that are no stranger than these.
"""
BANDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """What has moved: p-values, None where nothing can be said."""

    requests: float | None
    """Embeddings or words, lengths, and how near requests are to known ones; the smallest by Holm's correction."""
    replies: float | None
    """The mix of the labels replied (black-box shift detection, 1802.03916)."""
    within: float | None
    """How near requests are to known ones among those with the same reply."""
    answers: float | None
    """How often familiar requests are answered right at the same confidence."""
    fell: bool
    """Whether that is less often than before."""
    labels: int
    """Labels since the change that say so."""
    wanted: int
    """Labels that are missing before a fall of GAP would be seen with a probability of POWER."""

    @property
    def says(self) -> str:
        """All of it in a sentence."""
        return f"{self._traffic()} {self._answers()}"

    def _traffic(self) -> str:
        requests, replies, within = (p is not None and p <= LEVEL for p in (self.requests, self.replies, self.within))
        if requests and replies and self.within is not None and not within:
            return (
                "Requests and the mix of replies have moved, requests with the same reply have not: the same kinds of "
                "requests in other proportions (label shift)."
            )
        if requests:
            also = " The mix of replies has moved too." if replies else ""
            return f"Requests have moved: other ones come in, or the same ones put otherwise (covariate shift).{also}"
        if replies:
            return (
                "The mix of replies has moved, requests have not by any test: the same requests are answered otherwise."
            )
        return "Neither requests nor replies have measurably moved."

    def _answers(self) -> str:
        if self.answers is not None and self.answers <= LEVEL and self.fell:
            return (
                f"Familiar requests are answered wrong more often at the same confidence ({_several(self.labels)}): "
                "the right answers have changed (concept drift)."
            )
        if self.wanted:
            return (
                "Whether the right answers have changed too cannot be told apart yet: it needs "
                f"{self.wanted} more {'label' if self.wanted == 1 else 'labels'} of familiar requests."
            )
        if self.answers is None:
            return (
                "Whether the right answers have changed cannot be told: no labels before and since share a confidence."
            )
        return f"The right answers have not changed by {_several(self.labels)} of familiar requests."


def kinds_of(reference: Rows, current: Rows, known: Rows, right: Mapping[str, float]) -> Kinds:
    """Compare rows before a change with rows since, once.

    `known` are rows before the change that are not in `reference`; `right` says by id how right a reply was, in [0, 1].
    """
    far = novelty(reference, known), novelty(current, known)
    before, after = (_replies(rows) for rows in (reference, current))
    labels = len(set(before) | set(after)) <= VALUES and len(known_rows(before)) > 0 and len(known_rows(after)) > 0
    asked = [*reference, *current]
    mask = np.arange(len(asked)) >= len(reference)
    limit = np.nanquantile(far[0], FAMILIAR) if np.isfinite(far[0]).any() else math.inf
    familiar = ~(np.concatenate(far) > limit)
    answers, fell, n, wanted = _answers(asked, mask, familiar, right)
    return Kinds(
        requests=_requests(reference, current, far),
        replies=ChiSquare()(known_rows(before), known_rows(after)).p_value if labels else None,
        within=stratified_ranks(np.concatenate(far), mask, np.concatenate([before, after])) if labels else None,
        answers=answers,
        fell=fell,
        labels=n,
        wanted=wanted,
    )


def stratified_ranks(values: Floats, mask: NDArray[np.bool_], strata: Labels) -> float | None:
    """The two-sided p-value of "at the same stratum, values are no larger and no smaller where the mask holds".

    Ranks within strata, the smaller strata weighing less (van Elteren 1960); None where no stratum has rows of both.
    """
    total = variance = 0.0
    for stratum in np.unique(strata):
        inside = (strata == stratum) & np.isfinite(values)
        n, m = int((inside & ~mask).sum()), int((inside & mask).sum())
        if n and m:
            ranks = stats.rankdata(values[inside])
            chosen = ranks[mask[inside]]
            total += (chosen.sum() - m * (n + m + 1) / 2) / (n + m + 1)
            variance += n * m * float(ranks.var(ddof=1)) / (n + m) / (n + m + 1) ** 2
    return float(2 * stats.norm.sf(abs(total) / math.sqrt(variance))) if variance else None


def _requests(reference: Rows, current: Rows, far: tuple[Floats, Floats]) -> float | None:
    widths = {len(row.embedding) for row in (*reference, *current)}
    vector = EMBEDDING if len(widths) == 1 and 0 not in widths else WORDING
    points = [known_rows(vector.of(rows, ())) for rows in (reference, current)]
    found = [Classifier()(*points).p_value] if min(map(len, points)) >= 10 else []
    for a, b in ((WORDS.of(reference, ()), WORDS.of(current, ())), far):
        if min(len(known_rows(a)), len(known_rows(b))):
            found.append(float(stats.ks_2samp(known_rows(a), known_rows(b)).pvalue))
    return float(holm(np.array(found, dtype=np.float64)).min()) if found else None


def _replies(rows: Rows) -> Labels:
    return np.array([row.reply.strip()[:80] for row in rows], dtype=np.str_)


def _answers(
    rows: Rows, mask: NDArray[np.bool_], familiar: NDArray[np.bool_], right: Mapping[str, float]
) -> tuple[float | None, bool, int, int]:
    """P-value at fixed confidence, whether the share right fell, labels since, and labels that are missing."""
    chosen = np.array([k for k, row in enumerate(rows) if familiar[k] and row.id in right], dtype=np.int64)
    said = np.array([right[rows[k].id] for k in chosen])
    late = mask[chosen] if len(chosen) else np.zeros(0, dtype=bool)
    n, m = int((~late).sum()), int(late.sum())
    if not n:
        return None, False, m, wanted(0.25, 0, m)
    sure = np.array([rows[k].confidence for k in chosen])
    edges = np.quantile(sure, np.linspace(0, 1, BANDS + 1)[1:-1])
    bands = np.searchsorted(edges, sure).astype(str)
    p = stratified_ranks(said, late, bands)
    missing = wanted(max(float(said[~late].var()), 0.05), n, m)
    fell = bool(m and said[late].mean() < said[~late].mean())
    return (None if missing else p), fell, m, missing


def wanted(variance: float, n: int, m: int) -> int:
    """Labels that are missing, before the change beside `n` and since beside `m`, given the variance of one."""
    z = float(stats.norm.isf(LEVEL / 2) + stats.norm.ppf(POWER))
    room = (GAP / z) ** 2 / variance
    each = math.ceil(2 / room)
    since = each if n < each else math.ceil(1 / (room - 1 / n))
    return max(0, since - m) + max(0, each - n)


def _several(labels: int) -> str:
    return "one label" if labels == 1 else f"{labels} labels"

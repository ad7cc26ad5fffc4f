"""Which of many slices a move is in: how much of it each carries, and for which of them that is certain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from homeostat.monitor.features.feature import Floats
from homeostat.monitor.naming.candidates import BESIDE, Candidate, Kind
from homeostat.monitor.naming.clusters import Mask
from homeostat.stats.evalues import discoveries, share_evidence

STRANGE = 0.8
"""Share of the rows that a strange one is stranger than."""
CLEAR = 2.0
"""Standard errors that a candidate's score is taken down by: what is few must not lead by luck."""
MOVED = 2.0
"""Standard errors above which strangeness itself has moved."""
NEARLY = 0.8
"""Of the best score: whatever has as much explains the move as well, and the simpler one is taken."""
MOST_OF_IT, HALF = 0.5, 0.5
"""Score from which on a candidate explains most of a move, and share of it below which the alarm's own slice explains
much less.
"""

LEADS = 0.3
"""Score from which on what is no property of a request is first, where no property of one has HALF as much."""

_TAGS = (Kind.UPSTREAM, Kind.TAG)


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Rows before a change and since, in one sequence, and what is known of each."""

    current: Mask
    """bool[rows]: whether it came since the change."""
    fresh: Mask
    """bool[rows]: whether it came after the alarm too. The alarm chose the rows before it for being strange, and so
    they cannot bear witness to what moved.
    """
    strangeness: Floats
    """float64[rows, channels], higher for stranger; NaN where unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """A candidate and what the windows say of it."""

    candidate: Candidate
    score: float
    """How much better it tells the moved rows from the others than a coin, in [-1, 1], on the safe side."""
    carries: float
    """Share of the move that lies in it."""
    before: float
    after: float
    """Its share of the requests."""
    log_e: float
    """Natural logarithm of the e-value against "neither its share nor its share of the strange rows has moved"."""
    sure: bool
    """Whether e-BH, over all candidates at once, calls it moved."""


def rank(found: Sequence[Candidate], windows: Windows, alpha: float, alarmed: str = "") -> list[Ranked]:
    """The candidates, the one that explains the move best first; of those called `sure` a share of at most `alpha` has
    not moved, on average.

    `alarmed` is the slice in which the alarm was raised, if in one: a tag's value is then first unless another explains
    most of the move, and it less than half as much. Such an alarm comes while hardly anything is to be seen in all
    requests, of which the scores tell.

    A move adds rows that were not there before, a share p of the traffic, or turns rows strange that were there. A set
    of rows that holds a share T of the moved rows and F of the others grows by p (T - F), and so does its part of the
    strangeness: whichever has the larger T - F (Youden 1950) tells best where the move is, neither more nor less.

    What is no property of a request (BESIDE) does not score by growing, for hours always do and latencies rise for many
    reasons: it scores by how much more often it holds strange rows than other rows of the same window, since the change
    less before it. It is first only where no property of a request explains half as much.
    """
    if not found:
        return []
    members = np.array([one.members for one in found])
    log_e = _evidence(members, windows)
    for k in (k for k, one in enumerate(found) if one.kind is Kind.HOUR):
        log_e[k] = _evidence_within(members[k], windows)
    sure = discoveries(log_e, alpha)
    signs = np.array([one.kind is Kind.SIGN for one in found])
    before, after = (members[:, w].mean(axis=1) for w in (~windows.current, windows.current))
    whole = _moved(windows)
    beside = np.array([one.kind in BESIDE for one in found])
    score, carries = _scores(members, windows, whole, signs | beside)
    score[beside] = _scores_beside(members[beside], windows, whole)
    ranked = [
        Ranked(
            one, float(score[k]), float(carries[k]), float(before[k]), float(after[k]), float(log_e[k]), bool(sure[k])
        )
        for k, one in enumerate(found)
    ]
    return _with_alarmed(_ordered(ranked, stranger=whole > 0), alarmed)


def strange(windows: Windows) -> Floats:
    """How strange each row is among all, float64[rows] in [-1, 1], by the channel that has moved most; 0 if unknown."""
    best = np.zeros(len(windows.current))
    for column in windows.strangeness.T:
        known = ~np.isnan(column)
        if not known.any():
            continue
        ranks = np.zeros(len(column))
        ranks[known] = 2 * (stats.rankdata(column[known]) - 0.5) / known.sum() - 1
        gap = _gap(ranks, windows.current)
        if abs(gap) > abs(_gap(best, windows.current)):
            best = ranks * np.sign(gap)
    return best


def _gap(values: Floats, current: Mask) -> float:
    return float(values[current].mean() - values[~current].mean())


def _evidence(members: Mask, windows: Windows) -> Floats:
    """Of each candidate, over the rows before the change and those after the alarm.

    Half of it is about its share of the rows, half about its share of the strangest and of the most familiar rows of
    each channel. None of these sets is defined with regard to the window that a row is from.
    """
    looked = windows.fresh | ~windows.current
    fresh = windows.fresh[looked]
    if not fresh.any():
        return np.full(len(members), -np.inf)
    inside, tails = members[:, looked], _tails(windows.strangeness[looked])
    sets = [inside, *(inside & tail for tail in tails)]
    logs = [share_evidence(m[:, fresh].sum(axis=1), m.sum(axis=1), int(fresh.sum()), len(fresh)) for m in sets]
    if not tails:
        return logs[0]
    rest = np.logaddexp.reduce(logs[1:], axis=0) - np.log(len(tails))
    return np.asarray(np.logaddexp(logs[0], rest) - np.log(2.0))


def _evidence_within(inside: Mask, windows: Windows) -> float:
    """Of an hour: about the strangest and the most familiar rows among its own. When requests came is no news."""
    looked = inside & (windows.fresh | ~windows.current)
    fresh, tails = windows.fresh[looked], _tails(windows.strangeness[looked])
    if not tails or not fresh.any():
        return 0.0 if fresh.any() else -np.inf
    n, both = int(fresh.sum()), len(fresh)
    logs = [share_evidence((tail & fresh).sum(), tail.sum(), n, both)[0] for tail in tails]
    return float(np.logaddexp.reduce(logs) - np.log(len(logs)))


def _tails(strangeness: Floats) -> list[Mask]:
    """The strangest rows of each channel, and the most familiar ones."""
    found = []
    for column in strangeness.T:
        known = column[~np.isnan(column)]
        if len(known):
            low, high = np.quantile(known, [1 - STRANGE, STRANGE])
            found += [column > high, column < low]
    return [tail for tail in found if tail.any()]


def _moved(windows: Windows) -> float:
    """How much stranger rows are since the change, in [0, 1]: 0 where that may be luck."""
    n, m = int((~windows.current).sum()), int(windows.current.sum())
    gap = _gap(strange(windows), windows.current)
    return gap if gap > MOVED * np.sqrt((1 / n + 1 / m) / 3) else 0.0


def _scores(members: Mask, windows: Windows, whole: float, signs: Mask) -> tuple[Floats, Floats]:
    """Score and share of the move, of each candidate; `whole` is how much stranger all rows have become, and the growth
    of `signs` is no measure of the others.
    """
    current, r = windows.current, strange(windows)
    n, m = int((~current).sum()), int(current.sum())
    x = members.astype(np.float32)
    old, new = x[:, ~current], x[:, current]
    before, after = old.mean(axis=1), new.mean(axis=1)
    smooth = (before * n + 0.5) / (n + 1), (after * m + 0.5) / (m + 1)
    error = np.sqrt(smooth[0] * (1 - smooth[0]) / n + smooth[1] * (1 - smooth[1]) / m)
    growth = after - before
    most = max(whole, float(growth[~signs].max(initial=0.0)), 1e-9)
    score, carries = (growth - CLEAR * error) / most, growth / most
    if whole:
        excess = (x - before[:, None]) * r.astype(np.float32)
        gap = excess[:, current].mean(axis=1) - excess[:, ~current].mean(axis=1)
        spread = np.sqrt(excess[:, current].var(axis=1) / m + excess[:, ~current].var(axis=1) / n)
        score = np.maximum(score, (gap - CLEAR * spread) / whole)
        carries = np.maximum(carries, gap / whole + before)
    return np.asarray(score, dtype=np.float64), np.asarray(np.clip(carries, 0, 1), dtype=np.float64)


def _scores_beside(members: Mask, windows: Windows, whole: float) -> Floats:
    """The covariance of being inside and being strange, since the change less before it, as a share of the move."""
    if not whole:
        return np.zeros(len(members))
    r, gap, spread = strange(windows), np.zeros(len(members)), np.zeros(len(members))
    for side, window in ((1.0, windows.current), (-1.0, ~windows.current)):
        x = members[:, window].astype(np.float64)
        both = (x - x.mean(axis=1, keepdims=True)) * (r[window] - r[window].mean())
        gap += side * both.mean(axis=1)
        spread += both.var(axis=1) / window.sum()
    return np.asarray((gap - CLEAR * np.sqrt(spread)) / whole, dtype=np.float64)


def _ordered(ranked: Sequence[Ranked], *, stranger: bool) -> list[Ranked]:
    """By score; where several requests' properties have nearly the best score of these, the simplest kind first.

    Signs come last. So do replies where requests have become stranger: they are what the model made of them.
    """
    kinds, later = list(Kind), {Kind.SIGN: 2, **({Kind.REPLY: 1} if stranger else {})}
    falling = sorted(ranked, key=lambda one: (later.get(one.candidate.kind, 0), -one.score))
    own = [one for one in falling if one.candidate.kind not in {*later, *BESIDE}]
    near = [one for one in own if one.score >= NEARLY * own[0].score > 0]
    near.sort(key=lambda one: (kinds.index(one.candidate.kind), -one.score))
    leads = _leads(falling, own)
    first = [*leads, *near]
    chosen = {id(one) for one in first}
    return [*first, *(one for one in falling if id(one) not in chosen)]


def _leads(falling: Sequence[Ranked], own: Sequence[Ranked]) -> list[Ranked]:
    """What is no property of a request, where it is first: the simplest of those with nearly the best score.

    Groups cut from the strangest requests do not stand against it: what is strange is in them whatever made it so.
    """
    kinds, beside = list(Kind), [one for one in falling if one.candidate.kind in BESIDE]
    best = max((one.score for one in own if not _strange(one.candidate)), default=0.0)
    if not beside or beside[0].score < LEADS or best >= HALF * beside[0].score:
        return []
    near = [one for one in beside if one.score >= NEARLY * beside[0].score]
    return sorted(near, key=lambda one: (kinds.index(one.candidate.kind), -one.score))


def _strange(one: Candidate) -> bool:
    return one.strange or any(part.strange for part in one.parts)


def _with_alarmed(ranked: list[Ranked], alarmed: str) -> list[Ranked]:
    """The same with the alarm's own slice first, where that is the value of a tag and no other explains far more."""
    own = next((one for one in ranked if one.candidate.name == alarmed and one.candidate.kind in _TAGS), None)
    if own is None or (ranked[0].score >= MOST_OF_IT and own.score < HALF * ranked[0].score):
        return ranked
    return [own, *(one for one in ranked if one is not own)]

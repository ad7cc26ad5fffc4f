"""Which feedback contradicts what is known more often than chance and drift make it: of one source, about one label, or
altogether.

A single statement that contradicts is no sign of anything: it is the very row that a model learns most from. So nothing
is doubted for itself. Statements are counted in groups, and a group is doubted only where it holds more contradictions
than can be explained; while nobody poisons, nothing is held back with a probability of at least 1 - 3 `ALPHA` at each
look, as far as contradictions come at most at the `usual` rate. Groups are looked at from the smallest to the largest,
and what one has taken is not counted in the next.

Pruning what disagrees with out-of-sample predictions is that of confident learning (Northcutt, Jiang and Chuang 2021,
1911.00068) and of the deep nearest-neighbor defense against clean-label poison (Peri et al. 2020, 1909.13374); both
prune row by row, which on clean data takes the hard rows away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, poisson

from homeostat.stats.many import benjamini_hochberg, holm

ALPHA = 0.001
"""Probability that a group is doubted wrongly, at each look; among doubted sources the share that is, on average."""
FEWEST = 3
"""Statements of a source from which on it is judged."""
AGREED = 0.9
"""Share of a label's requests that must be said to be another for that to be a change of policy, and no poison."""
VOICES = 5
"""Sources that must say so."""
SWOLLEN = 2.0
"""How many times as many requests of a label as usual there may be for it to be one."""
BURSTS = (100, 25)
"""Newest statements that are looked at for themselves."""
ALL = "all"
"""The group of everything that is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What somebody said of a request, beside what was known of such requests."""

    id: str
    """Of the feedback."""
    source: str
    """Who said it; empty where nobody is named."""
    time: float
    """When, in seconds since 1970."""
    known: str
    """What such requests are, as far as is known."""
    said: str
    """What this one was said to be; or that the reply was bad."""
    contradicts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A group of statements with too many contradictions, and those of them that are held back for it."""

    group: str
    """`source=alice`, `label=refund→invoice`, or `all`."""
    held: tuple[str, ...]
    """Ids of the feedback that is held back: all of a source's, else those that contradict."""
    contradicting: int
    n: int
    """Statements of the group that could be judged."""
    p: float
    """Probability of so many contradictions where nobody poisons, corrected for how many groups were looked at."""
    since: float
    """Time of the first statement that contradicts."""
    until: float
    """Time of the last."""

    @property
    def says(self) -> str:
        """The group in words."""
        return f"{self.group}: {self.contradicting} of {self.n} statements contradict what is known"


def suspects(statements: Sequence[Statement], usual: float, mix: Mapping[str, float] | None = None) -> list[Suspicion]:
    """Every group that is doubted, in the order of looking: sources, labels, all.

    Args:
        statements: those that can be judged, of sources that are not trusted.
        usual: the highest share of contradictions that needs no explanation.
        mix: share of each label among what is known; with it, a label about whose requests nearly everybody says the
            same new thing has changed its meaning, and nobody is doubted for it.
    """
    found = _sources(statements, usual)
    rest = _without(statements, found)
    found += _places(rest, usual, mix)
    rest = _without(statements, found)
    changed = _changed(rest, mix) if mix is not None else frozenset()
    return found + _together([one for one in rest if (one.known, one.said) not in changed], usual)


def _without(statements: Iterable[Statement], found: Iterable[Suspicion]) -> list[Statement]:
    held = {id for one in found for id in one.held}
    return [one for one in statements if one.id not in held]


def _sources(statements: Sequence[Statement], usual: float) -> list[Suspicion]:
    """Sources that contradict more often than the others do, and than usual."""
    by: defaultdict[str, list[Statement]] = defaultdict(list)
    for one in statements:
        by[one.source].append(one)
    names = [name for name, own in by.items() if name and len(own) >= FEWEST]
    if not names:
        return []
    own = np.array([len(by[name]) for name in names])
    mine = np.array([sum(one.contradicts for one in by[name]) for name in names])
    total, wrong = len(statements), sum(one.contradicts for one in statements)
    others = (wrong - mine) / np.maximum(total - own, 1)
    q = benjamini_hochberg(binom.sf(mine - 1, own, np.clip(others, usual, 1.0)))
    return [_suspicion(f"source={name}", by[name], by[name], q[k]) for k, name in enumerate(names) if q[k] <= ALPHA]


def _places(statements: Sequence[Statement], usual: float, mix: Mapping[str, float] | None) -> list[Suspicion]:
    """Labels whose requests are said to be one other label too often. Each label is one test, for `usual` bounds the
    share of all contradictions about it, and so that of the most frequent kind.
    """
    about: defaultdict[str, list[Statement]] = defaultdict(list)
    for one in statements:
        about[one.known].append(one)
    changed = _changed(statements, mix) if mix is not None else frozenset()
    worst = {known: _worst(own, changed) for known, own in about.items()}
    most = np.array([len(worst[known]) for known in about], dtype=np.int64)
    p = holm(binom.sf(most - 1, np.array([len(own) for own in about.values()], dtype=np.int64), usual))
    return [
        _suspicion(f"label={known}→{worst[known][0].said}", worst[known], about[known], p[k])
        for k, known in enumerate(about)
        if p[k] <= ALPHA and worst[known]
    ]


def _worst(own: Iterable[Statement], changed: frozenset[tuple[str, str]]) -> list[Statement]:
    """The contradictions of the kind that is most frequent, less what is a change of policy."""
    kinds: defaultdict[str, list[Statement]] = defaultdict(list)
    for one in own:
        if one.contradicts and (one.known, one.said) not in changed:
            kinds[one.said].append(one)
    return max(kinds.values(), key=len, default=[])


def _changed(statements: Sequence[Statement], mix: Mapping[str, float] | None) -> frozenset[tuple[str, str]]:
    """(known, said) where nearly everybody agrees on something new since it was said first, and no more requests of
    that label came than usual: a change of policy, which is to be learned. Poison adds statements to what others say.
    """
    kinds: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for one in statements:
        if one.contradicts:
            kinds[one.known, one.said].append(one.time)
    found = set()
    for (known, said), times in kinds.items():
        if len(times) < VOICES:
            continue
        since = sorted(times)[len(times) // 10]  # one that came too early may be a mistake
        after = [one for one in statements if one.time >= since]
        own = [one for one in after if one.known == known and one.said in (known, said)]
        voices = {one.source or one.id for one in own if one.said == said}
        others = {one.source or one.id for one in own if one.said == known}
        wonted = SWOLLEN * len(after) * (mix or {}).get(known, 0.0)
        agreed = len(voices) >= max(VOICES, AGREED * (len(voices) + len(others)))
        if agreed and poisson.sf(len(own) - 1, wonted) > 0.05:
            found.add((known, said))
    return frozenset(found)


def _together(statements: Sequence[Statement], usual: float) -> list[Suspicion]:
    """All that is left, or the newest of it, where so many contradict that somebody flips labels here and there, or
    many at once do.
    """
    for newest in (len(statements), *(n for n in BURSTS if n < len(statements))):
        part = statements[-newest:]
        wrong = [one for one in part if one.contradicts]
        p = float(binom.sf(len(wrong) - 1, len(part), usual)) * (1 + len(BURSTS)) if wrong else 1.0
        if p <= ALPHA:
            return [_suspicion(ALL, wrong, part, p)]
    return []


def _suspicion(group: str, held: Sequence[Statement], judged: Sequence[Statement], p: float) -> Suspicion:
    against = [one.time for one in held if one.contradicts]
    return Suspicion(
        group=group,
        held=tuple(one.id for one in held),
        contradicting=len(against),
        n=len(judged),
        p=float(p),
        since=min(against),
        until=max(against),
    )

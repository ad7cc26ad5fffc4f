"""Which feedback contradicts what is known more often than chance and drift make it: of one source, about one label, or
altogether.

A single statement that contradicts is no sign of anything: it is the very row that a model learns most from. So nothing
is doubted for itself; what nobody else says waits for company (`curate.alone`). Statements are counted in groups, and a
group is doubted only where it holds more contradictions than can be explained; while nobody poisons, nothing is held
back with a probability of at least 1 - 3 `ALPHA` at each look, as far as contradictions come at most at the `usual`
rate. Groups are looked at from the smallest to the largest, and what one has taken is not counted in the next.

Pruning what disagrees with out-of-sample predictions is that of confident learning (Northcutt, Jiang and Chuang 2021,
1911.00068) and of the deep nearest-neighbor defense against clean-label poison (Peri et al. 2020, 1909.13374); both
prune row by row, which on clean data takes the hard rows away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import binom, poisson

from homeostat.curate.sources import FEW
from homeostat.llm.features import Floats, grams
from homeostat.stats.many import benjamini_hochberg, holm

ALPHA = 0.001
"""Probability that a group is doubted wrongly, at each look; among doubted sources the share that is, on average."""
FEWEST = 3
"""Statements of a source from which on it is judged."""
AGREED = 0.9
"""Share of those who speak of like requests that must say the same new thing for a change of policy, and no poison."""
VOICES = 5
"""Sources that must say so, or statements where fewer than `FEW` sources are named."""
NEAREST, WIDTH = 600, 512
"""Newest statements about a label that are compared with each other, and features of a request to do it by."""
SWOLLEN = 2.0
"""How many times as many requests of a label as usual there may be for it to be one."""
BURSTS = (100, 25)
"""Newest statements that are looked at for themselves."""
SOURCE, ALL = "source=", "all"
"""How the group of a source begins, and the group of everything that is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What somebody said of a request, beside what was known of such requests."""

    id: str
    """Of the feedback."""
    source: str
    """Who said it; empty where nobody is named."""
    time: float
    """When, in seconds since 1970."""
    text: str
    """The request."""
    known: str
    """What such requests are, as far as is known."""
    said: str
    """What this one was said to be; or that the reply was bad."""
    contradicts: bool
    plain: bool = True
    """Whether the request is as plain as what is known: only then it is counted, for of new wording nobody knows."""


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
        statements: of sources that are not trusted, about labels that are known.
        usual: the highest share of contradictions that needs no explanation.
        mix: share of each label among what is known; with it, a new thing that nearly everybody says of some requests
            is a change of policy, and nobody is doubted for it.
    """
    plain = [one for one in statements if one.plain]
    changed = _changed(plain, mix) if mix is not None else frozenset()
    judged = [one for one in plain if (one.known, one.said) not in changed]
    found = _sources(judged, usual)
    found += _places(_without(judged, found), _without(statements, found), usual)
    return found + _together(_without(judged, found), usual)


def _without(statements: Iterable[Statement], found: Iterable[Suspicion]) -> list[Statement]:
    held = {id for one in found for id in one.held}
    return [one for one in statements if one.id not in held]


def _sources(statements: Sequence[Statement], usual: float) -> list[Suspicion]:
    """Sources that contradict more often than the others do, and than usual. One that gave more than all others has
    nobody to be compared with.
    """
    by: defaultdict[str, list[Statement]] = defaultdict(list)
    for one in statements:
        by[one.source].append(one)
    most = len(statements) / 2
    names = [name for name, own in by.items() if name and FEWEST <= len(own) <= most]
    if not names:
        return []
    own = np.array([len(by[name]) for name in names])
    mine = np.array([sum(one.contradicts for one in by[name]) for name in names])
    total, wrong = len(statements), sum(one.contradicts for one in statements)
    others = (wrong - mine) / np.maximum(total - own, 1)
    q = benjamini_hochberg(binom.sf(mine - 1, own, np.clip(others, usual, 1.0)))
    return [_suspicion(f"{SOURCE}{name}", by[name], by[name], q[k]) for k, name in enumerate(names) if q[k] <= ALPHA]


def _places(judged: Sequence[Statement], statements: Sequence[Statement], usual: float) -> list[Suspicion]:
    """Labels whose requests are said to be one other label too often. Each label is one test, for `usual` bounds the
    share of all contradictions about it, and so that of the most frequent kind. What contradicts so in other words is
    held back too.
    """
    about: defaultdict[str, list[Statement]] = defaultdict(list)
    for one in judged:
        about[one.known].append(one)
    worst = {known: _worst(own) for known, own in about.items()}
    most = np.array([len(worst[known]) for known in about], dtype=np.int64)
    p = holm(binom.sf(most - 1, np.array([len(own) for own in about.values()], dtype=np.int64), usual))
    found = []
    for known, level in zip(about, p, strict=True):
        if level <= ALPHA and worst[known]:
            said = worst[known][0].said
            held = [one for one in statements if one.contradicts and (one.known, one.said) == (known, said)]
            found.append(_suspicion(f"label={known}→{said}", held, about[known], level))
    return found


def _worst(own: Iterable[Statement]) -> list[Statement]:
    """The contradictions of the kind that is most frequent."""
    kinds: defaultdict[str, list[Statement]] = defaultdict(list)
    for one in own:
        if one.contradicts:
            kinds[one.said].append(one)
    return max(kinds.values(), key=len, default=[])


def _changed(statements: Sequence[Statement], mix: Mapping[str, float] | None) -> frozenset[tuple[str, str]]:
    """(known, said) that are a change of policy, which is to be learned: since it was said first, nearly everybody who
    speaks of requests like these says the new thing, and no more requests of that label come than usual. It may be of
    some of a label's requests only. Poison adds statements to what others go on saying of the same requests.
    """
    times: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for one in statements:
        if one.contradicts:
            times[one.known, one.said].append(one.time)
    found = set()
    for (known, said), when in times.items():
        if len(when) < VOICES:
            continue
        since = sorted(when)[len(when) // 10]  # one that came too early may be a mistake
        after = [one for one in statements if one.time >= since]
        own = [one for one in after if one.known == known]
        wonted = SWOLLEN * len(after) * (mix or {}).get(known, 0.0)
        if poisson.sf(len(own) - 1, wonted) > 0.05 and _agreed(own, said):
            found.add((known, said))
    return frozenset(found)


def _agreed(own: Sequence[Statement], said: str) -> bool:
    """Whether those who speak of requests like those that are said to be another now agree. Whose nearest request of
    somebody else's is one of these speaks of such: as one more voice for it, or against.
    """
    own = [one for one in own if (one.said == said and one.contradicts) or one.said == one.known][-NEAREST:]
    few = len({one.source for one in own if one.source}) < FEW
    voices = [_voice(one, few=few) for one in own]
    new = np.array([one.said == said for one in own])
    features = np.stack([read(one.text) for one in own])
    alike = features @ features.T
    alike[np.array(voices)[:, None] == np.array(voices)[None]] = -np.inf
    like = new[alike.argmax(1)]
    for_it = {voice for voice, one, near in zip(voices, new, like, strict=True) if one and near}
    against = {voice for voice, one, near in zip(voices, new, like, strict=True) if near and not one}
    return len(for_it) >= max(VOICES, AGREED * (len(for_it) + len(against)))


@lru_cache(maxsize=4096)
def read(text: str) -> Floats:
    """float64[width]: hashed n-grams of a request, of length 1."""
    return np.asarray(grams([text], WIDTH)[0])


def _voice(one: Statement, *, few: bool) -> str:
    """Whose voice it is; where sources are few they are desks or kinds of sources, and each statement is a voice."""
    return one.id if few or not one.source else one.source


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
    counted = sum(one.contradicts and one.plain for one in held)
    return Suspicion(
        group=group,
        held=tuple(one.id for one in held),
        contradicting=counted,
        n=len(judged),
        p=float(p),
        since=min(against),
        until=max(against),
    )

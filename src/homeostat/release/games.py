"""What is bet on while a candidate is tried: quality, overall and in every slice, failures, time, and length; and what
people and judges rate, where they do.

Each game is a betting e-process (2010.09686) against "the candidate is worse by no more than the margin", and the whole
is their mean, weighted by stakes that are fixed before the first row. If no game has harm to show, the mean is a
supermartingale that starts at 1 as each of them is, so it ever reaches 1/alpha with probability at most alpha: one
allowance of false alarms for all games together, however many slices there are and however often one looks.

Who asks often counts once (`stats.depths`): of a user, or of an episode where nobody says who asks, the first row is
bet on, and the mean of the first three and of the first nine, at levels of their own. A row that is not in a slice is
neither won nor lost there. Failures count by request.

Time and length are compared request by request, so that a machine that slows down slows both sides: what counts is in
how many more requests the candidate took twice as long as the champion than the other way round.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from homeostat.release.alike import Replied, alike, either
from homeostat.release.ratings import Heard, Opined, liked_more
from homeostat.stats.clustered import Ints, whose
from homeostat.stats.depths import DEPTHS, at_depth, depths, most_wealth
from homeostat.stats.eprocess import Betting

QUALITY, SLICES, ERRORS, LATENCY, COST = "quality", "slices", "errors", "latency", "cost"
RATINGS, JUDGES = "ratings", "judges"
STAKES: Mapping[str, float] = {QUALITY: 0.5, SLICES: 0.25, ERRORS: 0.1, LATENCY: 0.1, COST: 0.05}
"""Parts of the stake. Slices share theirs evenly; where there are none, theirs is quality's."""
RATED = 0.5
"""Part of quality's stake that ratings get, where people or judges rate replies; half of it each where both do."""
FAILING = 0.01
"""Share of requests in which a candidate may fail more often than the champion."""
SLACK = 0.1
"""Share of requests, counted as above, in which a candidate may be much slower, or write much more."""
TIMES, LEAST_MS, LEAST_TOKENS = 2.0, 50.0, 16.0
"""Much is so many times the other, and more than that by as many milliseconds or tokens."""
_WIDEST = 0.999
"""Margin that stands for one of 1, at which nothing is harm and there is nothing to bet on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How well both versions did on one request, each in [0, 1], and the slices that it is in, as `tag=value`."""

    candidate: float
    champion: float
    slices: Collection[str] = ()
    whose: str = ""
    """Who asked, or the episode; empty for somebody else than everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What is known of the requests that two versions were put to."""

    judged: Sequence[Judged] = ()
    """In the order in which it became known how well both did."""
    pairs: int = 0
    """Requests that both answered."""
    replied: Sequence[Replied] = ()
    """Whether they gave the same reply to each of them."""
    answered: int = 0
    """Requests that the candidate answered."""
    failed: tuple[int, int, int] = (0, 0, 0)
    """Requests that the candidate alone failed on, the champion alone, and both."""
    raced: Sequence[tuple[float, float]] = ()
    """Milliseconds that the candidate and the champion took for the same request, one right after the other."""
    racers: Sequence[str] = ()
    """Whose each of these requests was, as `Judged.whose`; nothing where each was somebody else's."""
    lengths: Sequence[tuple[float, float]] = ()
    """Tokens that the candidate and the champion wrote in reply to the same request."""
    readers: Sequence[str] = ()
    """Whose each of these was."""
    rated: Sequence[Heard] = ()
    """Episodes of which people rated what they heard."""
    usual: float = math.nan
    """The champion's usual rating when the stage began; NaN where nobody rated, and so nothing is bet on ratings."""
    opined: Sequence[Opined] = ()
    """Episodes of which judges rated what was heard, or both replies."""
    opining: bool = False
    """Whether judges rated the champion's replies when the stage began; if not, nothing is bet on what they say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Game:
    """One thing that is bet on, and how the bet stands."""

    name: str
    """One of the names above, or `tag=value` for the quality in a slice."""
    stake: float
    margin: float
    n: int
    mean: float
    """Mean difference, candidate minus champion, in [-1, 1]; below 0 the candidate is worse. 0 of no rows."""
    harm: float
    """Natural logarithm of the wealth against "worse by at most the margin"."""
    safe: float
    """Natural logarithm of the wealth against "worse by the margin or more"."""

    @staticmethod
    def of(name: str, stake: float, margin: float, differences: ArrayLike) -> Game:
        """The game on these differences, candidate minus champion, each in [-1, 1]."""
        rows, margin = np.asarray(differences, np.float64).ravel(), min(margin, _WIDEST)
        harm, safe = Betting.harm(margin), Betting(margin)
        harm.take(rows)
        safe.take(rows)
        mean = float(rows.mean()) if len(rows) else 0.0
        return Game(
            name=name,
            stake=stake,
            margin=margin,
            n=len(rows),
            mean=mean,
            harm=harm.log_value,
            safe=safe.log_value,
        )

    @property
    def weighed(self) -> float:
        """Natural logarithm of what it adds to the whole."""
        return self.harm + math.log(self.stake)


@dataclass(frozen=True, slots=True)
class Games:
    """All that is bet on."""

    all: tuple[Game, ...] = field(default=())
    """On the first row of everybody."""
    deeper: Mapping[int, tuple[Game, ...]] = field(default_factory=dict)
    """The same games on the mean of so many first rows; none where no row says whose it is."""
    alike: Sequence[float] = ()
    """Natural logarithm of the wealth for "not worse" by replies that are the same, of quality and every slice; none
    where replies are not known."""

    @property
    def harm(self) -> float:
        """Natural logarithm of the whole wealth at the depth where it is highest."""
        return most_wealth({depth: _whole(games) for depth, games in self._depths.items()}, self._parts)

    @property
    def safe(self) -> float:
        """Natural logarithm of the least wealth for "not worse", over quality and every slice of it."""
        asked = [k for k, game in enumerate(self.all) if game.name not in (ERRORS, LATENCY, COST, RATINGS, JUDGES)]
        of = [most_wealth({depth: games[k].safe for depth, games in self._depths.items()}, self._parts) for k in asked]
        return min(map(either, of, self.alike) if self.alike else of, default=0.0)

    @property
    def telling(self) -> tuple[Game, ...]:
        """The games at the depth that shows most harm."""
        return max(self._depths.items(), key=lambda one: _whole(one[1]) + math.log(self._parts[one[0]]))[1]

    @property
    def _depths(self) -> Mapping[int, tuple[Game, ...]]:
        return {1: self.all, **self.deeper}

    @property
    def _parts(self) -> Mapping[int, float]:
        return DEPTHS if self.deeper else {1: 1.0}


def _whole(games: Sequence[Game]) -> float:
    """Natural logarithm of the wealth of games together; what is not staked is kept."""
    kept = max(1e-300, 1.0 - sum(game.stake for game in games))
    return float(logsumexp([math.log(kept), *(game.weighed for game in games)]))


def played(tried: Tried, slices: Collection[str], margin: float) -> Games:
    """The games on what is known: `slices` were chosen before the first row, `margin` is that of quality."""
    whole = STAKES[QUALITY] + (0.0 if slices else STAKES[SLICES])
    raters = (not math.isnan(tried.usual)) + tried.opining
    part = RATED * STAKES[QUALITY] if raters else 0.0
    differences = np.array([one.candidate - one.champion for one in tried.judged], np.float64)
    rows = _Rows(differences, whose([one.whose for one in tried.judged]))
    everywhere = np.ones(len(differences), bool)
    games = [rows.games(QUALITY, whole - part, margin, everywhere)]
    for name in slices:
        inside = np.array([name in one.slices for one in tried.judged], bool)
        games.append(rows.games(name, STAKES[SLICES] / len(slices), margin, inside))
    ours, theirs, both = tried.failed
    errors = np.array([-1.0] * ours + [1.0] * theirs + [0.0] * (both + tried.answered))
    games.append({1: Game.of(ERRORS, STAKES[ERRORS], FAILING, errors)})
    for name, pairs, least, by in (
        (LATENCY, tried.raced, LEAST_MS, tried.racers),
        (COST, tried.lengths, LEAST_TOKENS, tried.readers),
    ):
        found = much(pairs, least)
        games.append(_Rows(found, whose(by)).games(name, STAKES[name], SLACK, np.ones(len(found), bool)))
    if not math.isnan(tried.usual):
        games.append({1: _of_ratings(tried, part / raters, margin)})
    if tried.opining:
        games.append({1: _of_judges(tried, part / raters, margin)})
    deep = sorted({depth for game in games for depth in game} - {1})
    return Games(
        tuple(game[1] for game in games),
        {k: tuple(game.get(k, game[1]) for game in games) for k in deep},
        alike(tried.replied, tuple(slices), min(margin, _WIDEST)) if tried.replied else (),
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Differences in the order in which they became known, and whose they are."""

    differences: np.ndarray
    whose: Ints | None

    def games(self, name: str, stake: float, margin: float, inside: np.ndarray) -> dict[int, Game]:
        """The game on the rows that are inside, at every depth; its figures are those of all of them."""
        margin, rows = min(margin, _WIDEST), self.differences[inside]
        if self.whose is None:
            return {1: Game.of(name, stake, margin, rows)}
        neither = np.where(inside, self.differences, -margin)  # what is worth nothing, for harm and against it
        mean = float(rows.mean()) if len(rows) else 0.0
        return {
            depth: replace(Game.of(name, stake, margin, at_depth(neither, self.whose, depth)), n=len(rows), mean=mean)
            for depth in depths(self.whose)
        }


def _of_ratings(tried: Tried, stake: float, margin: float) -> Game:
    """The game on ratings: what each adds is moved up by its part of the margin, so that one bound holds for all."""
    signed = np.array([one.signed(tried.usual) for one in tried.rated])
    weights = np.array([one.weight for one in tried.rated])
    found = Game.of(RATINGS, stake, 0.0, np.clip(signed + margin * weights, -1.0, 1.0))
    return replace(found, margin=margin, mean=liked_more(tried.rated))


def _of_judges(tried: Tried, stake: float, margin: float) -> Game:
    """The same on what judges say."""
    values, weights = (np.array([getattr(one, name) for one in tried.opined]) for name in ("value", "weight"))
    found = Game.of(JUDGES, stake, 0.0, np.clip(values + margin * weights, -1.0, 1.0))
    return replace(found, margin=margin, mean=float(values.sum() / weights.sum()) if len(values) else 0.0)


def much(both: Sequence[tuple[float, float]], least: float) -> np.ndarray:
    """float64[rows]: -1 where the first of two amounts is much more than the second, 1 the other way round, else 0."""
    ours, theirs = np.array(both, np.float64).reshape(-1, 2).T
    more = (ours > TIMES * theirs) & (ours > theirs + least)
    less = (theirs > TIMES * ours) & (theirs > ours + least)
    return less.astype(np.float64) - more

"""What the requests of a release say about a candidate, weighed: evidence that may be looked at after every row.

Games (`release.games`) gather evidence of harm in quality, overall and in every slice of the traffic, and in failures,
time and length; their mirror is evidence that no harm is done. Each is wrong with probability at most its alpha however
often one looks. Wealth is a product over users, so feedback may come late and in any order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from homeostat.config.schema import Release as Settings
from homeostat.release.alike import PART
from homeostat.release.games import (
    COST,
    ERRORS,
    JUDGES,
    LATENCY,
    QUALITY,
    RATINGS,
    Game,
    Games,
    Judged,
    Tried,
    played,
)
from homeostat.stats.clustered import whose


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the requests of one stage of a release say."""

    pairs: int
    """Requests that both versions answered, and those that one of them failed on."""
    judged: int
    """Those of them of which it is known how well both did."""
    candidate: float
    """Mean score of the candidate on the judged ones, in [0, 1]."""
    champion: float
    """Mean score of the champion on the same."""
    errors: int
    """Requests that the candidate failed on."""
    harm: float
    """Natural logarithm of the wealth against "the candidate does no harm", over all games."""
    safe: float
    """Natural logarithm of the least wealth against "the candidate is worse by `harm_margin` or more", overall and in
    every slice."""
    games: tuple[Game, ...] = ()
    """What is bet on, each by itself."""
    rated: int = 0
    """Episodes that heard the candidate and were rated."""
    opined: int = 0
    """Those of them that judges rated, and no person."""
    users: int = 0
    """Of whom a pair was judged: users, or episodes where no user is named; each pair where neither is."""
    enough: int = 0
    """Judged pairs after which a candidate that has to show that it is safe is given up."""
    alike: float = 0.0
    """Natural logarithm of the least wealth against the same by replies that are the same alone, without any label."""
    differing: float = 0.0
    """Share of the pairs in which the replies differ."""
    unheard: str = ""
    """Judges whose ratings do not count, for they overrate the candidate."""

    @staticmethod
    def of(scores: Sequence[tuple[float, float]], settings: Settings, *, pairs: int = 0) -> Evidence:
        """What judged pairs say, in their order: the score of the candidate and of the champion, each in [0, 1]."""
        judged = [Judged(candidate=ours, champion=theirs) for ours, theirs in scores]
        return weigh(Tried(judged=judged, pairs=max(pairs, len(judged)), answered=len(judged)), {}, settings)

    @property
    def difference(self) -> float:
        """Candidate minus champion, over pairs and ratings; 0 while nothing is known."""
        pairs = self.judged * (self.candidate - self.champion)
        parts = {RATINGS: self.rated - self.opined, JUDGES: self.opined}
        ratings = sum(parts[game.name] * game.mean for game in self.games if game.name in parts)
        return (pairs + ratings) / max(self.judged + self.rated, 1)

    @property
    def failing(self) -> bool:
        """Whether the candidate fails more often than the champion by more than is borne, shown or not."""
        return any(game.name == ERRORS and game.mean < -game.margin for game in self.games)

    def harm_shown(self, settings: Settings) -> bool:
        """Whether the candidate is shown to do harm in any of the games."""
        return self.harm >= _threshold(settings.harm_alpha)

    def safety_shown(self, settings: Settings) -> bool:
        """Whether it is shown not to be worse by `harm_margin`, overall and in every slice."""
        return self.safe >= _threshold(settings.alpha)

    def alike_shown(self, settings: Settings) -> bool:
        """Whether its replies alone show that, as hardly any of them is another than the champion's.

        After no fewer pairs than are judged at most: replies say nothing of time and failures, which have to show too.
        """
        return self.pairs >= settings.most_feedback and self.alike + math.log(PART) >= _threshold(settings.alpha)

    def fit(self, settings: Settings, *, passed: bool) -> bool | None:
        """Whether a canary has shown its candidate fit to answer everything; None while that is open.

        `passed` says that the gate let it pass; a candidate that no gate let pass has to show that it is safe.
        """
        if self.harm_shown(settings):
            return False
        fit = self.difference >= 0.0 and not self.failing and (passed or self.safety_shown(settings))
        most = settings.most_feedback if passed else max(self.enough, settings.most_feedback)
        waited = self.judged + self.rated >= most  # labels are paid for one by one, whoever asked
        if fit and (waited or self.users + self.rated >= settings.canary_feedback or self.alike_shown(settings)):
            return True
        return False if waited else None

    def blamed(self) -> str:
        """The game that shows most harm, in words."""
        game = max(self.games, key=lambda one: one.weighed)
        points = 100 * abs(game.mean)
        said = {
            QUALITY: f"quality, {points:.1f} points below",
            ERRORS: f"failures, {self.errors} of {game.n} requests",
            LATENCY: f"time, much slower in {points:.0f} % more of {game.n} requests",
            COST: f"length, much longer in {points:.0f} % more of {game.n} replies",
            RATINGS: f"ratings, {points:.1f} points below in {game.n} rated episodes",
            JUDGES: f"what judges say, {points:.1f} points below in {game.n} episodes",
        }
        return said.get(game.name, f"quality where {game.name}, {points:.1f} points below in {game.n} judged")


def weigh(tried: Tried, slices: Mapping[str, float], settings: Settings) -> Evidence:
    """What is known as evidence; `slices` are the planned ones, each with its share of the traffic."""
    games: Games = played(tried, tuple(slices), settings.harm_margin)
    n = len(tried.judged)
    return Evidence(
        pairs=max(tried.pairs, n) + sum(tried.failed),
        judged=n,
        candidate=sum(one.candidate for one in tried.judged) / n if n else 0.0,
        champion=sum(one.champion for one in tried.judged) / n if n else 0.0,
        errors=tried.failed[0] + tried.failed[2],
        harm=games.harm,
        safe=games.safe,
        games=games.telling,
        alike=min(games.alike, default=0.0),
        differing=sum(not one.same for one in tried.replied) / max(len(tried.replied), 1),
        users=n if (of := whose([one.whose for one in tried.judged])) is None else len(set(of.tolist())),
        rated=sum(one.mine for one in tried.rated) + sum(one.mine for one in tried.opined),
        opined=sum(one.mine for one in tried.opined),
        enough=math.ceil(settings.most_feedback / min(slices.values(), default=1.0)),
    )


def _threshold(alpha: float) -> float:
    """Logarithm of the wealth that is significant; infinite where no error is allowed."""
    return -math.log(alpha) if alpha > 0.0 else math.inf

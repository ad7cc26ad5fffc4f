"""What a turn that makes a candidate costs beside its making: the judge's tokens, and the risk of a bad release. Pure.

Both are read from the record. A judge is paid for the replies that it rates while a candidate is tried. And a candidate
may be bad: the gate refuses it, or it is taken back after it has answered some requests, each of them a little worse.
"""

from __future__ import annotations

from dataclasses import dataclass

from scipy.special import betaincinv

from homeostat.types.report import Score

BAD, GOOD = 1.0, 3.0
"""Turns, bad and good, that are presumed before any has ended (a Beta prior): one candidate in four."""
MILLION = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What judges read and write in a turn, going by what they rated so far."""

    pairs: float
    """Replies of a candidate that they rate, each beside the champion's."""
    read: float
    """Tokens of a pair: both requests and both replies; what a judge is told besides is not known."""
    written: float
    """Tokens of its two ratings."""
    ratings: int
    """That this was measured on."""
    trials: int
    """Earlier trials that `pairs` was counted in; 0 where it is what a release waits for."""
    price_read: float = 0.0
    """Of a million tokens read."""
    price_written: float = 0.0
    """Of a million tokens written."""

    @property
    def tokens(self) -> float:
        """Read and written in a turn."""
        return self.pairs * (self.read + self.written)

    @property
    def cost(self) -> float:
        """Of a turn."""
        return self.pairs * (self.read * self.price_read + self.written * self.price_written) / MILLION


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """How often candidates of a task were bad, and whom that reached."""

    turns: int
    """Earlier turns that made a candidate and came to an end."""
    bad: int
    """Of these, whose candidates were refused or taken back."""
    exposed: float
    """Requests that a bad candidate answers, in the mean: none of one that the gate refused."""
    loss: float
    """By how much each of them is worse, in the task's metric: what the gate lets pass for as good."""

    @property
    def chance(self) -> Score:
        """Of a bad candidate, with its 95 % interval."""
        a, b = BAD + self.bad, GOOD + self.turns - self.bad
        low, high = (float(betaincinv(a, b, tail)) for tail in (0.025, 0.975))
        return Score(mean=a / (a + b), low=low, high=high, n=self.turns)

    @property
    def harm(self) -> float:
        """Right answers that a turn may cost, in the mean."""
        return self.chance.mean * self.exposed * self.loss


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """Both, in the unit of `decide.value_per_correct`."""

    judge: float = 0.0
    risk: float = 0.0

    @property
    def total(self) -> float:
        """Of a turn."""
        return self.judge + self.risk


def toll(judging: Judging | None, risk: Risk | None, value_per_correct: float) -> Toll:
    """What a turn costs beside the making of its candidate; nothing of what is not known."""
    harm = risk.harm * value_per_correct if risk else 0.0
    return Toll(judge=judging.cost if judging else 0.0, risk=harm)

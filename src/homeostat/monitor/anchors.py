"""Has a model elsewhere changed without a word? The same prompts, asked again and again, tell.

At each look every prompt is answered a few times. The replies are compared with all earlier ones, prompt by prompt, by
the mean discrepancy of a kernel on their letters (model equality testing: Gao, Liang, Guestrin 2024, arXiv 2410.20247).
While nothing changes, a look's replies are exchangeable with those before it, so its p-value, from permuting them, is
valid at any size; and as the replies before it are used as a bag, the p-values of successive looks are independent. An
e-detector sums them up: alarms come on average no sooner than every so many looks (arXiv 2203.03532).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EVERY = 365
"""Looks to a false alarm, on average at least."""
PERMUTATIONS = 4999
LETTERS = 400
"""Of a reply that are compared."""
TAILS = (0.3, 0.5, 0.7, 0.9)
"""Exponents of the bets that p-values are small."""
_SAME = 1e-12
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look has found."""

    looks: int
    """Looks since the reference began, this one included; the first compares nothing."""
    p: float
    """Chance of replies as different from the earlier ones, if nothing changed; 1 at the first look."""
    statistic: float
    """Squared discrepancy, summed over prompts."""
    evidence: float
    """What the detector has gathered; it alarms at `every`."""
    alarm: bool
    moved: tuple[str, ...] = ()
    """The prompts whose replies differ most, the first ones most."""


class Anchors:
    """All replies of a model to a set of prompts, and the evidence that it is another model now."""

    def __init__(self, every: float = EVERY, *, permutations: int = PERMUTATIONS) -> None:
        self.every, self.permutations = every, permutations
        self.looks = 0
        self._evidence = 0.0
        self._bag: dict[str, Counter[str]] = {}

    def look(self, replies: Mapping[str, Sequence[str]], random: np.random.Generator) -> Look:
        """Compare a look's replies, by prompt, with all earlier ones, then put them into the bag. A prompt that is new
        has nothing to be compared with. After an alarm the bag begins anew with these.
        """
        discrepancies = {
            prompt: _discrepancy(self._bag[prompt], Counter(said), self.permutations, random)
            for prompt, said in replies.items()
            if prompt in self._bag and said
        }
        total = sum(discrepancies.values(), np.zeros(1 + self.permutations))
        p = float(np.mean(total >= total[0] - _SAME)) if discrepancies else 1.0
        if discrepancies:
            self._evidence = (self._evidence + 1.0) * _bet(p)
        evidence, alarm = self._evidence, self._evidence >= self.every
        if alarm:
            self.looks, self._evidence, self._bag = 0, 0.0, {}
        self.looks += 1
        for prompt, said in replies.items():
            self._bag.setdefault(prompt, Counter()).update(said)
        order = sorted(discrepancies, key=lambda prompt: -float(discrepancies[prompt][0]))
        moved = tuple(prompt for prompt in order if discrepancies[prompt][0] > _SAME)[:_NAMED]
        return Look(looks=self.looks, p=p, statistic=float(total[0]), evidence=evidence, alarm=alarm, moved=moved)

    def state(self) -> dict[str, Any]:
        """Everything, as JSON knows it."""
        return {"every": self.every, "looks": self.looks, "evidence": self._evidence, "bag": self._bag}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Anchors:
        """One that goes on where another stood."""
        made = cls(state["every"])
        made.looks, made._evidence = state["looks"], state["evidence"]
        made._bag = {prompt: Counter(said) for prompt, said in state["bag"].items()}
        return made


def _bet(p: float) -> float:
    """An e-value: its mean is at most 1 where p is uniform or larger."""
    kappa = np.array(TAILS)
    return float(np.mean(kappa * p ** (kappa - 1.0)))


def _discrepancy(before: Counter[str], now: Counter[str], permutations: int, random: np.random.Generator) -> Floats:
    """Squared mean discrepancy of two bags of replies, then of random divisions of them: float64[1 + permutations].

    The variants draw which of all replies are `now`'s; only how often each different reply was drawn matters.
    """
    different = sorted({*before, *now})
    totals = np.array([before[reply] + now[reply] for reply in different], dtype=np.int64)
    drawn, size = np.array([[now[reply] for reply in different]]), now.total()
    if len(different) > 1:
        chance = random.multivariate_hypergeometric(totals, size, size=permutations)
    else:
        chance = np.full((permutations, 1), size)
    mine = np.concatenate([drawn, chance]) / size
    others = (totals - np.concatenate([drawn, chance])) / before.total()
    apart = mine - others
    return np.asarray(np.einsum("nu,uv,nv->n", apart, _alike(different), apart, optimize=True), dtype=np.float64)


def _alike(replies: Sequence[str]) -> Floats:
    """How alike each pair of replies is: float64[replies, replies]. Half of it is the share of the places with the same
    letter, half whether they are the same altogether: of short replies of different lengths, the first alone says
    little, as where both have ended counts as the same.
    """
    length = max(1, min(LETTERS, max(map(len, replies))))
    codes = np.zeros((len(replies), length), dtype=np.int64)
    for place, reply in enumerate(replies):
        codes[place, : len(reply)] = [1 + ord(letter) for letter in reply[:length]]
    return (np.stack([(codes == row).mean(axis=1) for row in codes]) + np.eye(len(replies))) / 2.0

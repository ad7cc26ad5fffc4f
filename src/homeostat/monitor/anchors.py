"""Has a model elsewhere changed without a word? The same prompts, asked again and again, tell.

At each look every prompt is answered a few times. The replies are compared with all earlier ones, prompt by prompt, by
the mean discrepancy of a kernel on their letters (model equality testing: Gao, Liang, Guestrin 2024, arXiv 2410.20247).
While nothing changes, a look's replies are exchangeable with those before it, so its p-value, from permuting them, is
valid at any size; and as the replies before it are used as a bag, the p-values of successive looks are independent. An
e-detector sums them up: alarms come on average no sooner than every so many looks (arXiv 2203.03532).

A judge is looked at in the same way: it scores the same replies again and again, and scores are compared as numbers. As
a judge that has become milder is milder with most of them, half of what is bet is bet on the sum of the differences.
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
    shift: float = 0.0
    """Of scores, by how much they are higher than before, on average over prompts; 0 of replies."""


class Anchors:
    """All replies of a model to a set of prompts, and the evidence that it is another model now."""

    def __init__(self, every: float = EVERY, *, permutations: int = PERMUTATIONS, scores: bool = False) -> None:
        """`scores`: whether what it says are numbers from 0 to 1, written as text."""
        self.every, self.permutations, self.scores = every, permutations, scores
        self.looks = 0
        self._evidence = 0.0
        self._bag: dict[str, Counter[str]] = {}

    def look(self, replies: Mapping[str, Sequence[str]], random: np.random.Generator) -> Look:
        """Compare a look's replies, by prompt, with all earlier ones, then put them into the bag. A prompt that is new
        has nothing to be compared with. After an alarm the bag begins anew with these.
        """
        compared = {
            prompt: self._compared(prompt, Counter(said), random)
            for prompt, said in replies.items()
            if prompt in self._bag and said
        }
        discrepancies = {prompt: apart for prompt, (apart, _) in compared.items()}
        total = sum(discrepancies.values(), np.zeros(1 + self.permutations))
        shifts = sum((shift for _, shift in compared.values()), np.zeros(1 + self.permutations))
        p = float(np.mean(total >= total[0] - _SAME)) if discrepancies else 1.0
        if discrepancies:
            along = float(np.mean(np.abs(shifts) >= abs(shifts[0]) - _SAME))
            self._evidence = (self._evidence + 1.0) * ((_bet(p) + _bet(along)) / 2.0 if self.scores else _bet(p))
        evidence, alarm = self._evidence, self._evidence >= self.every
        if alarm:
            self.looks, self._evidence, self._bag = 0, 0.0, {}
        self.looks += 1
        for prompt, said in replies.items():
            self._bag.setdefault(prompt, Counter()).update(said)
        order = sorted(discrepancies, key=lambda prompt: -float(discrepancies[prompt][0]))
        moved = tuple(prompt for prompt in order if discrepancies[prompt][0] > _SAME)[:_NAMED]
        return Look(
            looks=self.looks,
            p=p,
            statistic=float(total[0]),
            evidence=evidence,
            alarm=alarm,
            moved=moved,
            shift=float(shifts[0]) / max(1, len(compared)),
        )

    def _compared(self, prompt: str, now: Counter[str], random: np.random.Generator) -> tuple[Floats, Floats]:
        """What is said now beside what was said before, then beside random divisions of both: squared discrepancy, and
        difference of the means where these are numbers; float64[1 + permutations] each.
        """
        different, apart = _apart(self._bag[prompt], now, self.permutations, random)
        if not self.scores:
            return _squared(apart, _alike(different)), np.zeros(1 + self.permutations)
        values = np.array([float(score) for score in different])
        return _squared(apart, 1.0 - np.abs(values[:, None] - values[None])), apart @ values

    def state(self) -> dict[str, Any]:
        """Everything, as JSON knows it."""
        kept = {"every": self.every, "looks": self.looks, "evidence": self._evidence, "bag": self._bag}
        return {**kept, "scores": self.scores}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Anchors:
        """One that goes on where another stood."""
        made = cls(state["every"], scores=state.get("scores", False))  # older states have none
        made.looks, made._evidence = state["looks"], state["evidence"]
        made._bag = {prompt: Counter(said) for prompt, said in state["bag"].items()}
        return made


def _bet(p: float) -> float:
    """An e-value: its mean is at most 1 where p is uniform or larger."""
    kappa = np.array(TAILS)
    return float(np.mean(kappa * p ** (kappa - 1.0)))


def _apart(
    before: Counter[str], now: Counter[str], permutations: int, random: np.random.Generator
) -> tuple[list[str], Floats]:
    """The different replies of two bags, and by how much more often each is said now; then the same of random divisions
    of both: float64[1 + permutations, replies].

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
    return different, mine - others


def _squared(apart: Floats, alike: Floats) -> Floats:
    """Squared mean discrepancies under a kernel, float64[replies, replies]."""
    return np.asarray(np.einsum("nu,uv,nv->n", apart, alike, apart, optimize=True), dtype=np.float64)


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

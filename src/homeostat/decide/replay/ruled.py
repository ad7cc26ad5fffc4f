"""A policy of the configuration in a replay: the same triggers, bounds and rule as in a turn, fed step by step.

What a replay cannot know leaves its triggers where nothing is known: estimates without labels, and ratings. `propose`
and `advise` are taken as if everybody said yes at once, for that is what one wants to know beforehand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from homeostat.config.schema import Decide
from homeostat.decide.budget import Book, Booking, Given, booked, spent
from homeostat.decide.policy import Ledger, decide, halt
from homeostat.decide.replay.policies import Look, Make, Policy, Prices
from homeostat.decide.rule import Memory, Rule, asked, bounds
from homeostat.decide.sentence import Reason
from homeostat.decide.trigger.sight import MEASURED, Fall, Sight, fall, newest
from homeostat.decide.value import Evidence
from homeostat.stats.intervals import mean_interval, paired
from homeostat.types.decision import Action
from homeostat.types.report import Score
from homeostat.types.signal import Moved, Signal

WINDOW = 400
"""Newest labeled rows that the gain is measured on, as in a turn."""
_HOUR_S = 3600.0


def ruled(rule: Rule, settings: Decide, objective: float | None = None) -> Make:
    """How a replay makes the policy of this rule, for a task with these settings and this objective."""

    def make(prices: Prices) -> Policy:
        return Ruled(replace(rule, action="retrain"), _priced(settings, prices), prices.retraining, objective)

    return make


@dataclass(slots=True)
class Ruled:
    """Looks at the end of every step."""

    rule: Rule
    settings: Decide
    price: float
    """Of a retraining."""
    objective: float | None = None
    turns: int = field(init=False, default=0)
    book: Book = field(init=False, default=())
    """Every retraining it has decided."""
    held: dict[str, int] = field(init=False, default_factory=dict)
    """Why nothing came of a decision that was due -> at how many looks."""
    _memory: Memory = field(init=False, default_factory=Memory)
    _ledger: Ledger = field(init=False, default_factory=Ledger)
    _served: list[float] = field(init=False, default_factory=list)
    _fresh: list[float] = field(init=False, default_factory=list)
    _frozen: list[float] = field(init=False, default_factory=list)
    _given: list[float] = field(init=False, default_factory=list)
    """When each label was told."""
    _requests: float = field(init=False, default=0.0)
    _labels: int = field(init=False, default=0)
    _signals: tuple[Signal, ...] = field(init=False, default=())
    _acted: str = field(init=False, default="")

    def retrain(self, look: Look) -> bool:
        """Whether the policy does, by the very functions that decide in a turn."""
        self._take_in(look)
        found = asked(self.rule, self._sight(look), self._memory)
        around = bounds(
            self.rule,
            at=look.time,
            retrained=self.book[-1].time if self.book else None,
            book=self.book,
            labels=self._told,
        )
        halted = halt(around) if found.due else ""
        if not found.due or halted:
            self._memory = found.memory
            self._hold(f"{halted} ({kind})" if (kind := spent(around.left)) and halted == Reason.NO_BUDGET else halted)
            return False
        self._memory, turn = found.opened, f"step_{self.turns}"
        decision, self._ledger = decide(
            self._evidence(look), self.settings, now=look.time, turn=turn, ledger=self._ledger, bounds=around
        )
        self.turns += 1
        self._requests, self._labels, self._signals = 0.0, 0, ()
        self._acted = self._acted if decision.action is Action.WAIT else decision.id
        if decision.action is not Action.RETRAIN:
            self._hold(f"it decides to {decision.action}")
            return False
        hours = self._seconds() / _HOUR_S
        new = Booking(turn=turn, task="replay", time=look.time, money=decision.cost, cpu_hours=hours)
        self.book = booked(self.book, new)
        self._served.clear()
        self._fresh.clear()
        self._frozen.clear()
        return True

    def _hold(self, why: str) -> None:
        """Count a look at which nothing came of a decision that was due; with no reason none was."""
        if why:
            self.held[why] = self.held.get(why, 0) + 1

    def _take_in(self, look: Look) -> None:
        self._served += look.served.tolist()
        self._fresh += look.fresh.tolist()
        self._frozen += look.stale.tolist()
        self._given += [look.time] * len(look.served)
        self._requests += look.requests
        self._labels += len(look.served)
        if look.alarm:
            alarm = Signal(
                id=f"sig_{look.time}",
                task="replay",
                time=look.time,
                moved=Moved.NOVELTY,
                detector="replay",
                statistic=float(look.alarm),
                threshold=1.0,
                n=0,
            )
            self._signals += (alarm,)

    def _told(self, since: float) -> Given:
        n = sum(at >= since for at in self._given)
        return Given(n, n * self.settings.price_per_label if n else 0.0)

    def _sight(self, look: Look) -> Sight:
        known = fall(self._served)
        falls: dict[str, Fall] = {MEASURED: known} if known else {}
        return Sight(
            time=look.time,
            champion=f"{look.since}",
            retrained=self.book[-1].time if self.book else look.since,
            acted=self._acted,
            requests=self._requests,
            labels=self._labels,
            min_labels=self.settings.min_labels,
            signals=self._signals,
            falls=falls,
            newest=newest(self._served),
            objective=self.objective,
        )

    def _evidence(self, look: Look) -> Evidence:
        served, fresh, frozen = (np.array(one[-WINDOW:]) for one in (self._served, self._fresh, self._frozen))
        known = len(served) > 0
        return Evidence(
            task="replay",
            gain=paired(fresh, frozen) if known else Score(mean=0.0, low=-1.0, high=1.0, n=0),
            lately=self._lately(),
            accuracy=mean_interval(served) if known else None,
            n_labels=len(self._served),
            requests=round(self._requests),
            train_cpu_s=self._seconds(),
            signals=self._signals,
            since_turn_s=look.time - look.since,
        )

    def _lately(self) -> float | None:
        """What a fresh model was righter by since the last decision."""
        n = min(self._labels, len(self._served))
        return float(np.mean(self._fresh[-n:]) - np.mean(self._frozen[-n:])) if n else None

    def _seconds(self) -> float:
        """CPU-seconds of a retraining that come to its price."""
        return _HOUR_S * self.price / self.settings.price_per_cpu_hour if self.price else 0.0


def _priced(settings: Decide, prices: Prices) -> Decide:
    """The settings with the replay's own prices; a CPU-hour that costs nothing is taken to cost 1."""
    hour = settings.price_per_cpu_hour
    price = hour if hour > 0.0 and math.isfinite(hour) else 1.0
    return replace(settings, value_per_correct=prices.per_wrong, price_per_cpu_hour=price)

"""Leads policies through a history and counts what each would have cost, beside the best that was possible."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from homeostat.decide.replay.history import Floats, History
from homeostat.decide.replay.policies import FRESH, POLICIES, Look, Make, Policy, Prices
from homeostat.errors import UnknownPlugin, did_you_mean

ORACLE = "oracle"
"""Who knows the future: no policy costs less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a policy."""

    policy: str
    retrained: tuple[float, ...]
    """When, in seconds since 1970."""
    wrong: float
    """Replies that would have been wrong, by the labeled rows of each step and its requests."""
    cost: float
    """Wrong replies, retrainings and looks, in the unit of the prices."""
    quality: float
    """Mean over requests."""
    course: tuple[float, ...]
    """Quality of every step."""
    regret: float = 0.0
    """Cost above the oracle's."""
    ratio: float = 1.0
    """Cost in units of the oracle's."""
    held: Mapping[str, int] = field(default_factory=dict)
    """Why nothing came of a decision that was due -> at how many looks; of policies of the configuration."""


def replay(history: History, prices: Prices, policies: Sequence[str]) -> list[Outcome]:
    """The outcome of each policy, and the oracle's last.

    Raises:
        UnknownPlugin: there is no policy of a name.
    """
    return replay_made(history, prices, {name: policy_of(name) for name in policies})


def policy_of(name: str, own: Mapping[str, Make] = MappingProxyType({})) -> Make:
    """How the policy of this name is made, one of `own` or of the built-in ones.

    Raises:
        UnknownPlugin: there is none.
    """
    known = {**POLICIES, **own}
    if name not in known:
        raise UnknownPlugin(f"unknown policy '{name}'", where="policies", fix=did_you_mean(name, known))
    return known[name]


def replay_made(
    history: History, prices: Prices, policies: Mapping[str, Make], fresh: Collection[str] = FRESH
) -> list[Outcome]:
    """The same for policies of one's own making; those named in `fresh` pay for their looks."""
    found = []
    for name, make in policies.items():
        policy = make(prices)
        each = outcome(history, prices, name, led(history, policy), looks=name in fresh)
        found.append(replace(each, held=dict(getattr(policy, "held", {}))))
    best = outcome(history, prices, ORACLE, oracle(history, prices), looks=False)
    return [_beside(each, best) for each in (*found, best)]


def serve(history: History, prices: Prices, make: Make) -> list[int]:
    """Which model serves at each step under a policy."""
    return led(history, make(prices))


def led(history: History, policy: Policy) -> list[int]:
    """The same of one that is made. Nothing of a step is known before it is over."""
    model, models = 0, list[int]()
    for t in range(history.steps):
        models.append(model)
        look = Look(
            time=float(history.times[t + 1]),
            since=float(history.times[model]),
            requests=float(history.requests[t]),
            served=history.shown(model, t),
            fresh=history.headed(t, t),
            frozen=history.headed(model, t),
            alarm=float(history.alarms[model, t]),
        )
        if policy.retrain(look):
            model = t + 1
    return models


def oracle(history: History, prices: Prices) -> list[int]:
    """Which model serves at each step where the sum of all costs is least, by dynamic programming."""
    losses = _losses(history, prices)
    steps = history.steps
    ahead, buys = np.zeros(steps + 1), np.zeros((steps, steps), dtype=bool)
    for t in range(steps - 1, -1, -1):
        keep = losses[: t + 1, t] + ahead[: t + 1]
        bought = prices.retraining + losses[t, t] + ahead[t]
        buys[: t + 1, t] = bought < keep
        ahead = np.append(np.minimum(keep, bought), np.zeros(steps - t))
    models, model = list[int](), 0
    for t in range(steps):
        model = t if buys[model, t] else model
        models.append(model)
    return models


def outcome(history: History, prices: Prices, name: str, models: Sequence[int], *, looks: bool) -> Outcome:
    """What it costs that these models serve."""
    served = np.array([history.quality[model, t] for t, model in enumerate(models)])
    wrong = float((history.requests * (1.0 - served)).sum())
    retrained = tuple(float(history.times[model]) for model in sorted(set(models)) if model)
    paid = prices.retraining * len(retrained) + (prices.look * history.steps if looks else 0.0)
    return Outcome(
        policy=name,
        retrained=retrained,
        wrong=wrong,
        cost=wrong * prices.per_wrong + paid,
        quality=float(np.average(served, weights=history.requests)),
        course=tuple(served.tolist()),
    )


def _losses(history: History, prices: Prices) -> Floats:
    """float64[models, steps]: what it costs that a model serves a step."""
    return np.asarray(prices.per_wrong * history.requests * (1.0 - history.quality))


def _beside(each: Outcome, best: Outcome) -> Outcome:
    ratio = each.cost / best.cost if best.cost else 1.0 if not each.cost else float("inf")
    return replace(each, regret=each.cost - best.cost, ratio=ratio)

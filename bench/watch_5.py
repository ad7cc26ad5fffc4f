"""Bar watch.5: a backtest on the log of one policy tells what another costs live, and our rule costs little more than
the best.

    python bench/watch_5.py [--quick] [--streams DIR] [--variants 4] [--steps 30] [--seed 50]

*Prediction.* Each of three public streams is varied four times: some of its labels, another share of its live rows
labeled (20 to 50 %), and its live rows divided into two halves at random. One half is what was logged while the first
champion answered for good: requests, replies and labels are written into a store, and `homeostat backtest`'s own path
reads them back and tells what ten policies would have cost at three prices. The other half is lived through: request by
request, by other code, with a model of the same kind that is trained anew from all labels known by then whenever the
policy says so, which sees the labels that it would see and no others. Policies are ranked within each stream and price
by what was foretold and by what came; `value` is the pooled rank correlation of the two, with its interval from drawing
streams anew. In the mean over streams: how far the foretold cost is from the one that came.

*Cost.* What policies cost in units of a clairvoyant's, over a 64-fold range of prices, from `policies.py`, each look of
those that keep a fresh challenger charged with a hundredth of a retraining; labels cost all the same. And that the rule
retrains always where it costs nothing, and never where nothing pays.

*Adapters.* On two of the streams, shorter, the built-in model is fine-tuned live whenever a policy says so, each time
from the adapter in service with replay; the backtest, which knows heads alone, foretells the order of six policies.

The bar: a correlation of 0.8 or more over all of these; our rule at most 1.10 times the clairvoyant's cost and 1.02
times the best calendar's in hindsight.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from adaptation.lab import Lab
from adaptation.living import Adapters, Asked, lived_by
from policies import CALENDAR, NAMES, STREAMS, mean_of
from policies import run as run_prices
from scipy import stats

from homeostat.config.schema import Monitor, Train
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.decide.replay.history import Bools, Floats, History
from homeostat.decide.replay.policies import FRESH, Look, Make, Periodic, Policy, Prices
from homeostat.decide.replay.replay import policy_of, replay_made
from homeostat.loop.backtests.backtest import SHARPNESS, alarmed, history, recorded
from homeostat.loop.deciding.shadow import read
from homeostat.store import Store
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.version import Version

GOAL, ORACLE, HINDSIGHT = 0.8, 1.10, 1.02
PRICES = (10.0, 40.0, 160.0)
EVERY = (3, 6, 12)
"""Calendars, in steps."""
SHARES = (0.3, 0.2, 0.4, 0.5)
KEPT = 0.75
"""Labels of a stream that a variant has."""
MONITOR = Monitor(false_alarm_every=10_000)
TASK, RIDGE, DRAWN = "routing", 0.1, 2000
LOOK = 0.01
"""What a look at a fresh challenger costs, as a share of a retraining: a head's CPU-seconds beside an adapter's."""
ADAPTED = ("hwu64_scenarios", "arxiv_years")
WITH_ADAPTERS = ("never", "always", "every 3", "every 6", "performance", "value")
FIRST, LIVE, TURNS, EPOCHS = 500, 640, 8, 5
"""Rows that the first adapter knows, rows of a half, steps of a life with adapters, and passes of a training."""


@dataclass(frozen=True, slots=True)
class Row:
    """A request of a stream."""

    text: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A stream that was varied: what the first champion knows, what was logged, and what is lived through."""

    name: str
    memory: Sequence[Row]
    logged: Sequence[Row]
    live: Sequence[Row]
    told: float


def variants(file: Path, n: int, seed: int) -> list[Variant]:
    """So many variants of a stream."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    labels, found = sorted({row["label"] for row in rows}), []
    for k in range(n):
        chance = np.random.default_rng([seed, k, len(rows)])
        kept = set(chance.choice(labels, size=round(KEPT * len(labels)), replace=False).tolist())
        parts = {
            split: [Row(row["text"], row["label"]) for row in rows if row["split"] == split and row["label"] in kept]
            for split in ("history", "live")
        }
        half = chance.random(len(parts["live"])) < 0.5
        logged, live = ([r for r, mine in zip(parts["live"], half, strict=True) if mine is side] for side in _SIDES)
        name = f"{file.name.partition('.')[0]} {k}"
        share = SHARES[k % len(SHARES)]
        found.append(Variant(name=name, memory=parts["history"], logged=logged, live=live, told=share))
    return found


_SIDES = (np.True_, np.False_)


def policies(step: float) -> dict[str, Make]:
    """All of them, calendars among them; `step` is how long one lasts."""
    return {name: policy_of(name) for name in NAMES} | {f"every {n}": _calendar(n, step) for n in EVERY}


def _calendar(n: int, step: float) -> Make:
    def make(prices: Prices) -> Policy:
        return Periodic(seconds=n * step - step / 2 + 30.0)

    return make


def foretold(variant: Variant, steps: int, seed: int, folder: Path) -> dict[float, dict[str, float]]:
    """Price -> policy -> cost a request, as a backtest of the log tells it."""
    with Store.open(f"sqlite:///{folder / 'log.db'}", folder / "blobs") as store:
        write(store, variant, seed)
        record = recorded(store, TASK)
    past = history(record, lambda reply, target: float(reply == target), MONITOR, steps=steps)
    made = policies(float(np.diff(past.times).mean()))
    return costs_of(past, made, len(variant.live))


def costs_of(past: History, made: Mapping[str, Make], live: int) -> dict[float, dict[str, float]]:
    """Price -> policy -> cost a request; prices are for as many requests as will be lived through."""
    asked = float(past.requests.sum())
    return {
        price: {
            each.policy: each.cost / asked
            for each in replay_made(past, Prices(retraining=price * asked / live), made)
            if each.policy in made
        }
        for price in PRICES
    }


def write(store: Store, variant: Variant, seed: int) -> None:
    """A champion with what it knows, and what users asked while it answered; some of it labeled later."""
    known = [Example(text=row.text, target=row.label, task=TASK) for row in variant.memory]
    dataset = store_dataset(store, Curated(examples=tuple(known)), task=TASK, turn="first", now=0.0)
    store.versions.put(Version(id="ver_a", task=TASK, time=0.0, base="builtin", kind="lora", dataset=dataset.id))
    model = Model.of([(row.text, row.label) for row in variant.memory])
    replies, sure = model.say(read([row.text for row in variant.logged]))
    told = np.random.default_rng([seed, 1]).random(len(variant.logged)) < variant.told
    rows = [
        Interaction(
            id=f"int_{k:06}",
            task=TASK,
            time=1.0 + k,
            text=row.text,
            reply=reply,
            version="ver_a",
            confidence=float(sure[k]),
        )
        for k, (row, reply) in enumerate(zip(variant.logged, replies, strict=True))
    ]
    said = [
        Feedback(id=f"fbk_{k:06}", interaction=f"int_{k:06}", kind=FeedbackKind.LABEL, value=row.label, time=1.0 + k)
        for k, row in enumerate(variant.logged)
        if told[k]
    ]
    store.interactions.add(rows)
    store.feedback.add(said)


@dataclass(slots=True)
class Model:
    """A head trained at once: the normal equations of all rows, solved."""

    labels: list[str]
    weights: Floats

    @staticmethod
    def of(rows: Sequence[tuple[str, str]]) -> Model:
        """Trained on these."""
        labels = list(dict.fromkeys(label for _, label in rows))
        place = {label: k for k, label in enumerate(labels)}
        width = read([""]).shape[1]
        gram, sums = np.zeros((width, width)), np.zeros((width, len(labels)))
        for start in range(0, len(rows), DRAWN):
            some = rows[start : start + DRAWN]
            x = read([text for text, _ in some])
            y = np.zeros((len(some), len(labels)))
            y[np.arange(len(some)), [place[label] for _, label in some]] = 1.0
            gram += x.T @ x
            sums += x.T @ y
        return Model(labels, np.linalg.solve(gram + RIDGE * np.eye(len(gram)), sums))

    def say(self, features: Floats) -> tuple[list[str], Floats]:
        """What it replies, and how sure it is of each reply."""
        scores = SHARPNESS * features @ self.weights
        chances = np.exp(scores - scores.max(axis=1, keepdims=True))
        best = scores.argmax(axis=1)
        return [self.labels[k] for k in best], chances.max(axis=1) / chances.sum(axis=1)


class Life:
    """The live half: models are trained when they are first wanted, from what was known by then."""

    def __init__(self, variant: Variant, steps: int, seed: int) -> None:
        self.rows, self.steps = variant.live, steps
        self.told: Bools = np.random.default_rng([seed, 2]).random(len(self.rows)) < variant.told
        self.step = np.arange(len(self.rows)) * steps // len(self.rows)
        self._memory = [(row.text, row.label) for row in variant.memory]
        self._features = read([row.text for row in self.rows])
        self._models: dict[int, tuple[Floats, Bools]] = {}

    def model(self, born: int) -> tuple[Floats, Bools]:
        """How right the model that was trained before a step is on every row since, and in which steps it alarms."""
        if born not in self._models:
            known = np.flatnonzero(self.told & (self.step < born))
            model = Model.of([*self._memory, *((self.rows[k].text, self.rows[k].label) for k in known.tolist())])
            later = np.flatnonzero(self.step >= born)
            replies, sure = model.say(self._features[later])
            right = np.full(len(self.rows), np.nan)
            right[later] = [float(said == self.rows[k].label) for said, k in zip(replies, later.tolist(), strict=True)]
            self._models[born] = right, alarmed(sure, self.step[later], self.steps, MONITOR)
        return self._models[born]

    def cost(self, make: Make, prices: Prices, *, looks: bool) -> float:
        """What a policy costs a request: it is asked at the end of each step, and told what was labeled in it."""
        policy, born, wrong, trained = make(prices), 0, 0.0, 0
        for t in range(self.steps):
            here = self.step == t
            right, alarms = self.model(born)
            wrong += float((1.0 - right[here]).sum())
            seen = here & self.told
            look = Look(
                time=float(t + 1),
                since=float(born),
                requests=float(here.sum()),
                served=right[seen],
                fresh=self.model(t)[0][seen] if looks else right[seen],
                alarm=bool(alarms[t]),
            )
            if policy.retrain(look):
                born, trained = t + 1, trained + (t + 1 < self.steps)
        return (wrong * prices.per_wrong + trained * prices.retraining) / len(self.rows)


def lived(variant: Variant, steps: int, seed: int) -> dict[float, dict[str, float]]:
    """Price -> policy -> cost a request, as it came."""
    life, made = Life(variant, steps, seed), policies(1.0)
    calendars = {f"every {n}": _in_steps(n) for n in EVERY}
    return {
        price: {
            name: life.cost(calendars.get(name, make), Prices(retraining=price), looks=name in FRESH)
            for name, make in made.items()
        }
        for price in PRICES
    }


def _in_steps(n: int) -> Make:
    """A calendar where a step is one unit of time; the slack of a real one would be longer than that."""

    def make(prices: Prices) -> Policy:
        return _Counted(n)

    return make


@dataclass(slots=True)
class _Counted:
    """Every so many steps."""

    n: int

    def retrain(self, look: Look) -> bool:
        return look.time - look.since >= self.n


Costs = Mapping[float, Mapping[str, float]]


def ranks(told: Costs, came: Costs) -> tuple[list[float], list[float]]:
    """Ranks of policies within each price, foretold and as they came."""
    mine, theirs = list[float](), list[float]()
    for price, each in told.items():
        names = sorted(each)
        mine += stats.rankdata([each[name] for name in names]).tolist()
        theirs += stats.rankdata([came[price][name] for name in names]).tolist()
    return mine, theirs


def correlation(pairs: Sequence[tuple[list[float], list[float]]]) -> float:
    """Of all ranks of these streams together."""
    mine, theirs = ([rank for pair in pairs for rank in pair[side]] for side in (0, 1))
    return float(np.corrcoef(mine, theirs)[0, 1])


def interval(pairs: Sequence[tuple[list[float], list[float]]], seed: int) -> tuple[float, float]:
    """95 %, from drawing the streams anew."""
    chance = np.random.default_rng(seed)
    drawn = [correlation([pairs[k] for k in chance.integers(len(pairs), size=len(pairs))]) for _ in range(DRAWN)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def ends(file: Path, steps: int) -> tuple[bool, bool]:
    """Whether the rule retrains at every step at no cost, and never at an infinite one."""
    (variant,) = variants(file, 1, 0)
    life = Life(variant, steps, 0)
    free, dear = [], []
    for prices, found in ((Prices(retraining=0.0), free), (Prices(retraining=math.inf), dear)):
        policy, born = policy_of("value")(prices), 0
        for t in range(steps):
            seen = (life.step == t) & life.told
            served, fresh = life.model(born)[0][seen], life.model(t)[0][seen]
            asked = float((life.step == t).sum())
            look = Look(time=t + 1.0, since=born, requests=asked, served=served, fresh=fresh, alarm=False)
            found.append(policy.retrain(look))
            born = t + 1 if found[-1] else born
    return all(free), not any(dear)


def predicted(args: argparse.Namespace) -> dict[str, Any]:
    """The part about prediction."""
    pairs, streams = [], {}
    for stream in STREAMS:
        for variant in variants(args.streams / f"{stream}.jsonl.gz", args.variants, args.seed):
            began = time.perf_counter()
            with TemporaryDirectory() as folder:
                told = foretold(variant, args.steps, args.seed, Path(folder))
            came = lived(variant, args.steps, args.seed)
            pairs.append(ranks(told, came))
            off = [abs(told[p][name] / came[p][name] - 1.0) for p in PRICES for name in came[p]]
            one = {"correlation": round(correlation(pairs[-1:]), 3), "off": round(float(np.median(off)), 3)}
            streams[variant.name] = one
            took = time.perf_counter() - began
            print(f"{variant.name}: {json.dumps(one)}, {took:.0f} s", file=sys.stderr, flush=True)
    more, told_of = ([], {}) if args.quick else adapted(args)
    low, high = interval([*pairs, *more], args.seed)
    whole = {**streams, **told_of}
    return {"value": correlation([*pairs, *more]), "interval": [low, high], "streams": whole, "adapted": len(more)}


def adapted(args: argparse.Namespace) -> tuple[list[tuple[list[float], list[float]]], dict[str, Any]]:
    """The part about adapters: ranks of each stream, and what is told of them."""
    pairs, streams = [], {}
    for stream in ADAPTED:
        variant, life = shortened(stream, args)
        with TemporaryDirectory() as folder:
            told = foretold(variant, TURNS, args.seed, Path(folder))
        came = came_of(life)
        told = {price: {name: told[price][name] for name in WITH_ADAPTERS} for price in PRICES}
        pairs.append(ranks(told, came))
        rounded = {f"{price:g}": {name: round(cost, 4) for name, cost in each.items()} for price, each in came.items()}
        streams[f"{stream} with adapters"] = {"correlation": round(correlation(pairs[-1:]), 3), "came": rounded}
        print(json.dumps(streams), file=sys.stderr, flush=True)
    return pairs, streams


def shortened(stream: str, args: argparse.Namespace) -> tuple[Variant, Adapters]:
    """A shorter variant of a stream, and its live half, answered by adapters."""
    (whole,) = variants(args.streams / f"{stream}.jsonl.gz", 1, args.seed)
    chance = np.random.default_rng(args.seed)
    variant = replace(
        whole,
        memory=_thinned(whole.memory, FIRST, chance),
        logged=_thinned(whole.logged, LIVE, chance),
        live=_thinned(whole.live, LIVE, chance),
        told=0.5,
    )
    heads = Life(variant, TURNS, args.seed)
    life = Adapters(
        lab=Lab("builtin", args.cache / stream, stream, lambda text: print(text, file=sys.stderr, flush=True)),
        memory=[Example(text=row.text, target=row.label, task=TASK) for row in variant.memory],
        rows=[Asked(k, row.text, row.label) for k, row in enumerate(variant.live)],
        step=heads.step,
        told=heads.told,
        heads=heads,
        settings=Train(epochs=EPOCHS),
        name=stream,
    )
    return variant, life


def came_of(life: Adapters) -> Any:
    """Price -> policy -> cost a request, as it came by adapters."""
    makes = {name: _in_steps(int(name[6:])) if name[:5] == "every" else policy_of(name) for name in WITH_ADAPTERS}
    return lived_by(life, makes, PRICES, FRESH)


def _thinned(rows: Sequence[Row], n: int, chance: np.random.Generator) -> list[Row]:
    """So many of the rows, in their order."""
    keep = np.sort(chance.permutation(len(rows))[:n])
    return [rows[k] for k in keep.tolist()]


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one variant of each stream, fewer steps, one seed")
    parser.add_argument("--streams", type=Path, default=Path("../shared/data/streams"), help="where the streams lie")
    parser.add_argument("--variants", type=int, help="of each stream; 4, or 1 if quick")
    parser.add_argument("--steps", type=int, help="30, or 12 if quick")
    parser.add_argument("--seed", type=int, default=50)
    parser.add_argument("--cache", type=Path, default=Path("build/adaptation/watch5"), help="where adapters are kept")
    args = parser.parse_args()
    args.variants, args.steps = args.variants or (1 if args.quick else 4), args.steps or (12 if args.quick else 30)
    began, told = time.perf_counter(), predicted(args)
    prices = argparse.Namespace(seeds=1 if args.quick else 3, share=0.3, steps=20 if args.quick else 60, look=LOOK)
    by_stream = []
    for stream in STREAMS:
        found = run_prices(args.streams / f"{stream}.jsonl.gz", prices)
        by_stream.append({name: float(np.mean(list(each.values()))) for name, each in found.items()})
    cost = mean_of(by_stream)
    always, never = ends(args.streams / f"{STREAMS[1]}.jsonl.gz", 12)
    met = told["value"] >= GOAL and cost["value"] <= ORACLE and cost["value"] <= HINDSIGHT * cost[CALENDAR]
    line = {
        "bar": "watch.5",
        **told,
        "n": len(told["streams"]),
        "goal": GOAL,
        "met": bool(met and always and never and (args.quick or told["adapted"])),
        "cost": cost,
        "always at no cost": always,
        "never at an infinite one": never,
        "quick": args.quick,
        "seconds": round(time.perf_counter() - began, 1),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()

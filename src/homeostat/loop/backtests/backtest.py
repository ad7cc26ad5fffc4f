"""A recorded stretch of a task's log as a `History`: the cheap head trained anew before every step, and never told more
than was known then.

The head is the one that the loop keeps fresh to tell what retraining would win (`shadow`). It is trained exactly, so a
step costs the rows that are new; what it tells of policies is about when to retrain, not about how right a fine-tuned
model would have been.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.config.schema import Config, Monitor
from homeostat.curate.mix import memory
from homeostat.curate.snapshot import ancestry, examples
from homeostat.curate.target import good
from homeostat.decide.replay.history import Bools, Floats, History, Ints
from homeostat.decide.replay.policies import Make
from homeostat.decide.replay.ruled import ruled
from homeostat.decide.rule import Rule, deciding, rule_of
from homeostat.errors import EmptyStream
from homeostat.loop.deciding.shadow import WIDTH, learn, read
from homeostat.monitor.channels import confidence_edges
from homeostat.monitor.detectors.shiryaev_roberts import BETS, ShiryaevRoberts, log_bets
from homeostat.monitor.reference import BINS, Histogram
from homeostat.store import Store
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.dataset import Example
from homeostat.types.version import State

SHARPNESS = 12.0
"""What scores are multiplied with before they compete for being sure; only the order of the results matters."""
LEAST = 10
"""Labeled rows of a step, on average, without which nothing is to be told of it."""
Rights = NDArray[np.floating[Any]]
_MOST_LOG = 600.0
"""Most that the logarithm of a statistic in units of its threshold is taken to be: a float holds no more."""
YAML = "yaml"
"""What the policy of a task is called beside those of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labeled:
    """A request whose right reply became known."""

    time: float
    """When it was asked, in seconds since 1970."""
    known: float
    """When somebody said what is right."""
    text: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What was logged."""

    memory: Sequence[Example]
    """What the first champion had been trained on."""
    labeled: Sequence[Labeled]
    """In the order of their times."""
    asked: Floats
    """float64[requests]: times of all requests, rising, the labeled ones among them."""
    champion: str = ""
    """Id of the first champion, where it is a version of the store whose weights are there."""


def recorded(store: Store, task: str, since: float = 0.0, until: float = inf) -> Record:
    """What was logged of a task from `since` to `until`.

    The first champion knows what the version that answered the first labeled request had been trained on, itself and
    its ancestors, or, where that is not there, the newest before that request; where there is none, the first fifth of
    the labeled requests.

    Raises:
        EmptyStream: nothing was labeled.
    """
    pairs = store.interactions.labeled(task, since=since, until=until, measuring=True)
    if not pairs:
        raise EmptyStream(f"no request to '{task}' was labeled in this stretch of time", fix="take a longer one")
    rows = [Labeled(time=i.time, known=f.time, text=i.text, target=f.value.strip()) for i, f in pairs]
    asked = np.array([i.time for i in store.interactions.list(task, since=rows[0].time, until=until)])
    before = [v for v in store.versions.list(task) if v.dataset and v.time <= rows[0].time]
    if before:
        first = max(before, key=lambda version: (version.id == pairs[0][0].version, version.time))
        known = good(memory(examples(store, dataset.id) for dataset in ancestry(store, first.dataset)))
        there = first.id if first.blob and first.state is not State.ERASED else ""
        return Record(memory=known, labeled=rows, asked=asked, champion=there)
    cut = len(rows) // 5
    known = [Example(text=row.text, target=row.target, task=task, time=row.time) for row in rows[:cut]]
    return Record(memory=known, labeled=rows[cut:], asked=asked[asked >= rows[cut].time])


def of_file(config: Config, task: str) -> dict[str, Make]:
    """The policies of the configuration as a replay makes them for a task, by name; `yaml` is the task's own.

    Raises:
        UnknownKey, UnknownPlugin, WrongType: one is no policy (`homeostat.decide.rule.rule_of`).
    """
    rules = deciding(config) | {YAML: rule_of(config, task)}
    return {name: made_of(config, task, rule) for name, rule in rules.items()}


def made_of(config: Config, task: str, rule: Rule) -> Make:
    """How a replay makes a rule for a task."""
    return ruled(rule, config.deciding(task), config.tasks[task].objective_at_least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a model of every age replied to every later row: enough for a history, however its detector is set."""

    times: Floats
    """float64[steps + 1]: as `History.times`."""
    requests: Floats
    """float64[steps]"""
    step: Ints
    """int64[rows]"""
    told: Bools
    """bool[rows]"""
    right: Rights
    """float32[models, rows]"""
    sure: Rights
    """float32[models, rows] in [0, 1]: how sure the model was of its reply."""
    heads: Rights | None = None
    """float32[models, rows]: as `History.heads`."""

    def history(self, settings: Monitor) -> History:
        """The history, with the alarms of a drift detector that watches how sure the models are."""
        steps = len(self.requests)
        alarms = np.zeros((steps, steps))
        for i in range(steps):
            later = self.step >= i
            alarms[i] = alarmed(self.sure[i, later], self.step[later], steps, settings)
        return History(
            times=self.times,
            requests=self.requests,
            step=self.step,
            right=self.right,
            told=self.told,
            alarms=alarms,
            heads=self.heads,
        )


def history(
    record: Record,
    value: Callable[[str, str], float],
    settings: Monitor,
    *,
    steps: int = 60,
    told: Bools | None = None,
    watched: Callable[[int, int], None] = lambda done, of: None,
) -> History:
    """The history of a record by heads, with the alarms of a detector of these settings. The rest as `answered`."""
    return answered(record, value, steps=steps, told=told, watched=watched).history(settings)


def answered(
    record: Record,
    value: Callable[[str, str], float],
    *,
    steps: int = 60,
    told: Bools | None = None,
    watched: Callable[[int, int], None] = lambda done, of: None,
) -> Answered:
    """What heads reply to a record, in steps with as many labeled rows each.

    Args:
        record: what was logged.
        value: how right a reply is beside its target, in [0, 1].
        steps: how many.
        told: bool[labeled], which labels policies and heads are shown; all if left out.
        watched: told of the steps that are done, of how many.

    Raises:
        EmptyStream: too few labeled rows for so many steps.
    """
    rows = record.labeled
    if steps < 2 or len(rows) < LEAST * steps:
        fix = f"take a longer stretch of time: each step needs {LEAST}"
        raise EmptyStream(f"{len(rows)} labeled requests are too few for {steps} steps", fix=fix)
    step = np.arange(len(rows)) * steps // len(rows)
    times = _times(record, step, steps)
    shown = np.ones(len(rows), dtype=bool) if told is None else told
    features = read([row.text for row in rows])
    right, sure = np.zeros((2, steps, len(rows)), np.float32)
    head, learned = RidgeHead(WIDTH), np.zeros(len(rows), dtype=bool)
    learn(head, record.memory)
    for i in range(steps):
        new = ~learned & known_before(record, shown, step, times, i)
        head.add(features[new], [rows[k].target for k in np.flatnonzero(new).tolist()])
        learned |= new
        later = np.flatnonzero(step >= i)
        replies, sure[i, later] = replies_of(head, features[later])
        right[i, later] = [value(reply, rows[k].target) for reply, k in zip(replies, later.tolist(), strict=True)]
        watched(i + 1, steps)
    asked = np.histogram(record.asked, times)[0].astype(np.float64)
    return Answered(times=times, requests=asked, step=step, told=shown, right=right, sure=sure)


def known_before(record: Record, shown: Bools, step: Ints, times: Floats, i: int) -> Bools:
    """bool[labeled]: the rows of earlier steps whose label was shown and had come when step i began."""
    known = np.array([row.known for row in record.labeled])
    return np.asarray(shown & (known <= times[i]) & (step < i))


def alarmed(sure: Rights, step: Ints, steps: int, settings: Monitor) -> Floats:
    """float64[steps]: where the e-detector on confidence, started with these rows, alarms: its highest statistic in
    units of its threshold, 0 in other steps.
    """
    found, strange = np.zeros(steps), 1.0 - np.asarray(sure, dtype=np.float64)
    reference, rng = Histogram(confidence_edges(BINS)), np.random.default_rng(settings.seed)
    detector = ShiryaevRoberts(BETS, settings.false_alarm_every)
    reference.learn(strange[: settings.min_reference])
    rest, at = step[settings.min_reference :], 0
    p = reference.rank(strange[settings.min_reference :], 1.0 - rng.random(len(rest)))
    logs = log_bets(p[:, None])
    while at < len(rest):
        levels, alarm = detector.scan(logs[at:], np.arange(at, len(rest), dtype=np.float64))
        at += len(levels)
        if alarm:
            over = min(alarm.log_statistic - math.log(settings.false_alarm_every), _MOST_LOG)
            found[rest[at - 1]] = max(found[rest[at - 1]], math.exp(max(over, 0.0)))
    return found


def _times(record: Record, step: Ints, steps: int) -> Floats:
    """Where steps begin, each at its first labeled row, and where the last one ends, after the last request."""
    first = np.searchsorted(step, np.arange(steps))
    begins = np.array([record.labeled[k].time for k in first])
    last = max(record.labeled[-1].time, float(record.asked[-1]) if len(record.asked) else 0.0)
    return np.append(begins, np.nextafter(last, np.inf))


def replies_of(head: RidgeHead, features: Floats) -> tuple[list[str], Floats]:
    """What the head replies to rows of features, and how sure it is of each, in [0, 1]."""
    scores = SHARPNESS * features @ head.weights() if head.labels else np.zeros((len(features), 1))
    sure = np.exp(scores.max(axis=1) - np.logaddexp.reduce(scores, axis=1))
    best = scores.argmax(axis=1)
    return [head.labels[k] if head.labels else "" for k in best], sure

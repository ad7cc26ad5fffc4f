"""A recorded stretch of a task's log as a `History`: the cheap head trained anew before every step, and never told more
than was known then.

The head is the one that the loop keeps fresh to tell what retraining would win (`shadow`). It is trained exactly, so a
step costs the rows that are new; what it tells of policies is about when to retrain, not about how right a fine-tuned
model would have been.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from homeostat.config.schema import Config, Monitor
from homeostat.curate.mix import memory
from homeostat.curate.snapshot import ancestry, examples
from homeostat.decide.replay.history import Bools, Floats, History, Ints
from homeostat.decide.replay.policies import Make
from homeostat.decide.replay.ruled import ruled
from homeostat.decide.rule import read as read_policy
from homeostat.decide.rule import rule_of
from homeostat.errors import EmptyStream
from homeostat.loop.shadow import WIDTH, learn, read
from homeostat.monitor.channels import confidence_edges
from homeostat.monitor.detectors.shiryaev_roberts import BETS, ShiryaevRoberts, log_bets
from homeostat.monitor.reference import Histogram
from homeostat.store import Store
from homeostat.train.head.ridge import RidgeHead
from homeostat.types.dataset import Example

SHARPNESS = 12.0
"""What scores are multiplied with before they compete for being sure; only the order of the results matters."""
LEAST = 10
"""Labeled rows of a step, on average, without which nothing is to be told of it."""
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


def recorded(store: Store, task: str, since: float = 0.0, until: float = inf) -> Record:
    """What was logged of a task from `since` to `until`.

    The first champion knows what the newest version before the first labeled request had been trained on, itself and
    its ancestors; where there is none, the first fifth of the labeled requests.

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
        newest = max(before, key=lambda version: version.time)
        known = memory(examples(store, dataset.id) for dataset in ancestry(store, newest.dataset))
        return Record(memory=known, labeled=rows, asked=asked)
    cut = len(rows) // 5
    known = [Example(text=row.text, target=row.target, task=task, time=row.time) for row in rows[:cut]]
    return Record(memory=known, labeled=rows[cut:], asked=asked[asked >= rows[cut].time])


def of_file(config: Config, task: str) -> dict[str, Make]:
    """The policies of the configuration as a replay makes them for a task, by name; `yaml` is the task's own.

    Raises:
        UnknownKey, UnknownPlugin, WrongType: one is no policy (`homeostat.decide.rule.rule_of`).
    """
    rules = {name: read_policy(name, policy) for name, policy in config.policies.items()}
    rules[YAML] = rule_of(config, task)
    settings, objective = config.deciding(task), config.tasks[task].objective_at_least
    return {name: ruled(rule, settings, objective) for name, rule in rules.items()}


def history(
    record: Record,
    value: Callable[[str, str], float],
    settings: Monitor,
    *,
    steps: int = 60,
    told: Bools | None = None,
    watched: Callable[[int, int], None] = lambda done, of: None,
) -> History:
    """The history of a record, in steps with as many labeled rows each.

    Args:
        record: what was logged.
        value: how right a reply is beside its target, in [0, 1].
        settings: of the drift detector, which watches how sure the head is.
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
    known, features = np.array([row.known for row in rows]), read([row.text for row in rows])
    right, alarms = np.zeros((steps, len(rows)), np.float32), np.zeros((steps, steps), dtype=bool)
    head, learned = RidgeHead(WIDTH), np.zeros(len(rows), dtype=bool)
    learn(head, record.memory)
    for i in range(steps):
        new = shown & ~learned & (known <= times[i]) & (step < i)
        head.add(features[new], [rows[k].target for k in np.flatnonzero(new).tolist()])
        learned |= new
        later = np.flatnonzero(step >= i)
        replies, sure = replies_of(head, features[later])
        right[i, later] = [value(reply, rows[k].target) for reply, k in zip(replies, later.tolist(), strict=True)]
        alarms[i] = alarmed(sure, step[later], steps, settings)
        watched(i + 1, steps)
    asked = np.histogram(record.asked, times)[0].astype(np.float64)
    return History(times=times, requests=asked, step=step, right=right, told=shown, alarms=alarms)


def alarmed(sure: Floats, step: Ints, steps: int, settings: Monitor) -> Bools:
    """bool[steps]: in which steps the e-detector on confidence, started with these rows, alarms."""
    found = np.zeros(steps, dtype=bool)
    reference, rng = Histogram(confidence_edges(settings.bins)), np.random.default_rng(settings.seed)
    detector = ShiryaevRoberts(BETS, settings.false_alarm_every)
    reference.learn(1.0 - sure[: settings.min_reference])
    rest, at = step[settings.min_reference :], 0
    p = reference.rank(1.0 - sure[settings.min_reference :], 1.0 - rng.random(len(rest)))
    logs = log_bets(p[:, None])
    while at < len(rest):
        levels, alarm = detector.scan(logs[at:], np.arange(at, len(rest), dtype=np.float64))
        at += len(levels)
        if alarm:
            found[rest[at - 1]] = True
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

"""What the triggers of a task look at, read from its rows. Costly parts only where a trigger reads them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from homeostat.config.schema import Config
from homeostat.decide.record import book
from homeostat.decide.rule import Rule
from homeostat.decide.trigger.sight import (
    ESTIMATED,
    FEWEST,
    MEASURED,
    NEWEST,
    OBJECTIVES,
    RATED,
    REQUESTS,
    ROWS,
    Fall,
    Sight,
    fall,
    newest,
)
from homeostat.loop.deciding.objectives import standings
from homeostat.loop.listening.held import book as book_of_held
from homeostat.monitor.quality.course import Told, course, right
from homeostat.release.judges import believed
from homeostat.stats.intervals import mean_interval
from homeostat.store import Store
from homeostat.types.decision import Action
from homeostat.types.feedback import TRUTHS, FeedbackKind
from homeostat.types.version import Version

RECENT_S = 28 * 86_400.0
"""How far back quality is estimated without labels."""
DECISIONS = 20
"""Newest decisions among which the last that did something is looked for."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A sight, and the moment up to which a turn opened for it looks."""

    sight: Sight
    until: float


def clock(config: Config, store: Store, task: str) -> float:
    """What time it is, in seconds since 1970: the clock's, or that of the newest row where traffic is replayed."""
    if not config.gateway.trust_client_time:
        return time.time()
    return max(store.interactions.newest(task), store.feedback.newest(task))


def see(config: Config, store: Store, task: str, rule: Rule, champion: Version, *, at: float) -> Seen:
    """What is known of a task at a moment."""
    learned = store.datasets.get(champion.dataset).time if champion.dataset else champion.time
    # Only a turn of the loop looks at traffic.
    looked = max([learned, *(t.time for t in store.turns.list(task) if t.story == "turn")])
    stated = [f for f in store.feedback.list(task, looked) if f.time > looked and f.kind in TRUTHS]
    moved = [s for s in store.signals.list(task) if s.retrains]  # that is no reason to retrain
    signals = tuple(s for s in moved if s.time > looked)
    retrained = last_retrained(store, rule, task)
    reads, entry = rule.reads, config.tasks[task]
    values = _rights(config, store, task, champion) if reads & {MEASURED, ESTIMATED, NEWEST} else []
    sight = Sight(
        time=at,
        champion=champion.id,
        retrained=learned if retrained is None else max(learned, retrained),
        acted=_acted(store, task) if rule.name else "",
        requests=float(store.interactions.count(task, since=looked)) if REQUESTS in reads else 0.0,
        labels=len({f.interaction for f in stated}),
        min_labels=config.deciding(task).min_labels,
        signals=signals,
        falls=_falls(config, store, task, rule, champion, values, at),
        newest=newest(values),
        objective=entry.objective_at_least,
        objectives=standings(config, store, task, champion, at=at, line=False) if OBJECTIVES in reads else (),
    )
    return Seen(sight, max([*(f.time for f in stated), *(s.time for s in signals)], default=at))


def last_retrained(store: Store, rule: Rule, task: str) -> float | None:
    """When a policy last decided to retrain a task; None where it never did, or is the built-in one."""
    return max((one.time for one in book(store, rule.name) if one.task == task), default=None)


def _acted(store: Store, task: str) -> str:
    decisions = store.decisions.list(task, limit=DECISIONS)
    return next((one.id for one in reversed(decisions) if one.action is not Action.WAIT), "")


def _rights(config: Config, store: Store, task: str, champion: Version) -> list[float]:
    """How right the champion's labeled replies are, oldest first."""
    kind = config.tasks[task].kind
    pairs = store.interactions.labeled(task, version=champion.id, since=champion.time, measuring=True)
    return [right(kind, interaction.reply, said.value) for interaction, said in pairs]


def _falls(
    config: Config, store: Store, task: str, rule: Rule, champion: Version, values: list[float], at: float
) -> Mapping[str, Fall]:
    reads = rule.reads
    found = {
        MEASURED: fall(values) if MEASURED in reads else None,
        ESTIMATED: _estimated(config, store, task, champion, values, at) if ESTIMATED in reads else None,
        RATED: fall(_ratings(store, task, champion)) if RATED in reads else None,
    }
    return {kind: known for kind, known in found.items() if known is not None}


def _estimated(
    config: Config, store: Store, task: str, champion: Version, values: list[float], at: float
) -> Fall | None:
    """From the labeled replies when the version was new to what confidence says of the newest window."""
    since = max(champion.time, at - RECENT_S)
    rows = store.interactions.list(task, version=champion.id, since=since)
    if len(values) < FEWEST or not rows:
        return None
    kind = config.tasks[task].kind
    known = store.interactions.labeled(task, version=champion.id, since=since, measuring=True)
    truth = {interaction.id: right(kind, interaction.reply, said.value) for interaction, said in known}
    windows = course([Told(time=r.time, confidence=r.confidence, right=truth.get(r.id)) for r in rows])
    score = windows[-1].estimated or (windows[-2].estimated if len(windows) > 1 else None)
    return Fall(before=mean_interval(values[:ROWS]), now=score) if score else None


def _ratings(store: Store, task: str, champion: Version) -> list[float]:
    """Ratings of the champion's replies, oldest first."""
    held, said = book_of_held(store, task).held, believed(store, task, store.feedback.list(task, champion.time))
    ratings = [one for one in said if one.kind is FeedbackKind.RATING and one.id not in held]
    return [float(one.value) for request, one in store.interactions.about(ratings) if request.version == champion.id]

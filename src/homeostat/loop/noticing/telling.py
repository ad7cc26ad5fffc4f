"""Makes alerts of what the loop has written down, and says when they are over; the outbox does the rest.

A cause that is a row is told once, however often the worker is killed: the store ties the alert to the row in the
transaction that writes both. What has no row (an objective missed, a disk that fills up) is looked at once a minute.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from homeostat.alert import causes
from homeostat.alert.record import resolve, tell
from homeostat.decide.metric import KNOWN
from homeostat.decide.objective import Course, Progress
from homeostat.decide.record import errand_of
from homeostat.decide.stated import LINE
from homeostat.errors import OtherBase
from homeostat.loop.deciding import seeing
from homeostat.loop.deciding.objectives import publish, standings
from homeostat.loop.noticing.embedding import AWAY
from homeostat.loop.workshop import Workshop
from homeostat.monitor.naming.shares import shares_key
from homeostat.monitor.quality.course import right
from homeostat.release.drills import outcome
from homeostat.release.proven import swapped
from homeostat.stats.intervals import mean_interval
from homeostat.store.notes import SEEN
from homeostat.types.alert import (
    ADVICE,
    APPROVAL,
    BASE,
    DISK,
    DRILL,
    EMBEDDING,
    FAILED,
    LABELS,
    OBJECTIVE,
    REFUSED,
    ROLLBACK,
    WORKER,
    Alert,
    Remedy,
)
from homeostat.types.feedback import TRUTHS
from homeostat.types.release import Stage
from homeostat.types.report import Score
from homeostat.types.signal import Moved, Signal
from homeostat.types.turn import APPROVAL as DIARY
from homeostat.types.turn import AWAITING, OPEN, SIGN, SIGNED, Turn

LOOK_S = 60.0
"""Seconds between two looks at what is not written down as a row."""
NEWEST, FEWEST = 200, 30
"""The newest labeled replies that an objective is held to, and how many there must be at least."""
LEVEL = 0.99
"""Level of the interval that must lie below the objective as a whole."""
ROOM = 1.25
"""A disk is no longer short of room when there is so many times of what it was told of for."""
AWAY_S = 300.0
"""An embedding backend that has been away for so long is told of: one that is started anew is back before."""
RECENT = 200
"""Rows of a kind that are looked at for what is new."""
MEASURED_S = 900.0
"""Seconds between two looks at named objectives, for which more of the log is read."""
Scores: TypeAlias = Mapping[str, tuple[float, Score]]
"""Task -> its objective, and how well its champion does."""
_OLD, _DECIDED, _DRILLED = "alerts:old", "alerts:old:decided", "alerts:old:drilled"
_SIGNALS = tuple(moved.value for moved in Moved if moved is not Moved.JUDGE)
"""Kinds of signals that are over with another version; a judge is none."""


@dataclass(slots=True)
class Telling:
    """Looks at the rows of a project for whatever is worth an alert. One per worker."""

    shop: Workshop
    clock: Callable[[], float] = time.time
    _seen: set[str] = field(init=False, default_factory=set)
    """Rows that were told of, of which nothing is to be told, or that were there before anybody was to be told."""
    _since: dict[str, float] = field(init=False, default_factory=dict)
    """Version -> the oldest reply that still counts for its objective: nothing before it is read again."""
    _looked: float = field(init=False, default=float("-inf"))
    _measured: float = field(init=False, default=float("-inf"))
    _named: dict[tuple[str, str], Progress] = field(init=False, default_factory=dict)
    """(task, name) -> where that objective stood when it was looked at last."""

    def __post_init__(self) -> None:
        """Take what is there when a project is first watched with alerts as known: nobody is told of last year."""
        state = self.shop.store.state
        if state.get(_DECIDED) is None:  # apart from the others, for releases before this one told of no decision
            turns = [turn for task in self.shop.config.tasks for turn in self.shop.store.turns.list(task, limit=RECENT)]
            state.put(_DECIDED, [_decided(turn) for turn in turns])
        self._seen.update(state.get(_DECIDED))
        if state.get(_DRILLED) is None:  # for the same reason
            turns = [turn for task in self.shop.config.tasks for turn in self.shop.store.turns.list(task, limit=RECENT)]
            state.put(_DRILLED, [turn.id for turn in turns if turn.story == "drill" and not turn.under_way])
        self._seen.update(state.get(_DRILLED))
        if state.get(_OLD) is None:
            state.put(_OLD, [about for about, _ in self._rows(self.clock())])
        self._seen.update(state.get(_OLD))

    def tick(self) -> None:
        """Tell what is new, and end what is over."""
        now = self.clock()
        new = [(about, cause) for about, cause in self._rows(now) if about not in self._seen]
        self.tell([cause for _, cause in new], now)
        self._seen.update(about for about, _ in new)
        due = now - self._looked >= LOOK_S
        scores = {task: (wanted, score) for task, wanted, score in self._scores()} if due else {}
        if due:
            self._looked = now
            if now - self._measured >= MEASURED_S:
                self._measured, self._named = now, self._standings()
                publish(self.shop.store, ((task, one) for (task, _), one in self._named.items()), now)
                self.tell(self._behind(now), now)
            self.shop.store.state.put(SEEN, now)
            self.tell(self._states(scores, now), now)
        for alert in self.shop.store.alerts.open():
            if because := self._gone(alert, scores, due=due):
                resolve(self.shop.store, self.shop.config, alert.id, because, now)

    def tell(self, found: Sequence[Alert], now: float) -> None:
        """Write causes down, each in its group, with what is to be sent of it."""
        tell(self.shop.store, self.shop.config, found, now)

    def _rows(self, now: float) -> Iterator[tuple[str, Alert]]:
        """The newest rows that are worth an alert, oldest first, with their causes."""
        store = self.shop.store
        for task in self.shop.config.tasks:
            for signal in self._signals(task):
                yield (
                    signal.id,
                    causes.of_signal(signal, now, store.state.get(shares_key(signal.id), {}).get("says", "")),
                )
            releases = store.releases.list(task, limit=RECENT)
            for before, row in zip([None, *releases], releases, strict=False):
                if row.stage is Stage.ROLLBACK or (row.stage is Stage.SPLIT and before and before.trial == row.trial):
                    yield row.id, causes.of_release(row, before, now)
            for turn in store.turns.list(task, limit=RECENT):
                if turn.story == "drill":
                    cause = self._unseen(turn, now)
                else:
                    cause = causes.of_turn(turn, now) or self._left(_decided(turn), now)
                if cause is not None:
                    yield cause.about, cause

    def _unseen(self, turn: Turn, now: float) -> Alert | None:
        """A drill that has ended without being seen; one that was seen is not looked at again."""
        if turn.under_way or turn.id in self._seen:
            return None
        found = outcome(self.shop.store, turn.task, turn.id, self.shop.config.release)
        if found["seen"]:
            self._seen.add(turn.id)
            return None
        return causes.of_drill(turn, found["kind"], now, found["because"])

    def _left(self, decided: str, now: float) -> Alert | None:
        """What a decision leaves to people; one that leaves nothing is not looked at again."""
        if not decided or decided in self._seen:
            return None
        decision = self.shop.store.decisions.get(decided)
        left = errand_of(self.shop.store, decision)
        cause = causes.of_decision(decision, now, labels=left.labels, way=left.way, base=left.base)
        if cause is None:
            self._seen.add(decided)
        return cause

    def _signals(self, task: str) -> list[Signal]:
        """The newest signals; all of them where even the oldest of those is new."""
        newest = self.shop.store.signals.list(task, limit=RECENT)
        if len(newest) < RECENT or newest[0].id in self._seen:
            return newest
        return self.shop.store.signals.list(task)

    def _states(self, scores: Scores, now: float) -> list[Alert]:
        """What is not as it should be at this moment."""
        disk = causes.of_disk(self._free_mb(), now)
        found = [disk] if disk else []
        away = self.shop.store.state.get(AWAY)
        if away and now - away["since"] >= AWAY_S:
            found.append(causes.of_embedding(away["what"], away["since"], now))
        exchanged = ((task, self._exchanged(task)) for task in self.shop.config.tasks)
        found += [causes.of_base(task, other.what, version, now) for task, (version, other) in exchanged if other]
        for task, (wanted, score) in scores.items():
            if score.high < wanted:
                version = self.shop.champion(task)
                remedy = Remedy.ROLLBACK if version.parent and score.n < NEWEST else Remedy.RETRAIN
                found.append(causes.of_score(task, score, wanted, version.id, remedy=remedy, now=now))
        return found

    def _exchanged(self, task: str) -> tuple[str, OtherBase | None]:
        """Who answers a task, and what there is to say of its base."""
        champion = self.shop.store.aliases.get(task, "champion") or ""
        base = self.shop.config.model.weights
        return champion, swapped(self.shop.store, self.shop.store.versions.get(champion), base) if champion else None

    def _standings(self) -> dict[tuple[str, str], Progress]:
        """Where the objectives of all tasks stand that a version answers, by task and name."""
        config, store, found = self.shop.config, self.shop.store, dict[tuple[str, str], Progress]()
        for task, entry in config.tasks.items():
            wanted = entry.objectives or entry.objective_at_least is not None
            if wanted and store.aliases.get(task, "champion") is not None:
                at, version = seeing.clock(config, store, task), self.shop.champion(task)
                for one in standings(config, store, task, version, at=at):
                    found[task, one.name] = one
        return found

    def _behind(self, now: float) -> list[Alert]:
        """The named objectives of which people are to be told; that of the old knob is looked at more often."""
        return [
            causes.of_progress(task, name, one.says, severity=one.severity, taught=KNOWN[one.metric].taught, now=now)
            for (task, name), one in self._named.items()
            if one.severity is not None and name != LINE
        ]

    def _scores(self) -> Iterator[tuple[str, float, Score]]:
        """(task, objective, score) of every task that has an objective and labels enough."""
        store = self.shop.store
        for name, entry in self.shop.config.tasks.items():
            champion = store.aliases.get(name, "champion")
            if entry.objective_at_least is None or champion is None:
                continue
            since = self._since.get(champion, 0.0)
            newest = store.interactions.labeled(name, version=champion, since=since, measuring=True)[-NEWEST:]
            if len(newest) == NEWEST:
                self._since[champion] = newest[0][0].time
            if len(newest) >= FEWEST:
                values = [right(entry.kind, i.reply, f.value) for i, f in newest]
                yield name, entry.objective_at_least, mean_interval(values, LEVEL)

    def _free_mb(self) -> float:
        return shutil.disk_usage(self.shop.config.folder).free / 1e6

    def _gone(self, alert: Alert, scores: Scores, *, due: bool) -> str:
        """Why an alert is over; empty while it is not, and where that is not `due` to be looked at."""
        if alert.kind == WORKER:
            return "a worker watches again"
        if alert.kind == DISK and due:
            free = self._free_mb()
            return f"{free:,.0f} MB are free" if free >= ROOM * causes.LOW_MB else ""
        if alert.kind == EMBEDDING and due:
            return "" if self.shop.store.state.get(AWAY) else "requests are read again"
        if alert.kind == BASE and due:
            return (
                "" if self._exchanged(alert.task)[1] else "the version that answers stands on what it was proven over"
            )
        if alert.kind in (LABELS, ADVICE):
            return (self._given(alert) if due else "") or self._decided_anew(alert) or self._released(alert)
        if alert.kind == OBJECTIVE and alert.slice:
            known = self._named.get((alert.task, alert.slice))
            if known is None:
                return "it is no objective of the task any more"
            return self._released(alert) if known.course is Course.UNKNOWN else known.says if known.over else ""
        if alert.kind == OBJECTIVE and alert.task in scores:
            wanted, score = scores[alert.task]
            return f"{score.mean:.3f} of {score.n} replies, and {wanted:g} is wanted" if score.mean >= wanted else ""
        if alert.kind in (*_SIGNALS, ROLLBACK, OBJECTIVE) or (alert.kind == FAILED and alert.slice):  # a plugin
            return self._released(alert)
        if alert.kind == APPROVAL:
            return self._approved(alert)
        if alert.kind == DRILL:
            return self._drilled(alert) if due else ""
        return self._turned(alert) if alert.kind in (REFUSED, FAILED) else ""

    def _released(self, alert: Alert) -> str:
        """Another version has answered everybody since."""
        newest = self.shop.store.releases.current(alert.task)
        gone = newest is not None and newest.stage is Stage.FULL and newest.time > alert.last
        return f"{newest.champion} answers everybody since" if newest and gone else ""

    def _given(self, alert: Alert) -> str:
        """As many labels as were asked for have come since."""
        store = self.shop.store
        decision = store.decisions.get(alert.about)
        wanted = errand_of(store, decision).labels
        said = store.feedback.list(alert.task, decision.time) if wanted else []
        given = sum(one.time > decision.time and one.kind in TRUTHS for one in said)
        return f"{given:,} labels were given since" if wanted and given >= wanted else ""

    def _decided_anew(self, alert: Alert) -> str:
        """A later turn has decided, and is not under way any more."""
        turns = [one for one in self.shop.store.turns.list(alert.task, limit=RECENT) if "decide" in one.diary]
        places = [place for place, turn in enumerate(turns) if turn.diary["decide"] == alert.about]
        later = [turn for turn in turns[places[0] + 1 :] if turn.state != OPEN] if places else []
        return f"turn {later[-1].id} has decided anew" if later else ""

    def _turned(self, alert: Alert) -> str:
        """A later turn has come to its end as turns should."""
        turns = self.shop.store.turns.list(alert.task, limit=RECENT)
        places = [place for place, turn in enumerate(turns) if turn.id == alert.about]
        later = turns[places[0] + 1 :] if places else []
        good = [turn for turn in later if not turn.under_way and turn.state not in ("failed", "gate", "train")]
        return f"turn {good[-1].id} ended at {good[-1].state}" if good else ""

    def _drilled(self, alert: Alert) -> str:
        """A later drill of the same kind was seen."""
        store, settings = self.shop.store, self.shop.config.release
        turns = [turn for turn in store.turns.list(alert.task, limit=RECENT) if turn.story == "drill"]
        places = [place for place, turn in enumerate(turns) if turn.id == alert.about]
        later = [turn for turn in turns[places[0] + 1 :] if not turn.under_way] if places else []
        told = [outcome(store, alert.task, turn.id, settings) for turn in later]
        seen = [one["drill"] for one in told if one["kind"] == alert.slice and one["seen"]]
        return f"drill {seen[-1]} was seen" if seen else ""

    def _approved(self, alert: Alert) -> str:
        """The turn whose decision was told of does not wait any more."""
        turns = self.shop.store.turns.list(alert.task, limit=RECENT)
        about = [t for t in turns if alert.about in (t.diary.get("decide"), t.diary.get(SIGN))]
        signs = bool(about) and about[0].diary.get(SIGN) == alert.about
        waiting = [t for t in about if t.state == AWAITING and bool(t.diary.get(SIGN)) == signs]
        said = [t.diary[entry] for t in about if (entry := SIGNED if signs else DIARY) in t.diary]
        return "" if waiting else (said or ["it does not wait any more"])[0]


def _decided(turn: Turn) -> str:
    """The decision at which a turn has ended; empty where it ended at something else, or has not."""
    return turn.diary.get("decide", "") if turn.state == "decide" else ""

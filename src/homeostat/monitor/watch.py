"""The watcher of one task: interactions and feedback in, signals out.

It sees what production sees: the request's embedding, the reply's confidence, and feedback when it comes. Three kinds
of signal leave it, named after the evidence and not after the cause, beside those of detectors that are plugged in:

- `novelty`: replies are less confident than they were, by evidence of the confidence channel's own (a CUSUM of 20 or
  more). The requests are probably of a kind the model was not taught.
- `mix`: the distances to the neighbors, or a rise in confidence, carried the alarm alone. Often the same requests in
  other proportions. New requests look the same where the model is confidently wrong about them, or where they lie so
  far off that a handful raised the alarm before confidence could say anything.
- `mix`, too, by the detector `proportions`: known kinds of requests come in other shares, strange or not (`shares`).
- `performance`: labels, corrections or ratings say that more replies are wrong, or surer ones, among all or among those
  of one label, one value of a tag or one language, which the signal then names as its slice. The only one that is about
  quality.

One watcher belongs to one version: scores of another version are other numbers. Start a new one at each release, and
feed it this version's primary interactions only.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeostat.config.schema import Monitor
from homeostat.errors import Tampered
from homeostat.monitor.channels import CONFIDENCE, NeighborIndex
from homeostat.monitor.copies import Copies
from homeostat.monitor.detectors.loss import UNKNOWN, LossDetector, loss
from homeostat.monitor.detectors.shiryaev_roberts import Alarm, log_mean
from homeostat.monitor.examples import Examples
from homeostat.monitor.features.language import language_of
from homeostat.monitor.plugged import Plugged
from homeostat.monitor.reference import BINS, Reference
from homeostat.monitor.shares import Shares
from homeostat.monitor.trace import Point, Trace
from homeostat.monitor.traffic import SLICED, Piece, Raised, Traffic
from homeostat.types import ids
from homeostat.types.feedback import Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.signal import Moved, Signal

Floats = NDArray[np.float64]

LOSS, REPLY = "loss", "reply"
# Mean CUSUM of the bets on falling confidence from which on an alarm is called novelty. While confidence stays as it
# was, an alarm of the other channel meets so much in a few cases of a hundred.
OWN_EVIDENCE = 20.0


class Watcher:
    """Detectors of one task and version, and what they remember. Make one with `start` or `restore`."""

    def __init__(
        self,
        task: str,
        index: NeighborIndex,
        settings: Monitor,
        *,
        labels: Collection[str] = (),
        baseline_loss: float | None = None,
    ) -> None:
        """A watcher without calibration; it learns what is normal from its first `settings.min_reference` rows."""
        self.task, self.settings = task, settings
        self._reference = Reference(index, BINS)
        self._traffic, self._copies = Traffic(self._reference, settings), Copies()
        self._labels = frozenset(labels)
        self.shares, self.plugged = Shares(task, index, self._labels, settings), Plugged(task)
        self._loss = LossDetector(settings.false_alarm_every, baseline_loss, settings.seed)
        self._trace, self._wrong = Trace(), Examples(outer=0.5)
        self._examples, self._sliced = Examples(), Examples()
        self.cursor: tuple[float, str] | None = None
        """Time and id of the newest interaction seen: where to go on reading."""
        self.feedback_cursor: tuple[float, str] | None = None
        """Time and id of the newest feedback seen."""

    @classmethod
    def start(
        cls,
        task: str,
        index: NDArray[np.floating],
        calibration: Sequence[Interaction],
        settings: Monitor,
        *,
        labels: Collection[str] = (),
        baseline_loss: float | None = None,
    ) -> Watcher:
        """Begin to watch.

        Args:
            task: Name of the task.
            index: Embeddings, float[rows, hidden], of the requests that distances are measured to: the training set,
                or half of the first traffic (`reference.split`). No rows leave the confidence channel alone.
            calibration: Interactions that stand for normal. They share no row with the index, and the version was not
                trained on them: it is surer of what it was trained on, and live traffic would look strange at once.
            settings: The knobs.
            labels: The labels that the version knows, where the task has some.
            baseline_loss: Upper bound of the mean loss at the time of release, for instance one minus the lower end
                of the accuracy in the report; left out, each labeled row is compared with all before it.

        Raises:
            ValueError: embeddings of different widths.
        """
        neighbors = NeighborIndex(index, settings.neighbors)
        watcher = cls(task, neighbors, settings, labels=labels, baseline_loss=baseline_loss)
        if calibration:
            # By the same rule as live ones: what comes often must not be less strange in one than in the other.
            counted = [calibration[k] for k in watcher._copies.fresh(calibration)]
            watcher._traffic.learn(watcher._reference.scores(counted), _times(counted))
        return watcher

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels, in the order of the trace's values."""
        return self._reference.channels

    @property
    def hours(self) -> int:
        """Parts of the week that are told apart by now (`seasons`): 1 while all hours count alike."""
        return self._reference.cells

    @property
    def trace(self) -> tuple[Point, ...]:
        """The course of the statistic per channel since the start, thinned to a few hundred points."""
        return self._trace.points

    def update(self, interactions: Sequence[Interaction]) -> list[Signal]:
        """Take interactions in the order of their times; a signal for each alarm among them.

        Raises:
            ValueError: embeddings of another width than the index; nothing is taken then.
        """
        if not interactions:
            return []
        scores = self._reference.scores(interactions)
        counted = self._copies.fresh(interactions)
        rows = [interactions[k] for k in counted]
        self.cursor = (interactions[-1].time, interactions[-1].id)
        places = [self._places(row) for row in rows]
        pieces = self._traffic.take(scores[counted], _times(rows), places)
        told = [signal for piece in pieces for signal in self._told(rows[piece.first :], piece)]
        return told + self.shares.update(rows)

    def update_labels(self, pairs: Sequence[tuple[Interaction, Feedback]]) -> list[Signal]:
        """Take interactions with their feedback, in the order in which the feedback came; a signal for each alarm, or
        for each slice that an alarm tells of.

        Feedback that says nothing about right and wrong (a comment) is passed over.
        """
        signals = []
        for interaction, feedback in pairs:
            self.feedback_cursor = (feedback.time, feedback.id)
            value = loss(interaction, feedback, self._labels)
            if value is None:
                continue
            places = self._places(interaction, language=language_of(interaction.text))
            alarms = self._loss.update(value, interaction.time, places, interaction.confidence)
            signals += self.plugged.update(LOSS, np.array([min(value, 1.0)]), [(interaction.id, feedback.time)])
            if value >= 0.5:
                self._wrong.extend(self._loss.rows - 1, [interaction.id], np.array([[1.0 - value / UNKNOWN]]), places)
            signals += [self._loss_signal(alarm, feedback) for alarm in alarms]
        return signals

    def state(self) -> dict[str, Any]:
        """Everything needed to go on later, as JSON values of a size that traffic does not change."""
        return {
            "task": self.task,
            "settings": asdict(self.settings),
            "labels": sorted(self._labels),
            "index": self._reference.index.fingerprint,
            "cursor": self.cursor,
            "feedback_cursor": self.feedback_cursor,
            "copies": self._copies.state(),
            "traffic": self._traffic.state(),
            "loss": self._loss.state(),
            "trace": self._trace.state(),
            "examples": self._examples.state(),
            "sliced": self._sliced.state(),
            "wrong": self._wrong.state(),
            "shares": self.shares.state(),
            "plugged": self.plugged.state(),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], index: NDArray[np.floating]) -> Watcher:
        """The watcher that `state` was taken from, given the same index. It keeps the settings it was started with.

        Raises:
            Tampered: the index is not the one the state was made with.
        """
        settings = _settings(state["settings"])
        neighbors = NeighborIndex(index, settings.neighbors)
        baseline = state["loss"]["baseline"]
        watcher = cls(state["task"], neighbors, settings, labels=state["labels"], baseline_loss=baseline)
        if watcher._reference.index.fingerprint != state["index"]:
            raise Tampered("the neighbor index is not the one this watcher was started with", where=state["task"])
        watcher.cursor, watcher.feedback_cursor = _cursor(state["cursor"]), _cursor(state["feedback_cursor"])
        watcher._copies.load(state["copies"])
        watcher._traffic.load(state["traffic"])
        watcher._loss.load(state["loss"])
        watcher._trace.load(state["trace"])
        watcher._examples.load(state["examples"])
        watcher._sliced.load(state["sliced"])
        watcher._wrong.load(state["wrong"])
        # What an older release put down has none of these; they begin now.
        watcher.shares.load(state.get("shares"))
        watcher.plugged.load(state.get("plugged", {}))
        return watcher

    def inherit(self, state: Mapping[str, Any]) -> None:
        """Take over what another watcher of the version has learned from labels: they have to do with no embedding."""
        self.feedback_cursor = _cursor(state["feedback_cursor"])
        self._loss = LossDetector(self.settings.false_alarm_every, state["loss"]["baseline"], self.settings.seed)
        self._loss.load(state["loss"])
        self._wrong.load(state["wrong"])
        self.plugged.inherit(state.get("plugged", {}))

    def _places(self, one: Interaction, **more: str) -> list[str]:
        """The slices that an interaction is in: its tags, and its reply where replies are labels.

        `more` is what else it is a value of, unless a tag of that name says it. Of each way to slice there is one.
        """
        reply = {REPLY: one.reply.strip()} if self._labels else {}
        ways = {**more, **one.tags, **reply}
        return [f"{way}={value}" for way, value in ways.items() if value]

    def _told(self, rows: Sequence[Interaction], piece: Piece) -> list[Signal]:
        """A signal for each alarm in a piece, whose first row is that of `rows`."""
        times, n, signals, at = _times(rows[: len(piece.p)]), len(piece.p), [], 0
        self._trace.extend(times, piece.levels)
        for one in (*piece.raised, None):
            until = one.row + 1 if one else n
            self._examples.extend(piece.number + at, [i.id for i in rows[at:until]], piece.p[at:until])
            self._extend_slices(rows, piece, at, until)
            at = until
            signals += [self._signal(one, rows[one.row])] if one else []
        seen = [(i.id, i.time) for i in rows[:n]]
        beside = zip(self.channels, piece.p.T, strict=True)
        return signals + [told for name, p in beside for told in self.plugged.update(name, 1.0 - p, seen)]

    def _extend_slices(self, rows: Sequence[Interaction], piece: Piece, at: int, until: int) -> None:
        for name, (numbers, p) in piece.slices.items():
            own = np.flatnonzero((numbers >= at) & (numbers < until))
            if len(own):
                first = self._traffic.sliced.rows(name) - len(numbers) + int(own[0])
                self._sliced.extend(first, [rows[k].id for k in numbers[own].tolist()], p[own], [name])

    def _signal(self, raised: Raised, last: Interaction) -> Signal:
        alarm, seen = raised.alarm, self._sliced if raised.detector == SLICED else self._examples
        about = (raised.detector, alarm.slice) if alarm.slice else (raised.detector,)
        novel = self.channels[0] == CONFIDENCE and log_mean(raised.own) >= math.log(OWN_EVIDENCE)
        return Signal(
            id=ids.derived("sig", self.task, *about, last.id),
            task=self.task,
            time=last.time,
            moved=Moved.NOVELTY if novel else Moved.MIX,
            detector=raised.detector,
            statistic=raised.statistic,
            threshold=self.settings.false_alarm_every,
            n=alarm.n,
            since=alarm.since_time,
            slice=alarm.slice,
            examples=seen.pick(alarm.since_row, raised.channel, stranger=raised.stranger, slice=alarm.slice),
        )

    def _loss_signal(self, alarm: Alarm, last: Feedback) -> Signal:
        about = (LOSS, alarm.slice) if alarm.slice else (LOSS,)
        return Signal(
            id=ids.derived("sig", self.task, *about, last.id),
            task=self.task,
            time=last.time,
            moved=Moved.PERFORMANCE,
            detector=LOSS,
            statistic=_statistic(alarm),
            threshold=self.settings.false_alarm_every,
            n=alarm.n,
            since=alarm.since_time,
            slice=alarm.slice,
            examples=self._wrong.pick(alarm.since_row, 0, stranger=True, slice=alarm.slice),
        )


def _statistic(alarm: Alarm) -> float:
    return math.exp(min(alarm.log_statistic, 700.0))


def restorable(state: object) -> bool:
    """Whether a state has all that a watcher has to know, counted in bins as they are now."""
    return isinstance(state, Mapping) and "traffic" in state and state["settings"].get("bins", BINS) == BINS


def _settings(kept: Mapping[str, Any]) -> Monitor:
    """The settings of a state; what an older release had a knob for is passed over."""
    return Monitor(**{name: kept[name] for name in (one.name for one in fields(Monitor)) if name in kept})


def _cursor(value: Sequence[Any] | None) -> tuple[float, str] | None:
    return (float(value[0]), str(value[1])) if value else None


def _times(interactions: Sequence[Interaction]) -> Floats:
    return np.array([i.time for i in interactions], dtype=np.float64)

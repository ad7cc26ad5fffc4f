"""Follows the worker by reading rows, and tells what it did: signals, decisions, datasets, runs, verdicts, releases."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rich.markup import escape

from homeostat.config.schema import Release
from homeostat.loop.story.scene import Scene
from homeostat.release.states import held_until, is_open
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.signal import Moved
from homeostat.types.turn import Turn

PATIENCE_S = 15.0
"""Seconds between two lines that say what a release waits for."""


@dataclass(slots=True)
class Follower:
    """Remembers what was told already."""

    store: Store
    task: str
    scene: Scene
    clock: float = 0.0
    """Time on the stream's calendar, for events whose rows carry the time on the wall."""
    _told: set[str] = field(init=False, default_factory=set)
    _due: float = field(init=False, default_factory=lambda: time.monotonic() + PATIENCE_S)

    def look(self) -> None:
        """Tell what is new since the last look."""
        for signal in self.store.signals.list(self.task):
            if self._first(signal.id):
                place = f" in {signal.slice}" if signal.slice else ""
                level = f"{signal.statistic:,.0f} ≥ {signal.threshold:,.0f}"
                counted = "labeled replies" if signal.moved is Moved.PERFORMANCE else "requests"
                self.scene.say(
                    "signal",
                    f"{signal.moved.value}{place}: {signal.detector} {level} after {signal.n:,} {counted}",
                    signal.time,
                )
                for example in signal.examples[:3]:
                    self.scene.say(
                        "", f"[dim]e.g.[/dim] “{escape(self.store.interactions.get(example).text[:90])}”", signal.time
                    )
        turns = self.store.turns.list(self.task)
        for turn in turns:
            self._turn(turn)
        release = self.store.releases.current(self.task)
        if release and self._first(release.id):
            part = release.share or sum(release.shares.values())
            share = f" {part:.0%} of traffic" if release.stage in (Stage.CANARY, Stage.SPLIT) else ""
            self.scene.say("release", f"{release.stage.value}{share}: {release.because}", self.clock)
        for turn in turns:
            if not turn.under_way and self._first(f"{turn.id}.end"):
                self.scene.say("turn", f"closed at {turn.state}", turn.time)

    def busy(self) -> bool:
        """Whether a turn is under way."""
        return any(t.under_way for t in self.store.turns.list(self.task))

    def look_at_release(self, settings: Release) -> None:
        """Tell what the candidate that is being tried still lacks: not at once, and only if it lacks less than told."""
        if time.monotonic() > self._due and (awaited := self._awaited(settings)) and self._first(awaited):
            self.scene.say("waiting", awaited)
            self._due = time.monotonic() + PATIENCE_S

    def _awaited(self, settings: Release) -> str:
        release = self.store.releases.current(self.task)
        if release is None or not is_open(release):
            return ""
        if release.stage is Stage.SPLIT:
            return "for a verdict on the split: `homeostat split show` tells how it stands"
        if until := held_until(self.store, release, time.time()):
            return f"for the end of quiet hours, {datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M} UTC"
        seen = self.store.state.get(f"guard:{release.id}")
        pairs, judged = (int(seen[name]) for name in ("pairs", "judged")) if isinstance(seen, dict) else (0, 0)
        if release.stage is Stage.SHADOW:
            return f"for traffic: both versions have answered {pairs} of {settings.shadow_pairs} requests"
        return f"for feedback on the canary: {judged} of {settings.canary_feedback} requests or more are judged"

    def _first(self, key: str) -> bool:
        new = key not in self._told
        self._told.add(key)
        return new

    def _turn(self, turn: Turn) -> None:
        if self._first(turn.id):
            self.scene.say("turn", "opened", turn.time)
        for step, left in turn.diary.items():
            if left and self._first(f"{turn.id}.{step}.{left}"):
                self._step(turn, step, left)

    def _step(self, turn: Turn, step: str, left: str) -> None:
        kind, _, recipe = step.partition(".")
        tell = {"decide": self._decision, "curate": self._dataset, "train": self._version, "gate": self._verdict}.get(
            kind
        )
        if tell is not None:
            tell(turn, recipe, left)

    def _decision(self, turn: Turn, recipe: str, left: str) -> None:
        self.scene.say("decide", self.store.decisions.get(left).because, turn.time)

    def _dataset(self, turn: Turn, recipe: str, left: str) -> None:
        counts = ", ".join(f"{step} {n:,}" for step, n in self.store.datasets.get(left).counts.items())
        self.scene.say("curate", f"for a {recipe} run: {counts}", turn.time)

    def _version(self, turn: Turn, recipe: str, left: str) -> None:
        cost = self.store.versions.get(left).cost
        spent = f"{cost.get('steps', 0.0):.0f} steps, {cost['cpu_seconds']:.1f} CPU-s, {cost['flops'] / 1e12:.2f} TFLOP"
        self.scene.say("train", f"{recipe} candidate: {spent}", turn.time)

    def _verdict(self, turn: Turn, recipe: str, left: str) -> None:
        verdict = self.store.verdicts.get(left)
        self.scene.say("gate", f"{recipe} candidate: {verdict.outcome.value}: {verdict.because}", turn.time)

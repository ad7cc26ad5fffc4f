"""The demo's script: found, replay, watch the loop turn, drill, compare. Nothing in it is scripted but the order."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from homeostat.collect.stream import Split, StreamRow, Truth
from homeostat.config.load import load
from homeostat.config.schema import Config
from homeostat.loop.durable import TurnQueue
from homeostat.loop.found import found
from homeostat.loop.story.comparison import Comparison
from homeostat.loop.story.follow import Follower
from homeostat.loop.story.processes import Part, helpers
from homeostat.loop.story.referee import Referee, score_of
from homeostat.loop.story.replay import Replay
from homeostat.loop.story.replies import TASK as REPLIES
from homeostat.loop.story.replies import Desk, taught
from homeostat.loop.story.scene import Bar, Scene, points
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.registry import rollback
from homeostat.release.states import is_open
from homeostat.types import ids
from homeostat.types.dataset import Example
from homeostat.types.report import Score
from homeostat.types.version import Version

TASK = "routing"
FAST, TRIED, SLOW = 48, 12, 4
"""Requests between two looks: while nothing happens, while a candidate is tried, and while one is made."""
PAUSE_S = 0.4
"""Between two looks while a candidate is made, so that the year does not run out before it is done."""
COPIES_S = 2.0
"""How long the traffic waits, while a candidate is tried, for the copies that it is judged by: traffic without a pause
leaves them a tenth of the time."""
KEPT = 300
"""Requests kept back for the end of an open turn, and as many for the drill."""
AHEAD = 250
"""Requests that the traffic may be ahead of the watcher: a year in a minute must not outrun who looks at it."""
LOOK_S = 10.0
"""How long the traffic waits for the watcher at most."""
JUDGED_S = 20.0
"""How long the guard may take to judge the last of the drill's traffic."""
PATIENCE_S = 240.0
"""How long a turn may go on after the traffic has run out."""
LAID = (
    "# Laid by `homeostat demo`, which removes this folder when it is told here again; without this line it does not.\n"
)
"""First line of the demo's homeostat.yaml: whoever goes on with the folder as a project of theirs takes it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the demo is told."""

    name: str
    """Name of the stream."""
    folder: Path
    rows: list[StreamRow]
    truths: list[Truth]
    label_budget: float = 0.4
    seed: int = 0
    limit: int = 0
    """Live requests to replay; 0 for all."""


@dataclass(slots=True)
class Story:
    """One telling."""

    options: Options
    scene: Scene
    config: Config = field(init=False)
    shop: Workshop = field(init=False)
    referee: Referee = field(init=False)
    first: Version = field(init=False)
    drilled: dict[str, Any] = field(init=False, default_factory=dict)
    replayed: Replay = field(init=False)
    arms: Comparison = field(init=False)
    desk: Desk | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.config = load(write_project(self.options), ())
        self.shop = Workshop.open(self.config)
        self.referee = Referee(self.options.rows, self.options.truths)
        if all(row.reply for row in self.options.rows):
            self.desk = Desk(self.shop, self.config, self.scene)

    @property
    def live(self) -> list[StreamRow]:
        """The rows to replay."""
        rows = [r for r in self.options.rows if r.split is Split.LIVE]
        return rows[: self.options.limit] if self.options.limit else rows

    def tell(self) -> None:
        """The whole story up to the comparison."""
        with self._serving() as serving:
            self._found()
            with self._comparing():
                self._live(serving.ready())

    def _live(self, url: str) -> None:
        live = self.live
        kept = min(KEPT, len(live) // 6)
        self.replayed = Replay(url, TASK, self.options.label_budget, len(live), self.options.seed)
        follower = Follower(self.shop.store, TASK, self.scene)
        self._replay(live[: -2 * kept], follower)
        self._finish(live[-2 * kept : -kept], follower)
        self.arms.go_on(self.first)
        if self.desk is not None:
            self.desk.turn(url, live)
        self._drill(live[-kept:], follower)
        self.replayed.deliver(everything=True)
        self.replayed.close()

    def _found(self) -> None:
        history = [r for r in self.options.rows if r.split is Split.HISTORY]
        now = max(r.time for r in history)
        self.scene.say(
            "stream",
            f"{self.options.name}: {len(history):,} labeled rows of history, {len(self.live):,} requests to come",
        )
        doing = "the first version is trained on the history"
        with ProcessPoolExecutor(1, helpers()) as beside, self.scene.bar("train", 1, doing) as bar:
            replies = beside.submit(taught, self.config, self.options.rows) if self.desk else None
            self.first = self._first_version(history, now, bar)
        cost = self.first.cost
        self.scene.say(
            "champion",
            f"{self.first.id} trained on history: {len(self.first.labels)} labels, {cost['steps']:.0f} steps, "
            f"{cost['cpu_seconds']:.0f} CPU-s, held-out loss {cost['held_out']:.3f}",
            now,
        )
        if self.desk is not None and replies is not None:
            self.desk.begin(replies.result())

    def _first_version(self, history: list[StreamRow], now: float, bar: Bar) -> Version:
        examples = [Example(text=r.text, target=r.label, task=TASK, time=r.time) for r in history]
        suite = [
            Exam(text=r.text, target=r.label, time=r.time, until=r.until)
            for r in self.options.rows
            if r.split is Split.TEST
        ]
        return found(self.shop, TASK, examples, suite, now=now, report=bar.training)

    @contextmanager
    def _comparing(self) -> Iterator[None]:
        """Have the arms made beside the story, and no further one if it breaks off."""
        self.arms = Comparison(self.shop, TASK, self.options.rows, self.live)
        try:
            yield
        except BaseException:
            self.arms.give_up()
            raise

    def _serving(self) -> Serving:
        return Serving(Path(self.options.folder) / "homeostat.yaml", self.scene)

    def _replay(self, rows: list[StreamRow], follower: Follower) -> None:
        with self.scene.bar("traffic", len(rows), f"{len(rows):,} requests are sent, in the order of time") as bar:
            at = 0
            while at < len(rows):
                busy = follower.busy()
                size = self._pace(busy)
                self.referee.judge(self.replayed.send(rows[at : at + size]))
                at = min(at + size, len(rows))
                follower.clock = self.replayed.clock
                follower.look()
                bar.to(at, note=f"last 200 right: {points(self._lately())}")
                if size == SLOW:
                    time.sleep(PAUSE_S)
                elif size == TRIED:
                    self.replayed.let_copy(COPIES_S)
                else:
                    self._let_watch(AHEAD)

    def _let_watch(self, ahead: int) -> None:
        """Wait until the watcher has read all but the last `ahead` requests; not long, as it may have none to read."""
        times = [mark.time for mark in self.referee.marks]
        deadline = time.time() + LOOK_S
        while len(times) > ahead and self._watched() < times[-1 - ahead] and time.time() < deadline:
            time.sleep(0.05)

    def _watched(self) -> float:
        """Time of the newest request that the watcher has read; minus infinity before the first."""
        state = self.shop.store.state.get(f"watcher:{self.shop.champion(TASK).id}")
        cursor = state.get("cursor") if isinstance(state, dict) else None
        return float(cursor[0]) if cursor else -math.inf

    def _pace(self, busy: bool) -> int:
        """As fast as it goes, but so that neither training nor a trial runs out of traffic."""
        if not busy:
            return FAST
        return TRIED if is_open(self.shop.store.releases.current(TASK)) else SLOW

    def _lately(self, n: int = 200) -> Score | None:
        return score_of(self.referee.marks[-n:])

    def _finish(self, rows: list[StreamRow], follower: Follower) -> None:
        """Let an open turn come to its end while the last of the traffic flows."""
        self.replayed.deliver(everything=True)
        self._let_watch(0)
        deadline, sent = time.time() + PATIENCE_S, 0
        time.sleep(4 * self.config.release.poll_s)
        while follower.busy() and time.time() < deadline:
            if is_open(self.shop.store.releases.current(TASK)):
                if sent >= len(rows):
                    rollback(self.shop.store, TASK, "the traffic ended before the release was decided", now=time.time())
                self.referee.judge(self.replayed.send(rows[sent : sent + TRIED]))
                sent += TRIED
            self.replayed.let_copy(COPIES_S)
            follower.look()

    def _drill(self, rows: list[StreamRow], follower: Follower) -> None:
        folder, name = Path(self.config.folder), ids.new("trn")
        queue = TurnQueue(folder)
        queue.open(name, TASK, time.time(), story="drill")
        self.scene.say("drill", "a sabotaged copy of the champion goes into the canary")
        sent = 0
        with self.scene.bar("drill", len(rows)) as bar:
            while sent < len(rows) and not queue.finished(name):
                self.replayed.send(rows[sent : sent + TRIED])
                sent += TRIED
                follower.look()
                bar.to(min(sent, len(rows)))
                self.replayed.let_copy(COPIES_S)
            self.replayed.deliver(everything=True)
            self._await(queue, name, JUDGED_S)
        judged = queue.finished(name)
        if not judged:  # a short stream
            rollback(self.shop.store, TASK, "the traffic ended before the drill was decided", now=time.time())
            self._await(queue, name, PATIENCE_S)
        follower.look()
        queue.close()
        self.drilled = self._drill_result(name) if judged else {"seconds": None, "exposed_requests": None}

    def _await(self, queue: TurnQueue, turn: str, patience_s: float) -> None:
        """Wait for the end of a turn, not longer than this."""
        deadline = time.time() + patience_s
        while not queue.finished(turn) and time.time() < deadline:
            time.sleep(PAUSE_S)

    def _drill_result(self, name: str) -> dict[str, Any]:
        releases = [
            r for r in self.shop.store.releases.list(TASK) if r.candidate and r.stage.value in {"canary", "rollback"}
        ]
        opened = [r for r in releases if r.stage.value == "canary"][-1:]
        back = [r for r in releases if r.stage.value == "rollback"][-1:]
        if not opened or not back or back[0].candidate != opened[0].candidate:
            return {"seconds": None, "exposed_requests": None}
        exposed = self.shop.store.interactions.count(TASK, version=opened[0].candidate)
        return {"seconds": round(back[0].time - opened[0].time, 2), "exposed_requests": exposed, "turn": name}


@dataclass(slots=True)
class Serving:
    """Gateway and worker, for as long as the block lasts. They come up while the first version is trained."""

    project: Path
    scene: Scene
    _parts: list[Part] = field(init=False, default_factory=list)

    def __enter__(self) -> Serving:
        try:
            for name in ("gateway", "worker"):
                self._parts.append(Part(name, self.project))
                self._parts[-1].launch()
        except BaseException:
            self.__exit__()
            raise
        return self

    def ready(self) -> str:
        """The gateway's address, when both do their work."""
        for part in self._parts:
            part.ready()
        address = self._parts[0].address
        self.scene.say("gateway", f"answers at {address}/v1 in a process of its own; the worker watches beside it")
        return address

    def __exit__(self, *problem: object) -> None:
        for part in reversed(self._parts):
            part.stop()


def write_project(options: Options) -> Path:
    """Write the demo's homeostat.yaml, unless the folder has one; its path."""
    folder = Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "homeostat.yaml"
    if not path.exists():
        path.write_text(
            f"{LAID}project: {options.name}\n"
            "model: {precision: auto}\n"
            "tasks:\n"
            f"  {TASK}: {{instruction: route}}\n"
            f"  {REPLIES}: {{kind: text, instruction: answer, decide: {{min_labels: 60}}}}\n"
            "gateway: {port: 0, trust_client_time: true}\n"
            "decide: {min_labels: 600}\n"
            "release: {most_feedback: 100}\n"
            "train: {attempts: [corrections, frugal], lr: 3.0e-3, warm_lr: 1.0e-3, epochs: 2}\n"
        )
    return path

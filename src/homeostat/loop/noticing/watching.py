"""Keeps a watcher per task on the newest rows, and opens a turn when a signal or enough new labels ask for one."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from homeostat.alert import causes
from homeostat.alert.record import tell
from homeostat.curate.snapshot import examples
from homeostat.decide.record import remember
from homeostat.llm.embedding.embedder import NoVectors
from homeostat.loop.deciding.seeing import clock
from homeostat.loop.durable import TurnQueue
from homeostat.loop.listening.doubting import Doubter
from homeostat.loop.listening.judges import Judges
from homeostat.loop.noticing.embedding import Embedding
from homeostat.loop.noticing.looking import Opening, due, ranked
from homeostat.loop.noticing.naming import name_moves
from homeostat.loop.noticing.shares import placed
from homeostat.loop.serving import with_states
from homeostat.loop.tending import tend
from homeostat.loop.undoing import drilling, rebuilding
from homeostat.loop.undoing.leftovers import MARK
from homeostat.loop.workshop import Workshop
from homeostat.monitor.channels import NeighborIndex
from homeostat.monitor.watch import Watcher, restorable
from homeostat.types import ids
from homeostat.types.feedback import TRUTHS, Feedback
from homeostat.types.interaction import Interaction, Role
from homeostat.types.signal import Signal
from homeostat.types.turn import OPEN, Turn
from homeostat.types.version import Version

INDEX_ROWS = 4000
"""Rows of the training set that distances are measured to, at most."""
AT_ONCE = 2000
"""Rows of a task, at most, that are read in one look where each has to be embedded; the next look goes on."""


@dataclass(slots=True)
class Watch:
    """The watchers of a worker, one per task, champion and embedding backend."""

    shop: Workshop
    queue: TurnQueue
    embedding: Embedding = field(init=False)
    _watchers: dict[str, tuple[str, str, Watcher]] = field(init=False, default_factory=dict)
    """Task -> its champion, the embedding backend, and the watcher."""
    _reread: dict[str, float] = field(init=False, default_factory=dict)
    """Champion -> up to which time an earlier watcher, of another embedding backend, has read its rows already."""
    _doubters: dict[str, Doubter] = field(init=False, default_factory=dict)
    _judges: dict[str, Judges] = field(init=False, default_factory=dict)
    _erased: float | None = field(init=False, default=None)
    """When rows were erased last, as far as is known here."""

    def __post_init__(self) -> None:
        """Open nothing yet."""
        self.embedding = Embedding(self.shop.store, self.shop.config.monitor.embedding)

    def tick(self) -> None:
        """Read what is new of every task; write signals; name what moved; open a turn where one is due."""
        self._forget()
        openings = []
        for task in self.shop.config.tasks:
            champion = self.shop.store.aliases.get(task, "champion")
            if champion is None:
                continue
            self._look(task, champion)
            self._doubter(task, champion).tick()
            self._judge(task).tick()
            opening = self._due(task, champion)
            openings += [opening] if opening else []
        for opening in ranked(self.shop, openings):
            self._open(opening)

    def _look(self, task: str, champion: str) -> None:
        """Read what is new of a champion and name what moved; while there are no embeddings, what labels say alone."""
        try:
            watcher = self._watcher(task, self.shop.store.versions.get(champion), self.embedding.settle())
            self._read(task, champion, watcher)
        except NoVectors:
            self._heed(task, champion)
            return
        name_moves(self.shop.store, task, champion, self.shop.config.monitor.seed, watcher.hours)

    def _heed(self, task: str, champion: str) -> None:
        """Read what labels say where requests cannot be read; not before they could for the first time."""
        known = self._watchers.get(task)
        if known and known[0] == champion:
            self._told(task, champion, known[1], known[2], [])

    def _forget(self) -> None:
        """Read everything anew where rows were erased: what is remembered of them here would be put down again."""
        erased = self.shop.store.state.get(MARK)
        if erased != self._erased:
            self._erased = erased
            self._watchers.clear()
            self._doubters.clear()
            self._judges.clear()
            self.shop.forget()

    def _judge(self, task: str) -> Judges:
        if task not in self._judges:
            config = self.shop.config
            self._judges[task] = Judges(self.shop.store, config.task(task), seed=config.monitor.seed)
        return self._judges[task]

    def _doubter(self, task: str, champion: str) -> Doubter:
        known = self._doubters.get(task)
        if known is None or known.champion.id != champion:
            store, config = self.shop.store, self.shop.config
            known = Doubter(store, config.task(task), store.versions.get(champion), config.curate.trusted)
            self._doubters[task] = known
        return known

    def _watcher(self, task: str, champion: Version, backend: str) -> Watcher:
        known = self._watchers.get(task)
        if known is None or known[:2] != (champion.id, backend):
            index, saved = self._index(task, champion, backend), self.shop.store.state.get(f"watcher:{champion.id}")
            if restorable(saved) and self._same(saved, backend, index):
                watcher = Watcher.restore(saved, index)
            else:
                # What is normal is learned from the first live rows: curated rows are not exchangeable with traffic.
                # What an older release put down knows too little to go on from; it reads the version's rows again.
                watcher = Watcher.start(task, index, (), self.shop.config.monitor, labels=champion.labels)
                if restorable(saved):
                    watcher.inherit(saved)
                    self.shop.store.state.put(f"trace:{champion.id}", [])  # of distances that nothing is compared with
                    saved = saved | {"reread": max(saved.get("reread", 0.0), (saved["cursor"] or (0.0,))[0])}
            self._reread[champion.id] = saved.get("reread", 0.0) if isinstance(saved, dict) else 0.0
            self._watchers[task] = (champion.id, backend, watcher)
        return self._watchers[task][2]

    def _same(self, saved: dict[str, Any], backend: str, index: np.ndarray) -> bool:
        """Whether a watcher goes on: with vectors of the same backend, and an index that is the one it had. Where rows
        that the champion learned from were erased, it is another one.
        """
        if saved.get("backend", "") != backend:
            return False
        return bool(saved["index"] == NeighborIndex(index, self.shop.config.monitor.neighbors).fingerprint)

    def _index(self, task: str, champion: Version, backend: str) -> np.ndarray:
        """float32[rows, hidden]: embeddings of what the champion was trained on; made once and kept as a blob."""
        store, key = self.shop.store, f"index:{champion.id}"
        kept = store.state.get(key)
        # Versions that learned from the same rows have one file, which may have gone with the index of another of them.
        there = isinstance(kept, dict) and "blob" in kept and store.blobs.holds(kept["blob"])
        if there and kept.get("backend", "") == backend:
            flat = np.frombuffer(store.blobs.bytes(kept["blob"]), np.float16)
            return flat.reshape(-1, kept["hidden"]).astype(np.float32)
        if not champion.dataset:
            return np.zeros((0, 0), np.float32)
        rows = examples(store, champion.dataset)
        texts = [row.text for row in rows[:: -(-len(rows) // INDEX_ROWS)]]
        vectors = self._vectors(task, champion, backend, texts).astype(np.float16)
        made = {"blob": store.blobs.put_bytes(vectors.tobytes()), "hidden": vectors.shape[1], "backend": backend}
        store.state.put(key, made)
        if there and kept["blob"] != made["blob"]:
            store.erasure.remove_blobs([kept["blob"]])  # of another backend: nobody would find it to rid it of a user
        return vectors.astype(np.float32)

    def _vectors(self, task: str, champion: Version, backend: str, texts: list[str]) -> np.ndarray:
        if backend:
            return self.embedding.vectors(texts)
        return self.shop.embeddings(self.shop.config.task(task), champion, texts)

    def _read(self, task: str, champion: str, watcher: Watcher) -> None:
        store, backend = self.shop.store, self._watchers[task][1]
        since, limit = self._since(champion), AT_ONCE if backend else None
        rows = store.interactions.list(task, after=watcher.cursor, version=champion, since=since, limit=limit)
        version = store.versions.get(champion)
        rows = self.embedding.worn(rows) if backend else with_states(self.shop, version, rows)
        self._told(task, champion, backend, watcher, rows)

    def _told(self, task: str, champion: str, backend: str, watcher: Watcher, rows: list[Interaction]) -> None:
        """Give rows, and what was said since, to the watcher, and put down what it signals and knows."""
        store = self.shop.store
        signals = watcher.update(rows)
        pairs = self._stated(task, champion, watcher.feedback_cursor or (0.0, ""))
        signals += watcher.update_labels(pairs)
        version, reread = store.versions.get(champion), self._reread.get(champion, 0.0)
        for signal in placed(self.shop, version, signals, watcher.shares.groups, watcher.shares.detector.cells):
            if not self._known(signal, reread):
                store.signals.put(signal)
        self._tell_broken(task, watcher)
        if rows or pairs:
            more = {"backend": backend, "reread": self._reread.get(champion, 0.0)}
            store.state.put(f"watcher:{champion}", watcher.state() | more)
            store.state.put(f"trace:{champion}", [[p.time, *p.values] for p in watcher.trace])

    def _tell_broken(self, task: str, watcher: Watcher) -> None:
        """Tell of plugged-in detectors that were switched off, each once."""
        found = [causes.of_plugin(task, name, why, time.time()) for name, why in watcher.plugged.broke().items()]
        tell(self.shop.store, self.shop.config, found, time.time())

    def _known(self, signal: Signal, reread: float = 0.0) -> bool:
        """Whether the same kind of thing was told of the same slice already, and no turn has looked at it since; of
        what is read a second time, up to `reread`, whether a turn has looked after it at all.
        """
        store, task = self.shop.store, signal.task
        ended = (t.time for t in store.turns.list(task) if t.story != "rebuild" and not t.under_way)
        looked = max(ended, default=0.0)
        if reread and signal.time <= min(looked, reread):
            return True
        told = [s for s in store.signals.list(task) if looked < s.time]
        return any((s.moved, s.slice) == (signal.moved, signal.slice) for s in told)

    def _stated(self, task: str, champion: str, after: tuple[float, str]) -> list[tuple[Interaction, Feedback]]:
        """What was said of the champion's replies past (time, id), in that order; read by what is new alone."""
        said = [f for f in self.shop.store.feedback.list(task, after[0]) if (f.time, f.id) > after]
        new = sorted((f for f in said if f.kind in TRUTHS and not f.picked), key=lambda f: (f.time, f.id))
        pairs = self.shop.store.interactions.about(new)
        return [(i, f) for i, f in pairs if i.version == champion and i.role is Role.PRIMARY]

    def _since(self, champion: str) -> float:
        return self.shop.store.versions.get(champion).time

    def _due(self, task: str, champion: str) -> Opening | None:
        """The turn that is to be opened, unless one is under way, which is looked after."""
        under_way = self.shop.store.turns.under_way(task)
        for turn in under_way:
            if turn.state == OPEN:
                tend(self.shop, self.queue, turn)
        if under_way:
            return None
        if (
            again := rebuilding.due(self.shop, task, champion, clock(self.shop.config, self.shop.store, task))
        ) is not None:
            self.shop.store.turns.put(again)
            self.queue.open(again.id, task, again.time, story=rebuilding.STORY)
            return None
        opening = due(self.shop, task, self.shop.store.versions.get(champion))
        if opening is None:
            self._drill(task)
        return opening

    def _drill(self, task: str) -> None:
        """Begin a drill where the clock says so, and nothing else is to begin."""
        if (drill := drilling.opened(self.shop.config, self.shop.store, task)) is not None:
            self.queue.open(drill.id, task, drill.time, story=drill.story)

    def _open(self, opening: Opening) -> None:
        """Open a turn: its row first, so that no second one is opened before its first step has been done."""
        task, until = opening.task, opening.until
        champion = self.shop.champion(task).id
        turn = Turn(id=ids.derived("trn", task, champion, until), task=task, time=until)
        self.shop.store.turns.put(turn)
        if opening.rule.name:
            remember(self.shop.store, opening.rule.name, task, opening.memory)
        self.queue.open(turn.id, task, until)

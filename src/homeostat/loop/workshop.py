"""What a worker holds while it lives: the configuration, the store, a folder for runs, a model to evaluate with."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from homeostat.alert.channels.opened import hold as hold_channels
from homeostat.config.schema import Config
from homeostat.decide.option import DISTIL, PROMPT, RETRIEVE, Option
from homeostat.decide.replay.policies import POLICIES
from homeostat.decide.rule import hold as hold_policies
from homeostat.errors import NothingReleased, TakenName, UnknownPlugin, WrongType
from homeostat.evaluate.fair import Demand, demands_of
from homeostat.llm.backend import Reply, Request
from homeostat.llm.content import bytes_of, hold_same, opened_from
from homeostat.llm.embedding.embedder import hold as hold_embedder
from homeostat.llm.local import LocalBackend
from homeostat.llm.offsets import FILE as OFFSETS
from homeostat.llm.offsets import NOTHING, Offsets, told_offsets
from homeostat.release.registry import register
from homeostat.release.signing import Signing
from homeostat.release.signing import kept as signature_of
from homeostat.store import Store
from homeostat.train.named import named
from homeostat.train.order.priority import Priority
from homeostat.train.recipe import Recipe
from homeostat.train.track.tracker import TRACKERS
from homeostat.types.report import Base
from homeostat.types.task import Task
from homeostat.types.version import Version

ASKED_LAST = 3
"""Versions whose replies are remembered."""
Tagged = Sequence[Mapping[str, str]]
"""What each of some requests carries; empty where none carries anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """One row of a task's test suite; nothing like it is ever trained on."""

    text: str
    target: str
    time: float
    """Seconds since 1970; the row counts from then on."""
    until: float = float("inf")
    """When the row was retired, because what is right for it changed."""
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the request carries, such as the group that it is of."""


def hold(config: Config) -> None:
    """Hold that every name in the configuration is one of something, before a turn stumbles on it weeks later.

    Raises:
        TakenName: a recipe is called as other words are.
        UnknownPlugin, WrongType: it names a recipe, a tracker or a metric that there is not, or a channel for alerts
            whose address is none, or an embedding backend that cannot be one; or an attempt's rows come by their tasks,
            of which a turn has one; or a policy is none (`homeostat.decide.rule.hold`), or what a task is held to treat
            alike is nothing (`demanded`).
        UnknownKey: an attempt's order names a task that there is not.
    """
    if taken := [name for name in config.train.recipes if name in (PROMPT, RETRIEVE, DISTIL)]:
        fix = "call it otherwise: a turn tries something else by that name"
        raise TakenName(f"'{taken[0]}' is no name for a recipe", where=f"train.recipes.{taken[0]}", fix=fix)
    for recipe in config.train.recipes:
        named(recipe, config.train)
    for recipe in config.train.attempts:
        _hold_order(config, named(recipe, config.train))
    for tracker in config.train.track:
        _hold_tracker(tracker)
    for task in config.tasks:
        demanded(config, task)
    hold_embedder(config.monitor.embedding)
    hold_channels(config.alerts)
    hold_policies(config, POLICIES)


def _hold_order(config: Config, recipe: Recipe) -> None:
    """Hold that no attempt has its rows come by their tasks."""
    tasks = recipe.order.tasks if isinstance(recipe.order, Priority) else ()
    where = f"train.recipes.{recipe.name}.order.priority.tasks"
    for task in tasks:
        config.task(task, where=where)
    if tasks:
        fix = "leave it out of `train.attempts`: tasks have an order where one run learns several (`Order.beside`)"
        raise WrongType("a turn trains one task, whose rows have no order of tasks", where=where, fix=fix)


def _hold_tracker(name: str) -> None:
    """Hold that there is such a tracker, and say where it was named."""
    try:
        TRACKERS.get(name)
    except UnknownPlugin as unknown:
        raise UnknownPlugin(unknown.what, where="train.track", fix=unknown.fix) from None


def demanded(config: Config, task: str) -> tuple[Demand, ...]:
    """What a task is held to treat alike. Raises as `Config.task` and `homeostat.evaluate.fair.demands_of`."""
    return demands_of(config.tasks[task].fair, config.task(task).kind, f"tasks.{task}.fair")


@dataclass(slots=True)
class Workshop:
    """Opened once in a worker; the steps of a turn reach it through `workshop()`."""

    config: Config
    store: Store
    probed: dict[str, tuple[str, tuple[Option, ...]]] = field(default_factory=dict, init=False)
    """Task -> what was probed last, and on what: a decision looks several times at the same rows."""
    _backend: LocalBackend | None = field(default=None, init=False)
    _base: Base | None = field(default=None, init=False)
    """Which bytes that was opened from."""
    _said: dict[str, dict[tuple[str, ...], Reply]] = field(default_factory=dict, init=False)
    """Version -> text, and the request's group where it answers by that -> reply without its embedding, of the versions
    that were asked last."""
    _answering: threading.Lock = field(default_factory=threading.Lock, init=False)
    """Held while a version is loaded: the watcher and a turn answer in threads of their own."""

    @staticmethod
    def open(config: Config) -> Workshop:
        """Open the store of a configuration, creating its folder.

        Raises:
            UnknownPlugin, WrongType: the configuration names a recipe or a metric that there is not; nothing is made.
        """
        hold(config)
        Path(config.folder).mkdir(parents=True, exist_ok=True)
        return Workshop(config, Store.open(config.database, config.blobs))

    @property
    def signing(self) -> Signing:
        """How the project signs versions, and whether it loads what is not signed."""
        return Signing.of(self.config)

    def take_in(self, version: Version, folder: Path | None) -> Version:
        """Register a version, with its folder if it brings one, and sign it where signatures are demanded. Raises as
        `register`.
        """
        kept = register(self.store, version, folder)
        if self.config.release.signed and signature_of(self.store, kept.id) is None:
            self.signing.sign(self.store, kept)
        return kept

    def run_folder(self, name: str) -> Path:
        """Where a run keeps its checkpoints and weights until the version is registered."""
        folder = Path(self.config.folder) / "runs" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def run_alone(self, name: str) -> Iterator[Path]:
        """The folder of a run, for this process alone: another one that wants it waits, and finds what was left there.

        The system lets go of it when a process dies.
        """
        while True:
            file = self.run_folder(name) / "lock"
            try:
                lock = file.open("w")
            except FileNotFoundError:  # who had it has just removed the folder
                continue
            with lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if _still(lock, file):
                    yield file.parent
                    return

    def champion(self, task: str) -> Version:
        """The version that answers a task.

        Raises:
            NothingReleased: none does yet.
        """
        found = self.store.aliases.get(task, "champion")
        if found is None:
            fix = "train a first one from history: `homeostat import FILE`"
            raise NothingReleased(f"no version answers '{task}' yet", fix=fix)
        return self.store.versions.get(found)

    def put_suite(self, task: str, rows: Iterable[Exam]) -> None:
        """Fence these rows off as the task's test suite, in place of what it was."""
        self.change_suite(task, lambda before: rows)

    def change_suite(self, task: str, change: Callable[[list[Exam]], Iterable[Exam]]) -> None:
        """Fence off what `change` makes of the task's test rows. They are given to it as they are then, and nobody else
        changes them meanwhile: two who add to a suite at once have both added to it.
        """

        def changed(blob: object) -> str:
            rows = change(self._exams(blob))
            return self.store.blobs.put_text("".join(json.dumps(asdict(r), ensure_ascii=False) + "\n" for r in rows))

        self.store.state.change(f"suite:{task}", changed)

    def add_to_suite(self, task: str, rows: Sequence[Exam]) -> int:
        """Add test rows to a task's suite, but for those that it has; how many. It stays in the order of time."""
        new: list[Exam] = []

        def joined(suite: list[Exam]) -> list[Exam]:
            new.extend(row for row in rows if row not in suite)
            return sorted([*suite, *new], key=lambda exam: exam.time)

        if rows:
            self.change_suite(task, joined)
        return len(new)

    def suite(self, task: str) -> list[Exam]:
        """The task's test rows, of all times; empty where it has no suite."""
        return self._exams(self.store.state.get(f"suite:{task}"))

    def _exams(self, blob: object) -> list[Exam]:
        """The test rows in the file of this hash; none where there is no such hash."""
        if not isinstance(blob, str):
            return []
        return [Exam(**json.loads(line)) for line in self.store.blobs.bytes(blob).decode().splitlines()]

    def suite_at(self, task: str, now: float) -> list[Exam]:
        """The test rows the world has shown by `now` and that still hold."""
        return [row for row in self.suite(task) if row.time <= now < row.until]

    def offsets(self, version: Version) -> Offsets:
        """What a version adds for groups of requests; nothing for most.

        Raises:
            CorruptWeights: they cannot be read.
            Tampered: they have changed since they were stored.
        """
        files = self.store.blobs.files(version.blob) if version.blob else {}
        return told_offsets(self.store.blobs.text(files[OFFSETS])) if OFFSETS in files else NOTHING

    def answers(self, task: Task, version: Version, texts: Sequence[str], tags: Tagged = ()) -> list[Reply]:
        """What a version replies to texts, in this process: as it would to requests that carry these tags."""
        carried = tags or [{}] * len(texts)
        with self.loaded(version) as backend:
            asked = zip(texts, carried, strict=True)
            return backend.reply([Request(task=task, text=t, version=version.id, tags=own) for t, own in asked])

    def heard(self, task: Task, version: Version, texts: Sequence[str], tags: Tagged = ()) -> list[Reply]:
        """The same without embeddings. What a version has said is remembered while this process lives: a champion meets
        every candidate on the same rows.
        """
        known, offsets = self._said.pop(version.id, {}), self.offsets(version)
        keys = [(text, *(offsets.group(own) or ())) for text, own in zip(texts, tags or [{}] * len(texts), strict=True)]
        carried = dict(zip(keys, tags or [{}] * len(texts), strict=True))
        missing = [key for key in carried if key not in known]
        if missing:
            said = self.answers(task, version, [key[0] for key in missing], [carried[key] for key in missing])
            known.update((key, replace(one, embedding=b"")) for key, one in zip(missing, said, strict=True))
        self._said[version.id] = known
        for forgotten in list(self._said)[:-ASKED_LAST]:
            del self._said[forgotten]
        return [known[key] for key in keys]

    def replies(self, task: Task, version: Version, texts: Sequence[str], tags: Tagged = ()) -> list[str]:
        """What is `heard`, as texts alone."""
        return [reply.text for reply in self.heard(task, version, texts, tags)]

    def embeddings(self, task: Task, version: Version, texts: Sequence[str]) -> np.ndarray:
        """float32[texts, hidden]: what goes with a version's replies to texts, without the replies."""
        with self.loaded(version) as backend:
            return backend.embed([Request(task=task, text=t, version=version.id) for t in texts])

    def states(self, task: Task, version: Version, texts: Sequence[str]) -> np.ndarray:
        """float32[texts, hidden]: what a version's model makes of texts alone, without the words of its preface."""
        with self.loaded(version) as backend:
            backend.preface(version.id, None)
            return backend.states([Request(task=task, text=t, version=version.id) for t in texts])

    def surprise(self, task: Task, version: Version, texts: Sequence[str], replies: Sequence[str]) -> float:
        """Mean negative log-probability, in nats a token, that a version gives these replies."""
        with self.loaded(version) as backend:
            return backend.surprise([Request(task=task, text=t, version=version.id) for t in texts], replies)

    @contextmanager
    def loaded(self, *versions: Version) -> Iterator[LocalBackend]:
        """A backend that can answer for these versions, which is nobody else's until the block ends.

        Raises:
            OtherBase: the base's files have changed since it was opened.
        """
        with self._answering, ExitStack() as after:
            backend = self._opened()
            for version in versions:
                backend.load(version, self.signing.folder(self.store, version))
                after.callback(backend.unload, version.id)
            yield backend

    def _opened(self) -> LocalBackend:
        """The backend, over the bytes that it was opened from."""
        if self._backend is not None:
            hold_same(self.store, self._base)
            return self._backend
        model = self.config.model
        opening = partial(LocalBackend, model.weights, threads=model.threads, precision=model.precision)
        made, self._base = opened_from(self.store, model.weights, opening)
        self._backend = made
        return made

    def base_of(self, version: Version) -> Base | None:
        """Which bytes a version stands on that answers in this process; None where they cannot be told."""
        base = version.stands_on(self.config.model.weights)
        opened = self._base if base == self.config.model.weights else None
        return opened or bytes_of(self.store, base)

    def forget(self) -> None:
        """Let go of what versions have said and of what was probed: rows that it came from may have been erased."""
        self._said.clear()
        self.probed.clear()

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def _still(lock: IO[str], file: Path) -> bool:
    """Whether an open file is what lies there; who held it before may have removed it with its folder."""
    try:
        return os.path.samestat(os.fstat(lock.fileno()), file.stat())
    except FileNotFoundError:
        return False


_open: list[Workshop] = []


def use(shop: Workshop) -> None:
    """Make this the process's workshop: durable steps are plain functions and have nowhere else to keep it."""
    _open[:] = [shop]


def workshop() -> Workshop:
    """The process's workshop."""
    return _open[0]

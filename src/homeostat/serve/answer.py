"""Route, ask the model, record: what happens between a question and its answer.

The caller gets the reply when its row is durable. Whatever a running release wants to know beside that happens after.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from homeostat.collect.feedback import Rules, read_feedback
from homeostat.collect.record import Asked, interaction
from homeostat.collect.writer import Writer
from homeostat.config.schema import Config
from homeostat.config.snapshot import snapshot
from homeostat.errors import BadRequest, NotFound, did_you_mean
from homeostat.llm.backend import Backend, Reply
from homeostat.release.signing import Signing
from homeostat.serve.batch import Batcher
from homeostat.serve.breaking import Breaking
from homeostat.serve.copies import Copies, request_to
from homeostat.serve.faults import is_tried, note_fault, note_unanswered, to_blame
from homeostat.serve.routes import Pick, Routes, Stands
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.feedback import Feedback
from homeostat.types.interaction import Interaction
from homeostat.types.report import Base

_log = logging.getLogger(__name__)

Messages = Sequence[Mapping[str, str]]
"""A conversation: each message has a `role` and a `content`; the last is the user's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a request may say beside its messages."""

    episode: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    time: float | None = None
    """When it came, in seconds since 1970; None for now."""
    max_tokens: int = 64
    temperature: float = 0.0
    version: str = ""
    """Alias or id of the version that shall answer; empty to be routed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A reply with what led to it."""

    asked: Asked
    pick: Pick
    interaction: Interaction

    @property
    def stage(self) -> str:
        """Stage of the release that the request was routed by; empty if the request named its version."""
        return self.pick.release.stage.value if self.pick.release else ""


class Answerer:
    """Answers for every task of a configuration; safe to use from many threads."""

    def __init__(self, backend: Backend, store: Store, config: Config, opened: Base | None = None) -> None:
        """`opened`: from which bytes of the base the backend was; None for those that lie at its place."""
        backend = Breaking(backend)
        self.store = store
        self.gateway = config.gateway
        self.tasks = {name: config.task(name) for name in config.tasks}
        stands = None if config.model.server else Stands(base=config.model.weights, opened=opened)
        poll_s, signing = config.release.poll_s, Signing.of(config)
        self.routes = Routes(backend, store, tuple(self.tasks), poll_s=poll_s, signing=signing, stands=stands)
        self.writer = Writer(store)
        many = config.gateway.batch
        rows, lanes = (1, many) if backend.concurrent else (many, 1)
        self._batcher = Batcher(backend, rows=rows, lanes=lanes)
        self.copies = Copies(self.routes, self._batcher, self.writer, store)
        self._config, text = snapshot(config)
        store.configs.put(self._config, text)

    def answer(
        self, task: str, messages: Messages, episode: str = "", tags: Mapping[str, str] | None = None
    ) -> Interaction:
        """The recorded reply to a conversation; waits for it.

        Raises:
            BadRequest: there is no user's message to answer.
            NotFound: no such task.
            NothingReleased: no version answers the task yet.
        """
        answered = self.ask(task, messages, Options(episode=episode, tags=tags or {})).result()
        self.copy(answered)
        return answered.interaction

    def ask(self, task: str, messages: Messages, options: Options) -> Future[Answered]:
        """The same without waiting, and without the copy: call `copy` when the user has the reply.

        Blocks only where `options.version` names a version that is not loaded.
        """
        asked = self._asked(task, messages, options)
        started = time.perf_counter()
        if options.version:
            pick = self.routes.pin(task, options.version)
        else:
            pick = self.routes.pick(task, asked.episode or asked.id)
        answered: Future[Answered] = Future()
        answered.set_running_or_notify_cancel()  # the row is written even if the caller goes away
        reply = self._batcher.put(request_to(asked, pick.version))
        reply.add_done_callback(lambda done: self._record(asked, pick, done, answered, started))
        return answered

    def copy(self, answered: Answered) -> None:
        """Have the other version of a running release answer the same request, once nobody waits for the model."""
        self.copies.ask(answered.asked, answered.pick)

    def feedback(self, body: object, warn: Callable[[str], None] = lambda warning: None) -> list[Feedback]:
        """Take a decoded body of feedback: one statement or a list; waits until all rows are durable.

        `warn` is told of labels that are taken and look like a known one misspelled.

        Raises:
            BadRequest: the body does not fit; nothing of it was taken.
            NotFound: it is about an interaction that does not exist; nothing of it was taken.
        """
        rules = Rules(
            task_of=self._task_of,
            now=time.time,
            trust_time=self.gateway.trust_client_time,
            labels=self.routes.labels,
            warn=warn,
        )
        rows = read_feedback(body, rules)
        for done in [self.writer.put(row) for row in rows]:
            done.result()
        return rows

    def settle(self, timeout_s: float = 60.0) -> bool:
        """Wait until every copy asked for is stored or has failed; False if that takes longer."""
        return self.copies.settle(timeout_s)

    def dead_threads(self) -> list[str]:
        """Names of the threads that have ended though nobody closed this; always empty unless there is a fault."""
        threads: dict[str, Routes | Batcher | Writer] = {
            "routes": self.routes,
            "batcher": self._batcher,
            "writer": self.writer,
        }
        return [name for name, thread in threads.items() if not thread.alive]

    def close(self) -> None:
        """Answer and write what waits, give up the copies, stop all threads. The store stays open."""
        self.routes.close()
        self._batcher.close()
        self.writer.close()

    def _asked(self, name: str, messages: Messages, options: Options) -> Asked:
        task = self.tasks.get(name)
        if task is None:
            raise NotFound(f"no task '{name}'", where="model", fix=did_you_mean(name, self.tasks))
        if not messages or messages[-1]["role"] != "user" or not messages[-1]["content"].strip():
            raise BadRequest("the last message is not a user's with words in it", where="messages")
        return Asked(
            id=ids.new("int"),
            task=task,
            time=time.time() if options.time is None else options.time,
            text=messages[-1]["content"],
            history=tuple((m["role"], m["content"]) for m in messages[:-1]),
            episode=options.episode,
            tags=options.tags,
            max_tokens=options.max_tokens,
            temperature=options.temperature,
            config=self._config,
        )

    def _record(
        self, asked: Asked, pick: Pick, reply: Future[Reply], answered: Future[Answered], started: float
    ) -> None:
        """Write the row of a reply; the caller has it when the row is durable, or at once where that is not asked."""
        self.routes.done(pick.version)
        took_ms = 1e3 * (time.perf_counter() - started)
        if isinstance(failed := reply.exception(), Exception):
            note_fault(self.store, pick, pick.version, asked.id, failed)
            if to_blame(failed):
                if self._asked_instead(asked, pick, answered, started):
                    return
                note_unanswered(self.writer, pick, asked, took_ms)
        try:
            row = interaction(
                asked, reply.result(), version=pick.version, probability=pick.probability, latency_ms=took_ms
            )
            written = self.writer.put(row)
        except Exception as problem:  # the caller waits in another thread: what went wrong has to reach it
            answered.set_exception(problem)
            return
        result = Answered(asked=asked, pick=pick, interaction=row)
        if self.gateway.durable:
            written.add_done_callback(lambda done: _pass_on(done, result, answered))
        else:
            answered.set_result(result)
            written.add_done_callback(_log_failure)

    def _asked_instead(self, asked: Asked, pick: Pick, answered: Future[Answered], started: float) -> bool:
        """Have the champion answer in the place of a candidate that failed while it is tried: the user waits longer and
        has a reply. Whether that could be asked.

        The row says that the champion answered, with probability 1, as no lot was drawn.
        """
        release = pick.release
        if release is None or not is_tried(pick) or pick.version not in release.tried:
            return False
        champion = Pick(version=release.champion, probability=1.0, release=release, instead=pick.version)
        self.routes.hold(champion.version)
        try:
            reply = self._batcher.put(request_to(asked, champion.version))
        except RuntimeError:  # closed meanwhile
            self.routes.done(champion.version)
            return False
        reply.add_done_callback(lambda done: self._record(asked, champion, done, answered, started))
        return True

    def _task_of(self, interaction_id: str) -> str:
        """Task of a stored interaction; rows that still wait are written before the answer is that there is none."""
        if task := self._stored(interaction_id):
            return task
        self.writer.flush()
        return self._stored(interaction_id)

    def _stored(self, interaction_id: str) -> str:
        try:
            return self.store.interactions.get(interaction_id).task
        except NotFound:
            return ""


def _pass_on(written: Future[None], result: Answered, answered: Future[Answered]) -> None:
    problem = written.exception()
    if problem is None:
        answered.set_result(result)
    else:
        answered.set_exception(problem)


def _log_failure(written: Future[None]) -> None:
    if problem := written.exception():
        _log.error("an interaction was not stored: %s", problem)

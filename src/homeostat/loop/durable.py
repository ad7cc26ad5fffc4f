"""Durable execution for turns: DBOS on a database of its own, one worker at a time, JSON of ids and nothing else.

The worker launches DBOS; everybody else enqueues through its client. A worker holds a lock on the folder while it
lives, so a second one waits and takes over where the first was killed.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, WorkflowStatus

from homeostat.types.turn import APPROVAL, SIGNED, Turn

QUEUE = "turns"
SHAPE = "turn-4"
"""Changes only when the steps of a turn change; a turn opened under one shape is never finished under another."""
BROKEN = {"ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"}
"""States of a turn that will never come to its end."""


def workflow(turn: Turn) -> str:
    """Id under which the part of a turn that is under way stands in the queue. One that had to be approved was run up
    to there; from its approval on it is run again under another id, and its first steps find what they left. One whose
    release was signed off goes on under a third (`story`).
    """
    if SIGNED in turn.diary:
        return f"{turn.id}.{SIGNED}"
    return f"{turn.id}.approved" if APPROVAL in turn.diary else turn.id


def story(turn: Turn) -> str:
    """Name of the workflow that its part under way is: that of the turn, or only the release."""
    return SIGNED if SIGNED in turn.diary else turn.story


def database(folder: Path) -> str:
    """URL of the database that holds the diaries of turns."""
    return f"sqlite:///{folder / 'turns.db'}"


@contextmanager
def only_worker(folder: Path, *, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the folder's worker lock, waiting for another worker to end; the system frees it when a process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "worker.lock").open("w") as lock:
        deadline = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield


def launch(folder: Path) -> None:
    """Start DBOS in this process and go on with the turns that a dead worker left open."""
    DBOS(
        config={
            "name": "homeostat",
            "system_database_url": database(folder),
            "executor_id": "worker",
            "application_version": SHAPE,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "notification_listener_polling_interval_sec": 0.05,
        }
    )
    DBOS.launch()
    DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=0.1)


class TurnQueue:
    """Opens turns from a process that does not run them."""

    def __init__(self, folder: Path) -> None:
        self._client = DBOSClient(system_database_url=database(folder), serializer=DBOSPortableJSONSerializer())

    def open(self, turn: str, task: str, until: float, *, story: str = "turn", under: str = "") -> None:
        """Put a turn (or a `drill`, or a `trial`) into the queue; opening the same one twice is opening it once.

        It stands there under its own id, unless it is to go on `under` another (`workflow`).
        """
        options: Any = {
            "queue_name": QUEUE,
            "workflow_name": story,
            "workflow_id": under or turn,
            "app_version": SHAPE,
        }
        self._client.enqueue(options, turn, task, until)

    def finished(self, turn: str) -> bool:
        """Whether nothing more is to be expected of the turn: it has come to its end, or broken off."""
        status = self._status(turn)
        return status is not None and status.status in {"SUCCESS", *BROKEN}

    def knows(self, turn: str) -> bool:
        """Whether the turn was ever put into the queue."""
        return self._status(turn) is not None

    def trouble(self, turn: str) -> str:
        """Why the turn will never come to its end; empty where it may, or has."""
        status = self._status(turn)
        if status is None or status.status == "SUCCESS":
            return ""
        if status.status in BROKEN:
            return f"it broke off: {status.error or status.status.lower()}"
        if status.app_version != SHAPE:
            return f"it was opened under the steps of '{status.app_version}', which '{SHAPE}' does not go on with"
        return ""

    def give_up(self, turn: str) -> None:
        """Have the turn never be gone on with, by no version."""
        self._client.cancel_workflow(turn)

    def _status(self, turn: str) -> WorkflowStatus | None:
        return next(iter(self._client.list_workflows(workflow_ids=[turn])), None)

    def close(self) -> None:
        """Let go of the database."""
        self._client.destroy()

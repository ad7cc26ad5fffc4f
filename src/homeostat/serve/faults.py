"""Remembers that a version could not answer: the guard of a running release counts it as a wrong reply, and a request
that nobody answered is a row of its own, by which an error rate is told.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future

from homeostat.collect.record import Asked, unanswered
from homeostat.collect.writer import Writer
from homeostat.errors import BadRequest
from homeostat.release.noted import note_error
from homeostat.serve.batch import GivenUp
from homeostat.serve.routes import Pick
from homeostat.store import Store
from homeostat.types.release import Stage

_log = logging.getLogger(__name__)
TRIED = (Stage.SHADOW, Stage.CANARY, Stage.SPLIT)
"""Stages in which versions are tried."""


def is_tried(pick: Pick) -> bool:
    """Whether versions are tried by the release that one was picked by."""
    return pick.release is not None and bool(pick.release.tried) and pick.release.stage in TRIED


def to_blame(problem: Exception) -> bool:
    """Whether a failure is the version's, and not that of the request or of our own closing."""
    return not isinstance(problem, BadRequest | GivenUp)


def note_fault(store: Store, pick: Pick, version: str, interaction: str, problem: Exception) -> None:
    """Write down that `version` failed on a request, unless the request or our own closing is to blame.

    Never raises: whoever calls has something else to do.
    """
    release = pick.release
    if release is None or not is_tried(pick) or not to_blame(problem):
        return
    try:
        note_error(store, release, version, interaction, f"{type(problem).__name__}: {problem}")
    except Exception:
        _log.exception("a failure of %s on %s was not written down", version, interaction)


def note_unanswered(writer: Writer, pick: Pick, asked: Asked, took_ms: float) -> None:
    """Have it written down that a user got an error in the place of a reply. Never raises, and waits for nothing."""
    try:
        row = unanswered(asked, version=pick.version, probability=pick.probability, latency_ms=took_ms)
        writer.put(row).add_done_callback(_log_failure)
    except Exception:
        _log.exception("that %s was not answered was not written down", asked.id)


def _log_failure(written: Future[None]) -> None:
    if problem := written.exception():
        _log.error("that a request was not answered was not stored: %s", problem)

"""Remembers that a version of a running release could not answer: the guard counts it as a wrong reply."""

from __future__ import annotations

import logging

from homeostat.errors import BadRequest
from homeostat.release.guard import note_error
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

"""Windows that are compared under an embedding backend, and how the one in force stands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from homeostat.config.load import load
from homeostat.llm.embedding.embedder import SERVED, hold
from homeostat.loop.noticing.embedding import AWAY, embedded
from homeostat.store import Store
from homeostat.types.interaction import Interaction
from homeostat.web import words
from homeostat.web.plain import plain

Windows = list[list[Interaction]]


def wearing(config: Path, asked: str, windows: Sequence[list[Interaction]], *, logged: bool) -> tuple[str, Windows]:
    """The backend that windows are compared under, and their rows with its vectors; the rows as they are where that is
    the model that answers.

    Args:
        config: the project's file.
        asked: backend that the command line names; empty for that of the project.
        windows: what is compared.
        logged: whether rows are of the project's log; files alone need no project.

    Raises:
        NoVectors: the backend cannot be asked now.
        BrokenPlugin, CorruptWeights, MissingExtra, ModelNotFound, UnsafeWeights, UnsuitedModel, WrongType: it cannot be
            opened.
    """
    if asked:
        hold(asked)
    settings = load(config) if logged else None
    name = asked or (settings.monitor.embedding if settings else SERVED)
    if name == SERVED:
        return name, list(windows)
    rows = [row for window in windows for row in window]
    if settings is None:
        worn = embedded(name, rows)
    else:
        with Store.open(settings.database, settings.blobs) as store:
            worn = embedded(name, rows, store)
    parts, at = [], 0
    for window in windows:
        parts.append(worn[at : at + len(window)])
        at += len(window)
    return name, parts


def standing(store: Store) -> dict[str, Any]:
    """Which backend is in force, since when requests wait for it if they do, and both in words."""
    now, waits, says = store.vectors.in_force, store.state.get(AWAY), list[str]()
    if now is not None:
        anew = f"before by {now.before}, and what was normal is learned anew since"
        says.append(f"requests are embedded by {now.name} since {words.when(now.since)} (UTC); {anew}")
    if waits:
        says.append(f"requests wait for their embeddings since {words.when(waits['since'])} (UTC): {waits['what']}")
    return {"in_force": plain(now), "waits": plain(waits), "says": says}

"""Real rows for tests: the built-in traffic, and texts that are no support traffic at all."""

from __future__ import annotations

import gzip
import importlib
import inspect
import json
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from homeostat.builtin.resources import traffic_path
from homeostat.types.interaction import Interaction

MODULES = ("argparse", "ast", "asyncio", "calendar", "csv", "datetime", "decimal", "difflib", "email.message", "ftplib")
MORE = (
    "gzip",
    "heapq",
    "inspect",
    "json",
    "logging",
    "mailbox",
    "optparse",
    "pathlib",
    "socket",
    "statistics",
    "tarfile",
)


def said(row: int, text: str, **more: Any) -> Interaction:
    """A request with whatever else a test needs."""
    fields: dict[str, Any] = {"reply": "", "version": "ver_1", "time": 1000.0 + row, **more}
    return Interaction(id=f"int_{row:06d}", task="t", text=text, **fields)


@lru_cache(maxsize=1)
def traffic() -> tuple[dict[str, Any], ...]:
    """Every row of the built-in traffic, with what is true of it."""
    if not traffic_path().exists():
        pytest.skip("the built-in traffic is not there")
    with gzip.open(traffic_path(), "rt", encoding="utf-8") as lines:
        return tuple(map(json.loads, lines))


@lru_cache(maxsize=1)
def desk() -> tuple[Interaction, ...]:
    """The 2,948 messages from before anything moved, labels as replies, with their tags."""
    rows = [row for row in traffic() if row["truth"]["phase"] == 0]
    return tuple(said(k, row["text"], reply=row["label"], tags=row["tags"]) for k, row in enumerate(rows))


@lru_cache(maxsize=1)
def manual() -> tuple[str, ...]:
    """Sentences of another domain: what Python's own library says of its functions."""
    modules = [importlib.import_module(name) for name in (*MODULES, *MORE)]
    found = [inspect.getdoc(one) for module in modules for _, one in inspect.getmembers(module, callable)]
    return tuple(dict.fromkeys(" ".join(text.split())[:160] for text in found if text and len(text) > 60))


def windows(seed: int, rows: int, *, foreign: float = 0.0) -> tuple[list[Interaction], list[Interaction]]:
    """Two windows of so many messages each, cut by lot from those before anything moved; in the second a share is
    replaced by texts of another domain.
    """
    rng = np.random.default_rng(seed)
    chosen = [desk()[k] for k in rng.permutation(len(desk()))[: 2 * rows]]
    reference, current = chosen[:rows], chosen[rows:]
    other = [manual()[k] for k in rng.permutation(len(manual()))[: int(foreign * rows)]]
    for place, text in zip(rng.permutation(rows), other, strict=False):
        current[place] = said(500_000 + int(place), text, reply=current[place].reply, tags=current[place].tags)
    return reference, current

"""Public benchmarks, by the harness that everybody uses for them: what a version forgot that no test row of yours asks.

The tasks are files of EleutherAI's lm-evaluation-harness on this disk; nothing is fetched.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from homeostat.errors import NotFound, NotText, UnsuitedModel, did_you_mean
from homeostat.extras import require
from homeostat.llm.adapters import stand
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import mean_interval, paired
from homeostat.types.report import Score
from homeostat.types.version import HEAD, Version

FIRST = ("exact_match", "acc_norm", "acc", "f1", "bleu", "chrf")
"""Measures of a task, the one that is told first where it has several."""
ROWS = 16
"""Rows of one forward pass."""
_WHY = "to run public benchmarks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmarked:
    """One task: what a version scores, and beside another if there is one."""

    task: str
    measure: str
    score: Score
    other: Score | None = None
    difference: Score | None = None
    """The version less the other, paired by document."""


def tasks_of(folder: Path) -> list[str]:
    """Names of the tasks whose files are in a folder.

    Raises:
        MissingExtra: the harness is not installed.
        NotText: there is no such folder.
    """
    if not folder.is_dir():
        raise NotText("no folder of task files", where=str(folder), fix="name one with `--tasks FOLDER`")
    return sorted(_manager(folder).all_tasks)


def benchmark(
    shop: Workshop, version: Version, other: Version | None, folder: Path, names: Sequence[str], limit: int | None
) -> list[Benchmarked]:
    """What a version, and another beside it, score on tasks; on the first `limit` documents of each if it is given.

    Raises:
        MissingExtra: the harness is not installed.
        NotFound: there is no such task.
        UnsuitedModel: a version is a head, which writes nothing.
    """
    known = tasks_of(folder)
    if strange := [name for name in names if name not in known]:
        raise NotFound(f"no task '{strange[0]}'", where=str(folder), fix=did_you_mean(strange[0], known))
    mine = _measured(shop, version, folder, names or known, limit)
    theirs = _measured(shop, other, folder, names or known, limit) if other else {}
    return [_told(task, values, theirs.get(task)) for task, values in mine.items()]


Values = tuple[str, dict[int, float]]
"""The measure, and what it says of each document."""


def _measured(
    shop: Workshop, version: Version, folder: Path, names: Sequence[str], limit: int | None
) -> dict[str, Values]:
    if version.kind == HEAD:
        raise UnsuitedModel(f"{version.id} is a head: it writes nothing", where=version.id, fix="name another version")
    harness, hf = require("lm_eval", _WHY, extra="eval"), require("lm_eval.models.huggingface", _WHY, extra="eval")
    weights = shop.signing.folder(shop.store, version) if version.blob else None
    with _quietly():
        opened = stand(version.base, version.kind, weights, version.id)
        # The harness ties the weights of whatever it is given, and does not find those that an adapter stands before.
        opened.model.tie_weights = lambda *_, **__: None
        model = hf.HFLM(pretrained=opened.model, tokenizer=opened.tokenizer, batch_size=ROWS)
        found = harness.simple_evaluate(
            model=model,
            tasks=list(names),
            task_manager=_manager(folder),
            limit=limit,
            log_samples=True,
            bootstrap_iters=0,
        )
    return {task: _values(rows) for task, rows in found["samples"].items()}


def _values(rows: Sequence[dict[str, Any]]) -> Values:
    """Of the measures that are a number for each document, the first of FIRST, else the first there is."""
    numbers = [name for name in rows[0]["metrics"] if isinstance(rows[0].get(name), int | float)]
    measure = next((name for name in FIRST if name in numbers), numbers[0])
    return measure, {row["doc_id"]: float(row[measure]) for row in rows}


def _told(task: str, mine: Values, theirs: Values | None) -> Benchmarked:
    measure, own = mine
    values = np.array(list(own.values()))
    if theirs is None:
        return Benchmarked(task=task, measure=measure, score=mean_interval(values))
    others = np.array([theirs[1][document] for document in own])
    return Benchmarked(
        task=task,
        measure=measure,
        score=mean_interval(values),
        other=mean_interval(others),
        difference=paired(values, others),
    )


def _manager(folder: Path) -> Any:
    return require("lm_eval.tasks", _WHY, extra="eval").TaskManager(include_path=str(folder), include_defaults=False)


@contextmanager
def _quietly() -> Any:
    """Without the harness's own lines about what it does."""
    logger = logging.getLogger("lm_eval")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)

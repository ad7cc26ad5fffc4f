"""Public benchmarks, by the harness that everybody uses for them: what a version forgot that no test row of yours asks.

The tasks are files of EleutherAI's lm-evaluation-harness on this disk, groups of tasks among them; nothing is fetched.
A measure counts if it is a number for each document. Of texts that are read from end to end the harness keeps two, how
likely a document is and how long, which come to bits a byte of it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from homeostat.config.decode import compose
from homeostat.errors import NotFound, NotText, UnsuitedModel, WrongType, did_you_mean
from homeostat.extras import require
from homeostat.llm.adapters import stand
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import mean_interval, paired
from homeostat.types.report import Score
from homeostat.types.version import HEAD, Version

FIRST = ("exact_match", "acc_norm", "acc", "f1", "bleu", "chrf")
"""Measures of a task, the one that is told first where it has several."""
LONG: Mapping[str, str] = {
    "bits_per_byte": "bits a byte",
    "byte_perplexity": "bits a byte",
    "word_perplexity": "bits a word",
}
"""What becomes of measures of texts that are read from end to end; the lower, the better."""
ROWS = 16
"""Rows of one forward pass."""
_WHY = "to run public benchmarks"
NAMED = "put its task files there, or name another folder with `--tasks FOLDER`"


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
    """Names of the tasks whose files are in a folder; of groups of tasks not, for each is asked once.

    Raises:
        MissingExtra: the harness is not installed.
        NotText: there is no such folder, or a task file cannot be read, or includes one that is not there.
        WrongType: a task file is not YAML.
    """
    return sorted(_there(folder).all_subtasks)


def _there(folder: Path) -> Any:
    """What manages the tasks of a folder. Raises as `tasks_of`."""
    if not folder.is_dir():
        raise NotText("no folder of task files", where=str(folder), fix="name one with `--tasks FOLDER`")
    manager = _manager(folder)
    _hold_readable(folder)
    return manager


def _hold_readable(folder: Path) -> None:
    """Hold that every task file is one. The harness leaves out what it cannot read, and says nothing."""
    for file in sorted(folder.rglob("*.yaml")):
        if any(part.startswith((".", "__")) for part in file.relative_to(folder).parts):
            continue
        try:
            node = compose(file.read_text(encoding="utf-8"), str(file))
        except (OSError, UnicodeDecodeError) as problem:
            fix = "mend it, or take it out of the folder"
            raise NotText(f"a task file cannot be read: {problem}", where=str(file), fix=fix) from None
        for name in _included(node):
            if not (file.parent / name).is_file():
                fix = f"put {name} beside it, or leave `include` out"
                raise NotText("a task file includes one that is not there", where=str(file), fix=fix)


def _included(node: yaml.Node | None) -> list[str]:
    """The files that a task file includes, one or a list."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    found = next((value for key, value in pairs if key.value == "include"), None)
    if isinstance(found, yaml.SequenceNode):
        return [one.value for one in found.value]
    return [found.value] if isinstance(found, yaml.ScalarNode) else []


def benchmark(
    shop: Workshop, version: Version, other: Version | None, folder: Path, names: Sequence[str], limit: int | None
) -> list[Benchmarked]:
    """What a version, and another beside it, score on tasks, or on groups of them; on the first `limit` documents of
    each if it is given.

    Raises:
        MissingExtra: the harness is not installed.
        NotText: there is no such folder, or a task file, or its data, cannot be read.
        NotFound: there is no such task and no such group, or none at all.
        UnsuitedModel: a version is a head, which writes nothing.
        WrongType: a task file is not YAML, the harness cannot run it, or nothing of it is a number for each document.
    """
    manager = _there(folder)
    known, every = sorted(manager.all_tasks), sorted(manager.all_subtasks)
    if not every:
        raise NotFound("the folder holds no task of lm-evaluation-harness", where=str(folder), fix=NAMED)
    if strange := [name for name in names if name not in known]:
        raise NotFound(f"no task '{strange[0]}'", where=str(folder), fix=did_you_mean(strange[0], known))
    mine = measured(shop, version, folder, names or every, limit)
    theirs = measured(shop, other, folder, names or every, limit) if other else {}
    return [_told(task, values, theirs.get(task)) for task, values in mine.items()]


_DATA = "mend `data_files` in its file: write whole paths, as others begin where homeostat was started"
Values = tuple[str, dict[int, float]]
"""The measure, and what it says of each document."""


def measured(
    shop: Workshop, version: Version, folder: Path, names: Sequence[str], limit: int | None
) -> dict[str, Values]:
    """What a version scores on tasks, document by document. Raises as `benchmark`."""
    if version.kind == HEAD:
        raise UnsuitedModel(f"{version.id} is a head: it writes nothing", where=version.id, fix="name another version")
    harness, hf = require("lm_eval", _WHY, extra="eval"), require("lm_eval.models.huggingface", _WHY, extra="eval")
    weights = shop.signing.folder(shop.store, version) if version.blob else None
    with _quietly():
        opened = stand(version.stands_on(shop.config.model.weights), version.kind, weights, version.id)
        # The harness ties the weights of whatever it is given, and does not find those that an adapter stands before.
        opened.model.tie_weights = lambda *_, **__: None
        model = hf.HFLM(pretrained=opened.model, tokenizer=opened.tokenizer, batch_size=ROWS)
        try:
            found = harness.simple_evaluate(
                model=model,
                tasks=list(names),
                task_manager=_manager(folder),
                limit=limit,
                log_samples=True,
                bootstrap_iters=0,
            )
        except ValueError as problem:  # as of a task that is named, and is of a group that is named too
            fix = "mend its file, or name fewer with `--only`"
            raise WrongType(f"the harness cannot run this: {problem}", where=str(folder), fix=fix) from problem
        except FileNotFoundError as problem:  # as of data that are not there
            raise NotText(f"the harness cannot read this: {problem}", where=str(folder), fix=_DATA) from problem
    return {task: _values(rows, f"task {task}") for task, rows in found["samples"].items()}


def _values(rows: Sequence[dict[str, Any]], where: str) -> Values:
    """Of the measures that are a number for each document, the first of FIRST, else the first there is; else what LONG
    makes of the first that it knows. Where replies are read in several ways (filters), by the first of these.
    """
    first = rows[0]
    rows = [row for row in rows if row.get("filter") == first.get("filter")]
    numbers = [name for name in first["metrics"] if isinstance(first.get(name), int | float)]
    if numbers:
        measure = next((name for name in FIRST if name in numbers), numbers[0])
        return measure, {row["doc_id"]: float(row[measure]) for row in rows}
    long = next((name for name in LONG if name in first["metrics"]), None)
    if long is None:
        what = f"none of {', '.join(first['metrics']) or 'no measures'} is a number for each document"
        raise WrongType(what, where=where, fix=f"let its `metric_list` name one that is, such as {FIRST[0]}")
    return LONG[long], {row["doc_id"]: _bits(*row[long]) for row in rows}


def _bits(nats: float, units: int) -> float:
    """Bits a byte, or a word, of a document that is so likely."""
    return -nats / (max(units, 1) * math.log(2.0))


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

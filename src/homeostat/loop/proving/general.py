"""Public benchmarks as parts of suites: general abilities, which no test row asks, before and after every training.

A suite names a folder of task files of lm-evaluation-harness. Every candidate is asked beside the champion, document by
document, and may lose no more on any task than on other parts of suites. What a version scores is kept under the files
and the bytes it was scored on, so that a champion is asked once and not beside every candidate.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as release_of
from pathlib import Path
from typing import TypeAlias

from homeostat.errors import NotFound, NotText, Tampered, WrongType
from homeostat.evaluate.score import PairedRow
from homeostat.llm.content import hold_same
from homeostat.loop.proving.benchmarks import LONG, Values, measured, tasks_of
from homeostat.loop.proving.suites import suites
from homeostat.loop.workshop import Workshop
from homeostat.types.suite import Suite, Terms
from homeostat.types.version import ENSEMBLE, HEAD, Version

Probed: TypeAlias = dict[str, dict[str, float]]
"""Part of a suite -> document -> what a version scores on it, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Both versions on the benchmarks of a task's suites."""

    rows: list[PairedRow]
    demanded: dict[str, Terms]
    unasked: tuple[str, ...] = ()
    """Why a suite's benchmarks were not asked, a sentence each."""


def fastened(suite: Suite) -> Suite:
    """A suite with the hash of its task files as they are now; one that names none as it is.

    Raises:
        MissingExtra: the harness is not installed.
        NotText: there is no such folder.
        NotFound: it holds no task.
    """
    if not suite.benchmarks:
        return suite
    if not _names(suite):
        fix = f"put its task files there, or name another folder in `benchmarks` of suite '{suite.name}'"
        raise NotFound("the folder holds no task of lm-evaluation-harness", where=suite.benchmarks, fix=fix)
    return replace(suite, files=_hash(Path(suite.benchmarks)))


def parts(suite: Suite) -> dict[str, Terms]:
    """What is demanded on each of a suite's benchmarks. Raises as `fastened`."""
    names = _names(suite) if suite.benchmarks else []
    return {_part(suite, name): Terms(margin=suite.margin, at_least=suite.at_least) for name in names}


def beside(shop: Workshop, candidate: Version, champion: Version) -> Beside:
    """Both versions on every benchmark, paired by document. Of a head, or several that answer as one, nothing is asked:
    they write nothing, and what is below them is as it was.

    Raises:
        MissingExtra, NotText, NotFound, WrongType: the harness cannot ask.
        Tampered: a suite's task files are not those that were added.
    """
    rows, demanded, unasked = list[PairedRow](), dict[str, Terms](), list[str]()
    for suite in _named(shop, candidate.task):
        mute = [one for one in (candidate, champion) if one.kind in (HEAD, ENSEMBLE)]
        if mute:
            unasked.append(f"benchmarks of suite {suite.name} not asked: {mute[0].id} writes nothing")
            continue
        mine, theirs = (probed(shop, one, suite) for one in (candidate, champion))
        demanded |= parts(suite)
        rows += [
            PairedRow(id=f"{part}.{document}", group=part, candidate=value, champion=theirs[part][document])
            for part, values in mine.items()
            for document, value in values.items()
        ]
    return Beside(rows=rows, demanded=demanded, unasked=tuple(unasked))


def alone(shop: Workshop, version: Version) -> Probed:
    """A version on every benchmark of its task's suites; nothing of one that writes nothing. Raises as `beside`."""
    if version.kind in (HEAD, ENSEMBLE):
        return {}
    found: Probed = {}
    for suite in _named(shop, version.task):
        found |= probed(shop, version, suite)
    return found


def before(shop: Workshop, champion: Version) -> dict[str, tuple[int, Terms]]:
    """How many documents of each benchmark a champion was asked, and what is demanded there; nothing is asked anew."""
    found = dict[str, tuple[int, Terms]]()
    for suite in _named(shop, champion.task):
        terms = Terms(margin=suite.margin, at_least=suite.at_least)
        found |= {part: (len(values), terms) for part, values in (_known(shop, champion, suite) or {}).items()}
    return found


def probed(shop: Workshop, version: Version, suite: Suite) -> Probed:
    """What a version scores on a suite's benchmarks; as it is kept, if it is. Raises as `beside`."""
    folder = Path(suite.benchmarks)
    names = _names(suite)
    if _hash(folder) != suite.files:
        raise Tampered(
            f"the benchmarks of suite '{suite.name}' are not those that were added",
            where=str(folder),
            fix="put the files back, or `homeostat suites add` the suite again, which takes them as they are",
        )
    if (known := _known(shop, version, suite)) is not None:
        return known
    said = measured(shop, version, folder, names, suite.documents or None)
    hold_same(shop.store, shop.base_of(version))  # the harness has opened it by itself
    found = {_part(suite, task): _shares(task, values) for task, values in said.items()}
    if key := _key(shop, version, suite):
        shop.store.state.put(key, shop.store.blobs.put_text(json.dumps(found)))
    return found


def _names(suite: Suite) -> list[str]:
    """Tasks in a suite's folder. Raises as `tasks_of`, with what mends a suite."""
    folder = Path(suite.benchmarks)
    if not folder.is_dir():
        fix = f"put it back, or `homeostat suites add` or `--drop` suite '{suite.name}', which names it in `benchmarks`"
        raise NotText("no folder of task files", where=str(folder), fix=fix)
    return tasks_of(folder)


def _named(shop: Workshop, task: str) -> list[Suite]:
    return [suite for suite in suites(shop.store, task) if suite.benchmarks]


def _part(suite: Suite, task: str) -> str:
    return f"suite {suite.name} on {task}"


def _known(shop: Workshop, version: Version, suite: Suite) -> Probed | None:
    """What is kept of a version's scores; None where nothing is."""
    key = _key(shop, version, suite)
    blob = shop.store.state.get(key) if key else None
    if not isinstance(blob, str) or not shop.store.blobs.holds(blob):
        return None
    found: Probed = json.loads(shop.store.blobs.text(blob))
    return found


def _key(shop: Workshop, version: Version, suite: Suite) -> str:
    """Under which a score is kept: by all that it depends on; empty where the bytes of the base cannot be told."""
    base = shop.base_of(version)
    if base is None:
        return ""
    on = [suite.name, suite.files, suite.documents, base.content, _harness()]
    return f"benchmarks:{version.id}:{hashlib.sha256(json.dumps(on).encode()).hexdigest()}"


def _harness() -> str:
    """Release of the harness; empty where it is not installed, of which no score is kept."""
    try:
        return release_of("lm_eval")
    except PackageNotFoundError:
        return ""


def _shares(task: str, values: Values) -> dict[str, float]:
    """Scores in [0, 1] by document; of a text that is read from end to end how likely a byte, or a word, of it is."""
    measure, said = values
    found = {str(k): 2.0**-value if measure in LONG.values() else value for k, value in said.items()}
    if strange := [value for value in found.values() if not 0.0 <= value <= 1.0]:
        what = f"its measure {measure} says {strange[0]:g} of a document, and what a gate holds to is between 0 and 1"
        raise WrongType(what, where=f"task {task}", fix="let its `metric_list` name such a one first, or leave it out")
    return found


def _hash(folder: Path) -> str:
    """Of the names and the content of every file in a folder and below, but for hidden ones and caches."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith((".", "__")) for part in name.parts):
            with path.open("rb") as file:
                inside = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{name.as_posix()}\0{inside}\n".encode())
    return digest.hexdigest()

"""Another base as a way to answer better: which ones are considered, what a short training on each is worth, what a
change would cost.

Those are considered that somebody compared with `homeostat bases --keep`. A change of base is no turn's to make: every
adapter of every task stands on the one there is. So it is weighed and proposed, and a person changes `model.base`.
"""

from __future__ import annotations

from collections.abc import Sequence

from homeostat.curate.mix import memory
from homeostat.curate.snapshot import examples, origins
from homeostat.decide.option import BASE, Option
from homeostat.errors import HomeostatError
from homeostat.loop.deciding.ground import Ground, unknown
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import paired
from homeostat.store import Store
from homeostat.train.bases.compare import Candidate, Comparison, compare
from homeostat.train.bases.probe import Probe, Rows
from homeostat.types.dataset import Example
from homeostat.types.task import Kind

STEPS, BATCH = 40, 16
"""Steps of the short training and rows of each, as `homeostat bases` makes them."""


def keep(store: Store, task: str, found: Comparison, own: str) -> tuple[str, ...]:
    """Note the bases that could be tried as those to consider for a task, but the project's own; in their order."""
    names = tuple(one.base for one in found.candidates if not one.failed and one.base != own)
    store.state.put(f"bases:{task}", list(names))
    return names


def kept(store: Store, task: str) -> tuple[str, ...]:
    """The bases to consider for a task; none where nobody has compared any."""
    found = store.state.get(f"bases:{task}")
    return tuple(str(name) for name in found) if isinstance(found, list) else ()


def based(shop: Workshop, ground: Ground) -> list[Option]:
    """An option for each base to consider: by how much a short training on it is ahead of the same on the project's
    own, from scratch both, on the later rows; and what training every task anew would cost. None for a task of text.
    """
    own = shop.config.model.weights
    if ground.task.kind is not Kind.LABEL:
        return []  # what a probability of a byte is worth to users nobody knows
    others = [base for base in kept(shop.store, ground.task.name) if base != own]
    learn = _learned(ground)
    if not others or not learn:
        return []
    rows = Rows(
        task=ground.task,
        labels=ground.labels,
        learn=learn,
        exam=ground.later,
        steps=STEPS,
        threads=shop.config.model.threads,
        seed=shop.config.train.seed,
    )
    try:
        found = {one.base: one for one in compare([own, *others], rows).candidates}
    except HomeostatError as broken:
        return [unknown(f"{BASE} {base}", f"no base could be tried: {broken.what}") for base in others]
    before = found[own].probe
    if before is None:
        return [unknown(f"{BASE} {base}", f"{own} could not be tried: {found[own].failed}") for base in others]
    return [_option(shop, ground, before, found[base]) for base in others]


def _learned(ground: Ground) -> list[Example]:
    """The newest rows that all bases can learn, none of them like those that are measured on."""
    asked = {row.text for row in ground.later}
    known = [row for row in (*ground.memory, *ground.earlier) if row.text not in asked]
    return [row for row in known if not ground.labels or row.target in ground.labels][-STEPS * BATCH :]


def _option(shop: Workshop, ground: Ground, own: Probe, other: Candidate) -> Option:
    name, probe = f"{BASE} {other.base}", other.probe
    if probe is None:
        return unknown(name, f"{other.base} could not be tried: {other.failed}")
    rows, tasks = _others(shop, ground.task.name)
    rows += len(ground.memory) + len(ground.earlier) + len(ground.later)
    also = f"; the adapters of {tasks} other task{'s' * (tasks != 1)} would have to be trained anew with it" * bool(
        tasks
    )
    return Option(
        name=name,
        base=other.base,
        gain=paired(probe.rows, own.rows),
        cpu_s=rows * shop.config.train.epochs * probe.cpu_seconds / (STEPS * BATCH),
        more_cpu_s=(probe.latency_ms - own.latency_ms) / 1000.0,
        says=f"standing on {other.base}: {STEPS} steps from scratch on each base were compared{also}",
    )


def _others(shop: Workshop, task: str) -> tuple[int, int]:
    """Rows that the champions of the other tasks know, and how many such tasks there are."""
    champions = [shop.store.aliases.get(name, "champion") for name in shop.config.tasks if name != task]
    known = [shop.store.versions.get(one) for one in champions if one]
    counts: Sequence[int] = [
        len(memory(examples(shop.store, each.id) for each in origins(shop.store, version))) for version in known
    ]
    return sum(counts), len(counts)

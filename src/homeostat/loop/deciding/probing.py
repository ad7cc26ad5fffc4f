"""Probes ways to answer better: other words, verified answers beside a request, and short trainings, each measured.

The newest verified rows are halved. All that is chosen (which instruction, how many answers) is chosen on the older
half, and the gain is measured on the newer one, which nothing of it has seen: in production, too, requests come later.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from homeostat.config.snapshot import snapshot
from homeostat.decide.option import DISTIL, PROMPT, RETRIEVE, Option
from homeostat.llm.preface import Preface, States, read_preface
from homeostat.loop.deciding.basing import based, kept
from homeostat.loop.deciding.curving import trained
from homeostat.loop.deciding.ground import Asker, Ground, no_gain
from homeostat.loop.deciding.objectives import standings
from homeostat.loop.deciding.seeing import clock
from homeostat.loop.making.teaching import taught
from homeostat.loop.workshop import Workshop
from homeostat.stats.intervals import paired
from homeostat.train.few.halving import search
from homeostat.train.few.variants import Mistake, corrected, variants
from homeostat.train.recipe import Recipe
from homeostat.types.dataset import Example
from homeostat.types.task import Task
from homeostat.types.version import Version

FEWEST, MOST = 60, 400
"""Verified rows that a probe needs, and the newest of them that it looks at."""
SHOWN = (2, 4, 8)
"""Numbers of verified answers beside a request that are tried."""
WORDS_OF, STATES_OF = "words", "states"
"""What the answers most like a request are found by: the words of both, or what the champion's model makes of them."""
READ = 2_000
"""The newest verified rows that the model reads to find answers by its states, at most: each costs a pass."""

Training = tuple[Recipe, float, float]
"""A recipe, and the CPU- and GPU-seconds that a whole training by it is expected to take."""


def halved(task: Task, champion: Version, memory: Sequence[Example], labeled: Sequence[Example]) -> Ground:
    """The newest verified rows in two halves, of which the older is to choose by."""
    rows = list(labeled)[-MOST:]
    cut = len(rows) // 2
    return Ground(task=task, champion=champion, memory=memory, earlier=rows[:cut], later=rows[cut:], known=len(labeled))


def options(shop: Workshop, ground: Ground, recipes: Mapping[str, Training], skip: set[str]) -> tuple[Option, ...]:
    """What `probe` finds, once for the same rows and settings: a decision looks several times."""
    rows = [row.interaction for row in (*ground.earlier, *ground.later)]
    pupil = (ground.pupil.student.id, *ground.pupil.teachers) if ground.pupil else ()
    bases = kept(shop.store, ground.task.name)
    key = json.dumps([ground.champion.id, pupil, rows, ground.known, sorted(skip), bases, snapshot(shop.config)[0]])
    if shop.probed.get(ground.task.name, ("", ()))[0] != key:
        shop.probed[ground.task.name] = (key, tuple(probe(shop, ground, recipes, skip)))
    return shop.probed[ground.task.name][1]


def gap(shop: Workshop, task: Task, champion: Version) -> float | None:
    """By how much the task's metric falls short of an objective that is missed or behind; None where none is."""
    at = clock(shop.config, shop.store, task.name)
    found = standings(shop.config, shop.store, task.name, champion, at=at)
    gaps = [one.gap for one in found if one.metric in (task.metric, "wrong") and not one.slice and one.course.fails]
    return max((one for one in gaps if one is not None), default=None)


def probe(shop: Workshop, ground: Ground, recipes: Mapping[str, Training], skip: set[str]) -> list[Option]:
    """Every way that suits the champion, with what it gained; none where too few rows are verified.

    Args:
        shop: whose model is asked.
        ground: what is probed on.
        recipes: trainings by name.
        skip: names of ways that were refused last time and are not probed again.
    """
    if len(ground.earlier) + len(ground.later) < FEWEST:
        return []
    trial = _trial(ground)
    found: list[Option] = []
    with shop.loaded(ground.champion, trial) as backend:
        plain = Asker(backend, ground.task, ground.champion)
        before = backend.preface(ground.champion.id, None)
        values, _, each = plain.right(before, ground.later)
        ways: dict[str, Callable[[], Option]] = {
            PROMPT: lambda: _prompt(shop, ground, Asker(backend, ground.task, trial), before, values, each),
            RETRIEVE: lambda: _retrieve(ground, Asker(backend, ground.task, trial), before, values, each),
        }
        found += [way() for name, way in ways.items() if name not in skip]
    for name, (recipe, cpu_s, gpu_s) in recipes.items():
        if name not in skip:
            found.append(replace(trained(shop, ground, name, recipe, values), cpu_s=cpu_s, gpu_s=gpu_s))
    if ground.pupil is not None and DISTIL not in skip:
        found.append(taught(shop, ground, values, each))
    return [*found, *based(shop, ground)]


def pool(task: Task, memory: Sequence[Example], new: Sequence[Example], fence: Sequence[str]) -> tuple[Example, ...]:
    """The verified rows that may be shown: what is remembered and what is new, cleaned, without doubles and without
    anything like the rows of the fence; the newest of contradicting ones.
    """
    seen = {text.casefold().strip() for text in fence}
    newest = {row.text.casefold().strip(): row for row in sorted([*memory, *new], key=lambda row: row.time)}
    return tuple(row for text, row in newest.items() if text and text not in seen)


def _trial(ground: Ground) -> Version:
    """The champion by another name, with room for labels that only examples tell of."""
    return replace(ground.champion.knowing(ground.labels), id=f"{ground.champion.id}_probed")


def _prompt(
    shop: Workshop, ground: Ground, asker: Asker, before: Preface | None, values: Sequence[float], each: float
) -> Option:
    """The best instruction that a search over variants has found."""
    base, rows, spent = before or ground.preface, list(ground.earlier), time.process_time()
    base = base if base.instruction else replace_words(base, ground.task.instruction)
    own = shop.config.tasks[ground.task.name].instructions

    def score(instruction: str, at: Sequence[int]) -> list[float]:
        return asker.score(replace_words(base, instruction), [rows[k] for k in at])

    candidates = variants(base.instruction, own, ground.champion.labels, ground.task.kind)
    first = search(candidates, score, len(rows))
    _, said, _ = asker.right(replace_words(base, first.best), rows)
    wrong = [Mistake(row.text, reply, row.target) for row, reply in zip(rows, said, strict=True) if reply != row.target]
    edits = corrected(first.best, wrong, ground.task.kind)
    best = search(list(dict.fromkeys([base.instruction, first.best, *edits])), score, len(rows))
    tried = f"{len(candidates) + len(edits)} instructions tried on {len(rows)} verified rows"
    spent = time.process_time() - spent
    if best.best == base.instruction:
        return no_gain(PROMPT, values, spent, f"none of {tried} is better than the one in force")
    better, _, took = asker.right(replace_words(base, best.best), ground.later)
    says = f'answering with the instruction "{best.best}", the best of {tried}'
    found = replace(no_gain(PROMPT, values, spent, says), instruction=best.best)
    return replace(found, gain=paired(better, values), more_cpu_s=took - each)


def replace_words(preface: Preface, instruction: str) -> Preface:
    """The same examples under another instruction."""
    return replace(preface, instruction=instruction)


def _retrieve(ground: Ground, asker: Asker, before: Preface | None, values: Sequence[float], each: float) -> Option:
    """The best number of the most alike verified answers to stand before a request, found by words or by states."""
    half, spent = len(ground.earlier) // 2, time.process_time()
    first = pool(ground.task, ground.memory, ground.earlier[:half], ())
    ways, rows = _Ways.of(asker, before, first), list(ground.earlier[half:])

    def score(way: tuple[int, str], at: Sequence[int]) -> list[float]:
        return asker.score(ways.preface(*way), [rows[k] for k in at])

    best = search([(0, WORDS_OF), *((n, by) for n in SHOWN for by in (WORDS_OF, STATES_OF))], score, len(rows))
    (shown, by), spent = best.best, time.process_time() - spent
    tried = f"{', '.join(map(str, SHOWN))} of {len(first)} verified answers beside each of {len(rows)} requests"
    if not shown:
        says = f"this model does not learn from examples that it is shown ({tried}: no better than none)"
        return no_gain(RETRIEVE, values, spent, says)
    whole = _Ways.of(asker, before, pool(ground.task, ground.memory, ground.earlier, ()))
    better, _, took = asker.right(whole.preface(shown, by), ground.later)
    told = {WORDS_OF: "in their words", STATES_OF: "to the model itself, whatever their words"}[by]
    says = f"answering with the {shown} verified answers most alike {told} before each request"
    found = replace(no_gain(RETRIEVE, values, spent, says), shown=shown, by=by)
    return replace(found, gain=paired(better, values), more_cpu_s=took - each)


@dataclass(frozen=True, slots=True)
class _Ways:
    """Verified answers, ready to be shown beside requests, found in one way or the other."""

    words: str
    rows: Sequence[Example]
    states: States

    @staticmethod
    def of(asker: Asker, before: Preface | None, rows: Sequence[Example]) -> _Ways:
        asker.backend.preface(asker.version.id, before)
        return _Ways((before or Preface()).instruction, rows, asker.states(newest_of(rows)))

    def preface(self, shown: int, by: str) -> Preface:
        """So many of them, found so."""
        if by == STATES_OF:
            return Preface(self.words, shown_of(newest_of(self.rows)), shown, self.states)
        return Preface(self.words, shown_of(self.rows) if shown else (), shown)


def newest_of(rows: Sequence[Example]) -> list[Example]:
    """Those of the rows that answers are found among by states, in their order."""
    return list(rows)[-READ:]


def shown_of(rows: Sequence[Example]) -> tuple[tuple[str, str], ...]:
    """Rows as a preface holds them."""
    return tuple((row.text, row.target) for row in rows)


def preface_of(shop: Workshop, version: Version) -> Preface | None:
    """What a version reads before every request."""
    return read_preface(shop.store.blobs.folder(version.blob)) if version.blob else None

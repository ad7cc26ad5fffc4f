"""The whole of curation, step by step, with a count after every step. Pure: the same inputs give the same rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from homeostat.config.schema import Curate
from homeostat.curate.clean import age, clean, settle
from homeostat.curate.dedupe import dedupe
from homeostat.curate.fence import Fence
from homeostat.curate.mix import draw, replayable, superseded
from homeostat.curate.select import Pair, corrected, newest, select
from homeostat.curate.sources import bounded
from homeostat.curate.target import good, target
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Kind, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything a dataset is built from."""

    task: Task
    pairs: Sequence[Pair] = ()
    """Interactions of the task with feedback about them; one interaction may come several times."""
    imported: Sequence[Example] = ()
    """Examples that come with their target, such as the history that the first champion learns."""
    memory: Sequence[Example] = ()
    """What the champion and its ancestors were trained on."""
    evaluation: Iterable[str] = ()
    """Texts of the evaluation sets; nothing like them is learned."""
    labels: tuple[str, ...] = ()
    """Label set of the champion."""
    since: float = -math.inf
    """Time of the champion's dataset: feedback up to then has been used."""
    until: float = math.inf
    """Time up to which feedback counts."""
    held: frozenset[str] = frozenset()
    """Ids of the feedback that is held back because it is doubted: it teaches nothing, and overturns nothing."""
    tags: tuple[str, ...] = ()
    """Tags that rows keep, because they are weighed by them; nothing else of a request's tags reaches a dataset."""
    recall: bool = False
    """Whether old rows that are not replayed come too, marked as recalled."""
    rated: bool = False
    """Whether replies come too that were rated badly, for who learns from ratings; else nothing teaches them."""
    only_wrong: bool = False
    """Whether of what was said of replies only that counts which says that another one was right."""

    def afresh(self) -> Inputs:
        """The same for who starts from the bare base: all that the champion learned is new to it."""
        known = [replace(row, origin=Origin.NEW) for row in self.memory]
        return replace(self, imported=[*self.imported, *known], memory=(), since=-math.inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curated:
    """Rows to learn from and how they came about."""

    examples: tuple[Example, ...]
    """New rows, oldest first, then replayed rows, oldest first, then recalled ones."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Rows left after every step, in the order of the steps; `held` and `superseded` alone count rows dropped."""
    labels: tuple[str, ...] = ()
    """Label set of the champion, then new labels in order of appearance; empty for a text task."""

    @property
    def replay(self) -> float:
        """Replayed rows per new row, as it came out."""
        return self.counts["replayed"] / max(1, self.counts["new"])


def build(inputs: Inputs, settings: Curate) -> Curated:
    """New rows from the log and old rows from memory, cleaned, fenced and mixed.

    An empty result is no error: it says that nothing new can be learned.
    """
    fence = Fence(inputs.evaluation)
    said, counts = _said(inputs, settings)
    new, of_new = _new(said, fence, inputs, settings)
    old, of_old = _old(inputs, said, new, fence)
    replayed = _drawn(old, round(settings.replay * len(new)), Origin.REPLAY, inputs, settings)
    recalled = _recalled(replayable(old, replayed), len(new) + len(replayed), inputs, settings) if new else []
    rows = tuple(_tagged(row, inputs.tags) for row in (*new, *replayed, *recalled))
    total = {"replayed": len(replayed), "recalled": len(recalled), "total": len(rows)}
    labels = _labels(inputs.labels, new) if inputs.task.kind is Kind.LABEL else ()
    return Curated(examples=rows, counts={**counts, **of_new, **of_old, **total}, labels=labels)


def _tagged(row: Example, tags: Iterable[str]) -> Example:
    """The row with these of its tags alone."""
    return replace(row, tags={tag: row.tags[tag] for tag in tags if tag in row.tags}) if row.tags else row


def _recalled(old: Sequence[Example], taken: int, inputs: Inputs, settings: Curate) -> list[Example]:
    """The rest of what is remembered, if it is wanted and there is room."""
    return _drawn(old, max(0, settings.max_rows - taken) if inputs.recall else 0, Origin.RECALL, inputs, settings)


def _drawn(old: Sequence[Example], rows: int, origin: Origin, inputs: Inputs, settings: Curate) -> list[Example]:
    turn = len(inputs.memory)  # grows with every dataset, so that each turn draws other rows than the turn before
    return draw(old, rows, origin, kind=inputs.task.kind, seed=(settings.seed, turn))


def _said(inputs: Inputs, settings: Curate) -> tuple[list[Example], dict[str, int]]:
    """What the log and the imports say that the right replies are, free of contradictions, oldest first."""
    kind = inputs.task.kind
    believed = [pair for pair in inputs.pairs if pair[1].id not in inputs.held]
    selected = select(believed, since=inputs.since, until=inputs.until)
    selected = corrected(selected) if inputs.only_wrong else selected
    told = target(selected, inputs.task, inputs.labels, rated=inputs.rated)
    targeted = sorted([*told, *_wanted(inputs.imported, inputs)], key=age)
    cleaned = clean(targeted, kind)
    shared = bounded(cleaned, _sources(inputs), settings.trusted)
    settled = settle(shared, inputs.memory, kind)
    counts = {"held": len(inputs.pairs) - len(believed), "selected": len(selected) + len(inputs.imported)}
    counts |= {"targeted": len(targeted), "cleaned": len(cleaned), "shared": len(shared)}
    return settled, {**counts, "settled": len(settled)}


def _wanted(rows: Sequence[Example], inputs: Inputs) -> Sequence[Example]:
    """The rows without those that were rated badly, unless such are wanted."""
    return rows if inputs.rated else good(rows)


def _sources(inputs: Inputs) -> dict[str, str]:
    """Interaction -> who said what it is."""
    believed = [pair for pair in inputs.pairs if pair[1].id not in inputs.held]
    return {request.id: said.source for request, said in select(believed, since=inputs.since, until=inputs.until)}


def _new(
    said: Sequence[Example], fence: Fence, inputs: Inputs, settings: Curate
) -> tuple[list[Example], dict[str, int]]:
    """The rows to learn, leaving room for their replay under `max_rows`; no source has more than its part of them."""
    distinct = dedupe(said, settings.near_duplicate)
    fenced = fence.outside(distinct)
    room = max(1, int(settings.max_rows / (1 + settings.replay)))
    new = bounded(newest(fenced, most=room, most_per_label=settings.max_per_label), _sources(inputs), settings.trusted)
    return new, {"deduplicated": len(distinct), "fenced": len(fenced), "new": len(new)}


def _old(
    inputs: Inputs, said: Sequence[Example], new: Sequence[Example], fence: Fence
) -> tuple[list[Example], dict[str, int]]:
    """The rows of memory that may be replayed: outside the fence, still true, not among the new ones."""
    remembered = fence.outside(_wanted(inputs.memory, inputs))
    wrong = superseded(remembered, said, inputs.task.kind)
    true = [row for number, row in enumerate(remembered) if number not in wrong]
    left = replayable(true, new)
    return left, {"remembered": len(remembered), "superseded": len(wrong), "replayable": len(left)}


def _labels(known: Iterable[str], rows: Iterable[Example]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*known, *(row.target for row in rows)]))

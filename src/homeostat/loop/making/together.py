"""What several versions know together: their labels, and the rows that they and those before them learned from.

Who makes one version of several keeps these rows as its dataset, so that it is known what it has learned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from homeostat.curate.build import Curated
from homeostat.curate.fence import Fence
from homeostat.curate.mix import memory
from homeostat.curate.snapshot import as_lines, examples, origins, store_dataset
from homeostat.curate.target import good
from homeostat.curate.text import key
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import open_model
from homeostat.llm.render import Renderer
from homeostat.loop.proving.examining import fence
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.train.run import Order, Start, render
from homeostat.train.samples import apart
from homeostat.types import ids
from homeostat.types.dataset import Dataset, Example, Origin
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """Versions, and the task that they are asked for as one."""

    task: Task
    members: tuple[Version, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that a member knows, in the order in which they come; none of a task of texts."""
        known = dict.fromkeys(label for member in self.members for label in member.labels)
        return tuple(known) if self.task.kind is Kind.LABEL else ()

    def rows(self, shop: Workshop) -> list[Example]:
        """What they learned, each text once as it was told last; nothing like the task's test suite."""
        found = {dataset.id: dataset.time for member in self.members for dataset in origins(shop.store, member)}
        datasets = sorted(found, key=lambda id: (found[id], id))
        labels, told = self.labels, dict[str, Example]()
        for row in good(memory(examples(shop.store, dataset) for dataset in datasets)):  # the oldest first
            if not labels or row.target in labels:
                told[key(row.text)] = row
        left = Fence(fence(shop, self.task.name)).outside(list(told.values()))
        return [replace(row, origin=Origin.NEW, task=self.task.name) for row in left]

    def order(self, shop: Workshop, rows: Sequence[Example], folder: Path = Path()) -> Order:
        """A training of these rows from the bare base, which nobody carries out: it says how rows are read."""
        return Order(
            task=self.task,
            start=Start(base=shop.config.model.weights),
            examples=rows,
            labels=self.labels,
            recipe=named("joint", shop.config.train),
            folder=folder,
        )

    def held_out(self, shop: Workshop, rows: Sequence[Example]) -> list[Example]:
        """Those of the rows that no training by the project's recipes has been trained on."""
        order, opened = self.order(shop, rows), open_model(shop.config.model.weights)
        codes = encode_labels(opened.tokenizer, self.labels) if order.chooses else None
        samples = render(order, Renderer(opened.tokenizer), codes)
        held = {id(sample) for sample in apart(samples, order.recipe.held_out)[1]}
        return [row for row, sample in zip(rows, samples, strict=True) if id(sample) in held]

    def keep(self, shop: Workshop, rows: Sequence[Example]) -> Dataset | None:
        """The rows as a dataset, which is as old as the oldest of the members', so that nothing that was told since is
        taken for known; None of no rows.
        """
        parents = tuple(dict.fromkeys(one.dataset for one in self.members if one.dataset))
        if not rows:
            return None
        now = min(shop.store.datasets.get(one).time for one in parents)
        made = Curated(examples=tuple(rows), counts={"together": len(rows)}, labels=self.labels)
        name = ids.derived("dst", "together", self.task.name, self.labels, as_lines(rows))
        return store_dataset(shop.store, made, task=self.task.name, turn=name, now=now, parents=parents)

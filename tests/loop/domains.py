"""A project whose tasks are domains: an adapter each that was really trained, and one that knows nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tiny
from homeostat.config.schema import Config, Model, Tasks, Train
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import promote, register
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.types.version import Version
from train.transfer.adapters import drawn

DOMAINS = {"parcels": ("refund_request", "late_delivery"), "machines": ("broken_pump", "wrong_bill", "light_out")}
LABELS = tuple(label for labels in DOMAINS.values() for label in labels)


def laid(folder: Path) -> Workshop:
    """The project: `ver_parcels` and `ver_machines` answer the tasks of their names, and `ver_routing_…` are the same
    adapters as candidates of the task `routing`, which nobody answers.
    """
    base = tiny.llama(folder / "base")
    tasks = {name: Tasks(instruction="route") for name in ("routing", *DOMAINS, "noise")}
    config = Config(
        project="p", folder=str(folder / "p"), model=Model(base=str(base)), tasks=tasks, train=Train(rank=8)
    )
    shop = Workshop.open(config)
    for name, labels in DOMAINS.items():
        rows = tiny.examples(labels, each=80)
        order = Order(
            task=shop.config.task(name),
            start=Start(base=str(base)),
            examples=rows,
            labels=labels,
            recipe=Recipe(lr=8e-3, epochs=6, looks=1, batch_rows=10),
            folder=folder / name,
        )
        weights = train(order).weights
        for task in (name, "routing"):
            _registered(shop, weights, task, f"{'routing_' if task == 'routing' else ''}{name}", labels)
    _registered(shop, drawn(base, folder / "noise", seed=1), "noise", "noise", LABELS)
    return shop


def _registered(shop: Workshop, weights: Path, task: str, name: str, labels: Sequence[str]) -> None:
    rows = tiny.examples(labels, each=80)
    curated = Curated(examples=tuple(rows), labels=tuple(labels))
    dataset = store_dataset(shop.store, curated, task=task, turn=name, now=10.0)
    base = shop.config.model.base
    version = Version(id=f"ver_{name}", task=task, time=10.0, base=base, labels=tuple(labels), dataset=dataset.id)
    register(shop.store, version, weights)
    if task != "routing":
        promote(shop.store, task, version.id, "for a test", now=10.0)


def unseen(labels: Sequence[str] = LABELS, each: int = 40, seed: int = 5) -> tuple[list[str], list[str]]:
    """Texts that nobody has seen, and their labels."""
    pairs = [(text, label) for label in labels for text in tiny.texts(label, each, seed)]
    return [text for text, _ in pairs], [label for _, label in pairs]


def right(shop: Workshop, version: Version, texts: Sequence[str], target: Sequence[str]) -> list[float]:
    """By row, 1 where the version replies as it should."""
    replies = shop.answers(shop.config.task(version.task), version, texts)
    return [float(reply.text == label) for reply, label in zip(replies, target, strict=True)]

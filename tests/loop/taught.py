"""A project with a teacher, requests that nobody has labeled, and a base for students."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import tiny
from homeostat.config.schema import Config, Model, Tasks, Train
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.registry import promote, register
from homeostat.train.adapt.lora import Lora
from homeostat.train.recipe import Recipe
from homeostat.train.run import Order, Start, train
from homeostat.types.dataset import Example
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind
from homeostat.types.version import Version

LEARNING = Recipe(adapt=Lora(rank=8), lr=8e-3, epochs=12, batch_rows=12, looks=4, patience=4)


@dataclass(frozen=True, slots=True)
class School:
    """A project, and where its models lie."""

    shop: Workshop
    folder: Path
    draw: int = 0

    @property
    def small(self) -> str:
        """A base of a third of the width, with a tokenizer of its own."""
        return str(self.folder / "small")

    def teach(self, name: str, rows: list[Example], parent: Version | None = None, seed: int = 0) -> Version:
        """A version trained on rows and registered."""
        blob = self.shop.store.blobs.folder(parent.blob) if parent else None
        base = self.shop.config.model.base
        start = Start(base=base, folder=blob, kind="lora" if parent else "base", labels=parent.labels if parent else ())
        recipe = replace(LEARNING, seed=seed)
        if parent:  # gently, and too few rows to hold some out
            recipe = replace(recipe, lr=LEARNING.lr / 4, held_out=0.0, refit=False)
        made = train(
            Order(
                task=self.shop.config.task("routing"),
                start=start,
                examples=rows,
                labels=tiny.LABELS,
                recipe=recipe,
                folder=self.folder / name,
            )
        )
        version = Version(
            id=f"ver_{name}",
            task="routing",
            time=len(self.shop.store.versions.list()),
            base=base,
            kind=made.kind,
            labels=made.labels,
            prior=made.prior,
            parent=parent.id if parent else "",
        )
        return register(self.shop.store, version, made.weights)

    def promote(self, version: Version) -> None:
        """Let a version answer everybody."""
        promote(self.shop.store, version.task, version.id, "for a test", now=version.time)

    def right(self, version: Version, each: int = 40) -> list[float]:
        """1 for each unseen request that a version tells right, else 0."""
        rows = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, each, 10 * self.draw + 99)]
        replies = self.shop.answers(self.shop.config.task("routing"), version, [text for text, _ in rows])
        return [float(reply.text == label) for reply, (_, label) in zip(replies, rows, strict=True)]


def school(folder: Path, requests: int = 60, draw: int = 0) -> School:
    """A champion that has learned the labels, and requests in the log of which nobody has said what is right."""
    base = tiny.llama(folder / "base", hidden=64)
    tiny.llama(folder / "small", tokenizer=tiny.chat_tokenizer(codes=8), hidden=32, seed=4)
    tasks = {"routing": Tasks(instruction="route"), "replies": Tasks(kind=Kind.TEXT)}
    config = Config(
        project="p",
        folder=str(folder / "p"),
        model=Model(base=str(base)),
        tasks=tasks,
        train=Train(epochs=12, batch_rows=12, held_out=0.1),
    )
    made = School(Workshop.open(config), folder, draw)
    made.promote(made.teach("first", tiny.examples(each=40, seed=10 * draw), seed=draw))
    texts = [text for label in tiny.LABELS for text in tiny.texts(label, requests, 10 * draw + 5)]
    made.shop.store.interactions.add(
        Interaction(
            id=f"int_{k:04}", task="routing", time=float(k), text=text, reply="", version="ver_first" if k % 2 else ""
        )
        for k, text in enumerate(texts)
    )
    exams = [Exam(text=text, target=tiny.LABELS[0], time=0.0) for text in texts[:3]]
    made.shop.put_suite("routing", exams)
    return made

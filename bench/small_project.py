"""A whole project small enough to be gone through in seconds: a tiny base, a champion, traffic with two new labels.

Not a bar: `lay` makes the project, `copy` gives each run its own, and `Gateway` leaves the rows that users, copies of
their requests and their feedback leave, with the replies of the real versions. Nothing here is invented but the texts.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from homeostat.builtin.resources import model_path
from homeostat.config.schema import Config, Curate, Decide, Model, Monitor, Tasks, Train
from homeostat.config.schema import Release as Rollout
from homeostat.llm.backend import Reply
from homeostat.loop.found import found
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.route import route
from homeostat.types import ids
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release, Stage

TASK = "routing"
KNOWN = {
    "refund": "refund money back charged",
    "delivery": "parcel courier late shipping",
    "login": "password account locked code",
    "invoice": "invoice bill copy tax",
}
NEW = {
    "leak": "water leak wet floor",
    "pairing": "bluetooth phone pair device",
}
WORDS = {**KNOWN, **NEW}
FILLERS = (
    "please help today my the again yesterday still with about order question hello thanks since morning week is it "
    "this and for why how could somebody tell me sorry urgent evening team"
)
START = 1_700_000_000.0
DAY = 86_400.0
LOOKS_A_SECOND = 10
"""How often a gateway looks, at least, before its patience of a second has ended."""
ONSET = START + 10 * DAY
"""When the new labels appear."""


def sentence(label: str, rng: np.random.Generator) -> str:
    """A message that says by a few of its words which label it belongs to."""
    said = [*rng.choice(WORDS[label].split(), 3, replace=False), *rng.choice(FILLERS.split(), 3, replace=False)]
    return " ".join(rng.permutation(said))


def rows(labels: Sequence[str], n: int, seed: int) -> list[tuple[str, str]]:
    """`n` rows of (text, label), the labels in turn."""
    rng = np.random.default_rng(seed)
    return [(sentence(labels[k % len(labels)], rng), labels[k % len(labels)]) for k in range(n)]


def tiny_base(folder: Path) -> Path:
    """A Llama of 300,000 random weights with the built-in model's tokenizer, saved in `folder`."""
    tokenizer = AutoTokenizer.from_pretrained(str(model_path()))
    torch.manual_seed(0)
    shape = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
        initializer_range=0.2,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    LlamaForCausalLM(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def configuration(folder: Path, base: Path) -> Config:
    """A project in `folder` whose whole turn takes seconds."""
    return Config(
        folder=str(folder),
        model=Model(base=str(base)),
        tasks={TASK: Tasks(instruction="route")},
        monitor=Monitor(min_reference=40, false_alarm_every=1000),
        decide=Decide(min_labels=30),
        curate=Curate(replay=1.0),
        train=Train(
            rank=8,
            lr=0.01,
            warm_lr=0.007,
            epochs=12,
            batch_rows=16,
            patience=10,
            held_out=0.15,
            attempts=("naive", "careful"),
        ),
        release=Rollout(shadow_pairs=12, canary_share=(0.5,), canary_feedback=12, poll_s=0.05),
    )


def lay(folder: Path, train: Train | None = None) -> Config:
    """Make the project, trained as told: a champion of four labels, and 150 live rows.

    The last 100 of them are labeled, eight in nine with labels that the champion does not know.
    """
    config = configuration(folder / "project", tiny_base(folder / "base"))
    config = replace(config, train=train or config.train)
    shop = Workshop.open(config)
    history = [
        Example(text=t, target=label, task=TASK, time=START + k)
        for k, (t, label) in enumerate(rows(list(KNOWN), 120, 1))
    ]
    suite = [Exam(text=t, target=label, time=START) for t, label in rows(list(KNOWN), 160, 2)]
    suite += [Exam(text=t, target=label, time=ONSET) for t, label in rows(list(NEW), 60, 3)]
    first = found(shop, TASK, history, suite, now=START + 200.0)
    calm, moved = rows(list(KNOWN), 50, 4), rows([*NEW, *NEW, *NEW, *NEW, "login"], 100, 5)
    live = [(START + DAY + k, *row) for k, row in enumerate(calm)] + [(ONSET + k, *row) for k, row in enumerate(moved)]
    replies = shop.answers(config.task(TASK), first, [text for _, text, _ in live])
    for k, ((at, text, label), reply) in enumerate(zip(live, replies, strict=True)):
        row = interaction(f"int_live{k:04}", at, text, reply, first.id)
        shop.store.interactions.add([row])
        shop.store.feedback.add([said(row, label, at + 60.0)] if at >= ONSET else [])
    shop.close()
    return config


def interaction(id: str, at: float, text: str, reply: Reply, version: str, of: str = "") -> Interaction:
    """The row of a reply, or of a copy of the request `of`."""
    return Interaction(
        id=id,
        task=TASK,
        time=at,
        text=text,
        reply=reply.text,
        version=version,
        role=Role.SHADOW if of else Role.PRIMARY,
        of=of,
        confidence=reply.confidence,
        entropy=reply.entropy,
        embedding=reply.embedding,
    )


def said(about: Interaction, label: str, at: float) -> Feedback:
    """Somebody says which label was right."""
    return Feedback(id=f"fbk_{about.id}", interaction=about.id, kind=FeedbackKind.LABEL, value=label, time=at)


def copy(config: Config, folder: Path) -> Config:
    """The same project in another folder."""
    shutil.copytree(config.folder, folder)
    return replace(config, folder=str(folder))


@dataclass(slots=True)
class Gateway:
    """Answers requests while a candidate is tried, as the gateway does: both versions, and users say what was right."""

    shop: Workshop
    sent: int = 0
    _pool: list[tuple[str, str]] = field(init=False, default_factory=lambda: rows(list(WORDS), 120, 6))
    _replies: dict[str, list[Reply]] = field(init=False, default_factory=dict)

    def serve(self, until: Callable[[], bool], patience_s: float = 180.0) -> bool:
        """Answer until something holds, or patience ends; whether it held.

        A machine that is so busy that it looks seldom has as much to do elsewhere: patience has looks, too.
        """
        deadline, looks = time.monotonic() + patience_s, 0
        while not until():
            looks += 1
            if time.monotonic() > deadline and looks >= LOOKS_A_SECOND * patience_s:
                return False
            release = self.shop.store.releases.current(TASK)
            if release is not None and release.stage in (Stage.SHADOW, Stage.CANARY):
                self.answer(release)
            elif release is not None and release.stage is Stage.SPLIT:
                self.answer_once(release)
            time.sleep(0.02)
        return True

    def answer(self, release: Release) -> None:
        """Answer one request with both versions."""
        at, now, id = self.sent % len(self._pool), time.time(), ids.new("int")
        heard, _ = route(release, id)
        copied = release.candidate if heard == release.champion else release.champion
        text, label = self._pool[at]
        primary = interaction(id, now, text, self._replies_of(heard)[at], heard)
        copy = interaction(f"{id}s", now, text, self._replies_of(copied)[at], copied, of=id)
        self.shop.store.interactions.add([primary, copy])
        self.shop.store.feedback.add([said(primary, label, now)])
        self.sent += 1

    def answer_once(self, release: Release) -> None:
        """Answer one request of a split, by the version that drew it."""
        at, now, id = self.sent % len(self._pool), time.time(), ids.new("int")
        heard, probability = route(release, id)
        text, label = self._pool[at]
        primary = replace(interaction(id, now, text, self._replies_of(heard)[at], heard), probability=probability)
        self.shop.store.interactions.add([primary])
        self.shop.store.feedback.add([said(primary, label, now)])
        self.sent += 1

    def _replies_of(self, version: str) -> list[Reply]:
        if version not in self._replies:
            known = self.shop.store.versions.get(version)
            texts = [text for text, _ in self._pool]
            self._replies[version] = self.shop.answers(self.shop.config.task(TASK), known, texts)
        return self._replies[version]

"""A whole project small enough to be killed at every step: a tiny base, a champion, traffic with two new labels.

Not a bar. `lay` makes the project once, `copy` gives each run its own, `worker` runs the product's worker on it in a
process of its own that dies where it is told to, and `Gateway` answers as the gateway would: it writes the rows that
users, copies and feedback leave. Everything else is the product's own code.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from homeostat.builtin.resources import model_path
from homeostat.config.schema import Config, Decide, Model, Monitor, Release, Tasks, Train
from homeostat.loop.found import found
from homeostat.loop.worker import work
from homeostat.loop.workshop import Exam, Workshop
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Stage
from homeostat.types.turn import Turn

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
).split()
START = 1_700_000_000.0
DAY = 86_400.0
ONSET = START + 10 * DAY
"""When the new labels appear."""
FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(["small_project"])


def sentence(label: str, rng: np.random.Generator) -> str:
    """A message that says by a few of its words which label it belongs to."""
    said = [*rng.choice(WORDS[label].split(), 3, replace=False), *rng.choice(FILLERS, 3, replace=False)]
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
        train=Train(rank=8, lr=0.01, epochs=12, batch_rows=16, patience=10, held_out=0.15, attempts=("naive", "careful")),
        release=Release(shadow_pairs=12, canary_share=0.5, canary_feedback=12, poll_s=0.05),
    )


def lay(folder: Path) -> Config:
    """Make the project: a champion trained on 120 rows of four labels, and 150 labeled live rows, most of new labels."""
    config = configuration(folder / "project", tiny_base(folder / "base"))
    shop = Workshop.open(config)
    history = [Example(text=t, target=label, task=TASK, time=START + k) for k, (t, label) in enumerate(rows(list(KNOWN), 120, 1))]
    suite = [Exam(text=t, target=label, time=START) for t, label in rows(list(KNOWN), 160, 2)]
    suite += [Exam(text=t, target=label, time=ONSET) for t, label in rows(list(NEW), 60, 3)]
    first = found(shop, TASK, history, suite, now=START + 200.0)
    calm, moved = rows(list(KNOWN), 50, 4), rows([*NEW, *NEW, *KNOWN][:5], 100, 5)
    live = [(START + DAY + k, *row) for k, row in enumerate(calm)] + [(ONSET + k, *row) for k, row in enumerate(moved)]
    replies = shop.answers(config.task(TASK), first, [text for _, text, _ in live])
    shop.store.interactions.add(
        [
            Interaction(
                id=f"int_live{k:04}",
                task=TASK,
                time=at,
                text=text,
                reply=reply.text,
                version=first.id,
                confidence=reply.confidence,
                entropy=reply.entropy,
                embedding=reply.embedding,
            )
            for k, ((at, text, _), reply) in enumerate(zip(live, replies, strict=True))
        ]
    )
    shop.store.feedback.add(
        [
            Feedback(id=f"fbk_live{k:04}", interaction=f"int_live{k:04}", kind=FeedbackKind.LABEL, value=label, time=at + 60)
            for k, (at, _, label) in enumerate(live)
        ]
    )
    shop.close()
    return config


def copy(config: Config, folder: Path) -> Config:
    """The same project in another folder."""
    shutil.copytree(config.folder, folder)
    return replace(config, folder=str(folder))


def die() -> None:
    """End as a machine does that loses its power."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(moment: str, name: str) -> None:
    """Have this process die at a moment of its work.

    `begin`: a step has begun and done nothing. `done`: its work is done, the turn's diary does not know. `noted`: the
    diary knows, DBOS does not. `training`: so many optimizer steps have been told of. `row`: a release row of this
    stage is written, and nothing that follows from it.
    """
    append, put = Events.append, Nouns.put

    def dying_append(self: Events, subject: str, what: str, values: Any) -> None:
        if (moment, what) == ("done", "end") and values["step"] == name:
            die()
        append(self, subject, what, values)
        if (moment, what) == ("begin", "begin") and values["step"] == name:
            die()
        if moment == what == "training" and values["step"] >= int(name):
            die()

    def dying_put(self: Nouns[Any], noun: Any) -> None:
        put(self, noun)
        if moment == "noted" and isinstance(noun, Turn) and name in noun.diary:
            die()
        if moment == "row" and isinstance(noun, ReleaseRow) and noun.stage.value == name:
            die()

    Events.append, Nouns.put = dying_append, dying_put  # type: ignore[method-assign]


def run_worker(config: Config, death: str) -> None:
    """What the worker's process does: the product's `work` until SIGTERM, or until death."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    if death:
        moment, _, name = death.partition(":")
        arm(moment, name)
    said = Path(config.folder) / f"said-{os.getpid()}"
    work(config, stopped=stop.is_set, announce=lambda text: said.write_text(text) and None)

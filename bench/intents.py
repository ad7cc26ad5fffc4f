"""Ten intents that nobody has met, a few examples of each, and every method of `homeostat.train.few` on them.

The intents of a stream are drawn apart: past ones, which beginnings are learned on; ten, on which the rate of each
beginning is chosen; and unseen ones, from which tasks are drawn. Tasks share intents and past ones are learned from
once, so an interval over tasks says what other tasks of these intents would show.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from code_state import code

from homeostat.errors import Diverged
from homeostat.train.few.beginning import learn_beginning
from homeostat.train.few.heads import Prototypes
from homeostat.train.few.shot import METHODS, few_shot
from homeostat.train.few.shots import Method, Reader
from homeostat.train.few.tuned import Tuned
from homeostat.train.meta.reptile import Plan
from homeostat.train.rows import in_words

WAYS, POOL = 10, 20
"""Intents of a task, and rows of each that examples are taken from; the tests come behind them."""
INSTRUCTION = "route"
RATES = (0.05, 0.1, 0.2)
BARE, JOINT, REPTILE = "bare", "multi-task", "reptile"
LEARNED = {JOINT: "joint", REPTILE: "reptile"}
PLAN = Plan(rounds=60, tasks=2, steps=5, rate=0.1, outer=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A line of the table."""

    method: Method
    base: str = BARE
    """What reads, or what fine-tuning begins at."""
    names: bool = True
    """Whether what an intent is called counts as one more example."""
    only: tuple[int, ...] = ()
    """The numbers of examples that it is measured with; none for all."""
    least: bool = False
    """Whether it is slow and is asked a quarter of the test rows."""


ARMS = {
    "ridge": Arm(method=METHODS["ridge"]),
    "prototypes": Arm(method=METHODS["prototypes"]),
    "rows": Arm(method=METHODS["rows"]),
    "tuned, plain start": Arm(method=METHODS["tuned"]),
    "tuned, multi-task start": Arm(method=METHODS["tuned"], base=JOINT),
    "tuned, Reptile start": Arm(method=METHODS["tuned"], base=REPTILE),
    "prompted": Arm(method=METHODS["prompted"], only=(0,), least=True),
    "shown": Arm(method=METHODS["shown"], only=(1,), least=True),
}
"""The methods that the bar asks for. Five examples of each do not fit into the built-in model's context."""
BESIDE = {
    "names alone, ridge": Arm(method=METHODS["ridge"], only=(0,)),
    "ridge, names apart": Arm(method=METHODS["ridge"], names=False),
    "prototypes, states alone, names apart": Arm(method=Prototypes(words=False), names=False),
    "ridge, base that learned the past jointly": Arm(method=METHODS["ridge"], base=JOINT),
    "ridge, base that learned the past by Reptile": Arm(method=METHODS["ridge"], base=REPTILE),
}
"""What it is due to."""


@dataclass(frozen=True, slots=True)
class Apart:
    """Intents with their texts."""

    past: Mapping[str, Sequence[str]]
    choosing: Mapping[str, Sequence[str]]
    unseen: Mapping[str, Sequence[str]]

    @staticmethod
    def of(texts: Mapping[str, Sequence[str]], past: int, seed: int = 0) -> Apart:
        """So many past intents, ten to choose on, and the rest; alike for one seed."""
        names = sorted(texts)
        order = [names[k] for k in np.random.default_rng([seed, 6]).permutation(len(names))]
        cut = (order[:past], order[past : past + WAYS], order[past + WAYS :])
        return Apart(*({name: texts[name] for name in part} for part in cut))


@dataclass(frozen=True, slots=True)
class Episode:
    """A task: intents, and their texts in a drawn order."""

    texts: Mapping[str, Sequence[str]]

    @staticmethod
    def drawn(texts: Mapping[str, Sequence[str]], number: int) -> Episode:
        """The task of this number."""
        rng, names = np.random.default_rng([number, 5]), sorted(texts)
        chosen = [names[k] for k in rng.permutation(len(names))[:WAYS]]
        return Episode({name: [texts[name][k] for k in rng.permutation(len(texts[name]))] for name in chosen})

    def examples(self, each: int) -> list[tuple[str, str]]:
        """The first rows of each intent; of more, the same and others."""
        return [(text, name) for name, texts in self.texts.items() for text in texts[:each]]

    def tests(self, each: int) -> list[tuple[str, str]]:
        """Rows that are examples for no number of them."""
        return [(text, name) for name, texts in self.texts.items() for text in texts[POOL : POOL + each]]


@dataclass(slots=True)
class Lab:
    """Bases that read, beginnings, and what has been measured; kept in a folder."""

    base: str
    apart: Apart
    cache: Path
    plan: Plan
    tests: int
    """Test rows of each intent."""
    rates: Sequence[float]
    """Of which each start takes its own best."""
    note: Callable[[str], None]
    _readers: dict[str, Reader] = field(default_factory=dict)

    def start(self, base: str) -> Path | None:
        """The folder of a beginning, learned now unless it was; None for a plain one."""
        if base == BARE:
            return None
        named = _hash((self.base, base, asdict(self.plan), sorted(self.apart.past), code()))
        folder = self.cache / f"{LEARNED[base]}-{named}"
        if not (folder / "adapter_model.safetensors").exists():
            self.note(f"intents: {base} beginning …")
            past = self.apart.past
            learn_beginning(self.base, past, folder, self.plan, how=LEARNED[base], instruction=INSTRUCTION)
        return folder

    def reader(self, base: str) -> Reader:
        """A base that knows the states of the unseen intents' texts and names."""
        if base not in self._readers:
            adapter = self.start(base)
            reader = Reader.of(self.base, instruction=INSTRUCTION, adapter=adapter)
            rows = self.apart.unseen
            texts = list(dict.fromkeys([*(t for some in rows.values() for t in some), *map(in_words, rows)]))
            kept = self.cache / f"states-{_hash((self.base, str(adapter), texts, code()))}.npy"
            if not kept.exists():
                self.note(f"intents: {base} base reads {len(texts):,} texts …")
                kept.parent.mkdir(parents=True, exist_ok=True)
                np.save(kept, reader.states(texts).astype(np.float32))
            reader.known.update(zip(texts, np.load(kept), strict=True))
            self._readers[base] = reader
        return self._readers[base]

    def method(self, arm: Arm, shots: int) -> Method:
        """The arm's method, with the start and the rate that were chosen where it is tuned."""
        if not isinstance(arm.method, Tuned):
            return arm.method
        return replace(arm.method, start=self.start(arm.base), rate=self.rate(arm.base, shots))

    def accuracy(self, arm: Arm, method: Method, episode: Episode, shots: int) -> tuple[float, float]:
        """The share of the test rows that is told right, and the seconds that learning took."""
        tests = episode.tests(max(1, self.tests // 4) if arm.least else self.tests)
        reader = self.reader(BARE if isinstance(method, Tuned) else arm.base)
        began = time.perf_counter()
        try:
            given = episode.examples(shots)
            answers = few_shot(reader, given, labels=list(episode.texts), method=method, names=arm.names or not shots)
        except Diverged:
            return 0.0, time.perf_counter() - began
        took = time.perf_counter() - began
        said = answers.label([text for text, _ in tests])
        return float(np.mean([a == b for a, (_, b) in zip(said, tests, strict=True)])), took

    def measured(self, arms: Mapping[str, Arm], shots: Sequence[int], number: int) -> dict[str, dict[str, list[float]]]:
        """Arm -> number of examples -> accuracy and seconds, in the task of this number."""
        asked = (list(arms.items()), list(shots), self.tests, self.rates)
        named = _hash((self.base, asdict(self.plan), sorted(self.apart.unseen), *asked, code()))
        kept = self.cache / f"task-{number}-{named}.json"
        if not kept.exists():
            self.note(f"intents: task {number} …")
            episode, found = Episode.drawn(self.apart.unseen, number), dict[str, Any]()
            for name, arm in arms.items():
                columns = arm.only or tuple(shots)
                found[name] = {str(k): self.accuracy(arm, self.method(arm, k), episode, k) for k in columns}
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(found), encoding="utf-8")
        read: dict[str, dict[str, list[float]]] = json.loads(kept.read_text(encoding="utf-8"))
        return read

    def rate(self, base: str, shots: int) -> float:
        """The rate that is best for a start on two tasks of other intents, which it has not learned from either."""
        named = _hash((self.base, base, asdict(self.plan), sorted(self.apart.choosing), shots, self.rates, code()))
        kept = self.cache / f"rate-{named}.json"
        if not kept.exists():
            self.note(f"intents: rate of the {base} start, {shots} examples …")
            episodes = [Episode.drawn(self.apart.choosing, 1000 + k) for k in range(2 if len(self.rates) > 1 else 0)]
            plain, arm = Tuned(start=self.start(base)), Arm(method=Tuned(), base=base, least=True)
            right = {
                rate: sum(self.accuracy(arm, replace(plain, rate=rate), each, shots)[0] for each in episodes)
                for rate in self.rates
            }
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(max(right, key=right.__getitem__)), encoding="utf-8")
        return float(json.loads(kept.read_text(encoding="utf-8")))


def _hash(of: object) -> str:
    return hashlib.sha256(repr(of).encode()).hexdigest()[:16]

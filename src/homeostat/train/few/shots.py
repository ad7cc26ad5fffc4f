"""What a few-shot method is given: some texts with their labels, what the labels are called, and a base that reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from homeostat.errors import NothingToTrainOn, UnknownLabel, did_you_mean
from homeostat.llm.adapters import put_on, switch_to
from homeostat.llm.features import Floats
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Renderer
from homeostat.train.ask import ask
from homeostat.train.rows import in_words
from homeostat.types.task import Task

_WORN = "read_with"


@dataclass(slots=True)
class Reader:
    """A base that reads texts."""

    opened: Opened
    instruction: str = ""
    """What stands before every text."""
    known: dict[str, Floats] = field(default_factory=dict)
    """Text -> float[hidden], for texts that need not be read again. Whoever wants this fills it; reading does not."""

    @staticmethod
    def of(base: str, *, instruction: str = "", adapter: Path | None = None) -> Reader:
        """A base by name or folder, with an adapter on it or as it is.

        Raises:
            ModelNotFound, CorruptWeights, UnsafeWeights, UnsuitedModel: it cannot be opened.
        """
        opened = open_model(base)
        if adapter is not None:
            put_on(opened.model, "lora", adapter, _WORN)
            switch_to(opened.model, _WORN)
        return Reader(opened, instruction)

    @property
    def task(self) -> Task:
        """The task that texts are rendered for."""
        return Task(name="few", instruction=self.instruction)

    def states(self, texts: Sequence[str]) -> Floats:
        """float64[texts, hidden]: the last state behind each text, from which a reply would begin."""
        new = [text for text in dict.fromkeys(texts) if text not in self.known]
        seen = dict(zip(new, self._read(new), strict=True))
        width = int(self.opened.model.config.hidden_size)
        found = [seen[text] if text in seen else self.known[text] for text in texts]
        return np.stack(found).astype(np.float64) if found else np.zeros((0, width))

    def _read(self, texts: Sequence[str]) -> Floats:
        renderer = Renderer(self.opened.tokenizer)
        rows = [renderer.example(self.task, text, (0,)) for text in texts]
        asked = ask(self.opened, rows, torch.zeros(1, dtype=torch.int64, device=self.opened.model.device))
        return np.asarray(asked.states.double().cpu().numpy())


@dataclass(frozen=True, slots=True)
class Shots:
    """Texts to learn from, each with the place of its label."""

    texts: tuple[str, ...]
    at: tuple[int, ...]
    labels: tuple[str, ...]

    @staticmethod
    def of(examples: Sequence[tuple[str, str]], labels: Sequence[str] = (), *, names: bool = True) -> Shots:
        """Examples as (text, label), and what each label is called as one more example of it.

        Args:
            examples: may be none where the labels are called something.
            labels: all of them, also those without an example; the examples' own where none are given.
            names: whether what a label is called counts.

        Raises:
            UnknownLabel: an example has a label that is not among the labels.
            NothingToTrainOn: there are fewer than two labels, or one of which nothing is known.
        """
        known = tuple(dict.fromkeys(labels or (label for _, label in examples)))
        for number, (_, label) in enumerate(examples, 1):
            if label not in known:
                fix = did_you_mean(label, known)
                raise UnknownLabel(f"label '{label}' is not in the label set", where=f"example {number}", fix=fix)
        if len(known) < 2:
            raise NothingToTrainOn(
                f"{len(examples)} examples of {len(known)} labels: there is nothing to tell apart",
                fix="give examples of two labels at least",
            )
        rows = [*examples, *((in_words(label), label) for label in known if names)]
        if bare := set(known) - {label for _, label in rows}:
            raise NothingToTrainOn(
                f"nothing is known of label '{min(bare)}': it has no example, and what it is called does not count",
                fix="give an example of it, or let its name count",
            )
        place = {label: k for k, label in enumerate(known)}
        return Shots(tuple(text for text, _ in rows), tuple(place[label] for _, label in rows), known)


class Answers(ABC):
    """What has been learned from examples; it answers with labels."""

    labels: tuple[str, ...]

    @abstractmethod
    def score(self, texts: Sequence[str]) -> Floats:
        """float64[texts, labels]: the higher, the likelier; log-probabilities where a method has any."""

    def label(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text."""
        return [self.labels[k] for k in self.score(texts).argmax(1)] if texts else []


class Method(Protocol):
    """A way to learn from few examples: plain values."""

    def learn(self, reader: Reader, shots: Shots) -> Answers:
        """What answers; the reader's base stays as it is."""
        ...

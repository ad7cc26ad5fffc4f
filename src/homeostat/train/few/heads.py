"""Linear readings of a base that stays as it is: the exact ridge head, nearest class means, and rows of labels.

What they look at is the last state behind a text in units of the examples, brought to length 1, and beside it hashed
n-grams of length 1, so that meaning and words count alike. Of ten intents, with one example each, the last state told
more than the mean over the text's states on both CLINC150 and HWU64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from homeostat.llm.exact import ExactHead
from homeostat.llm.features import Features, Floats, grams, unit
from homeostat.train.few.shots import Answers, Reader, Shots
from homeostat.train.head.ridge import RidgeHead
from homeostat.train.head.sharpen import sharpness
from homeostat.train.refit import Seen, fit_rows

BUCKETS = 1024
"""Places that n-grams are hashed to."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of a text; its units are those of the examples."""

    mean: Floats
    scale: Floats
    words: bool
    """Whether n-grams stand beside the state."""

    @staticmethod
    def at(states: Floats, *, words: bool) -> Look:
        """In the units of these states, float64[n, hidden]."""
        return Look(states.mean(0), np.maximum(states.std(0), 1e-6), words)

    def __call__(self, states: Floats, texts: Sequence[str]) -> Floats:
        """float64[n, width]"""
        seen = unit((states - self.mean) / self.scale)
        return np.concatenate([seen, grams(texts, BUCKETS)], axis=1) if self.words else seen


@dataclass(frozen=True, slots=True)
class Linear(Answers):
    """Scores that are features times weights."""

    labels: tuple[str, ...]
    reader: Reader
    look: Callable[[Floats, Sequence[str]], Floats]
    weights: Floats
    """float64[width, labels]"""

    def score(self, texts: Sequence[str]) -> Floats:
        """float64[texts, labels]; no probabilities."""
        return np.asarray(self.look(self.reader.states(texts), texts) @ self.weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ridge:
    """The exact ridge head (`head/ridge.py`): regression on what each example's label is."""

    ridge: float = 1.0
    words: bool = True
    """Whether it looks at n-grams beside the state."""

    def learn(self, reader: Reader, shots: Shots) -> Linear:
        """Solve once."""
        look, _, head = self._solved(reader, shots)
        met = [head.labels.index(label) for label in shots.labels]
        return Linear(shots.labels, reader, look, head.weights()[:, met])

    def kept(self, reader: Reader, shots: Shots) -> ExactHead:
        """The same as a head that a version can be, which says how likely its labels are: how sure its scores make it
        is fitted to every row told by the others.
        """
        look, features, head = self._solved(reader, shots)
        targets = [shots.labels[k] for k in shots.at]
        left_out, at = head.left_out(features, targets), np.array([head.labels.index(label) for label in targets])
        return ExactHead(
            features=Features(look.mean, look.scale, np.zeros((len(look.mean), 0)), BUCKETS if self.words else 0),
            weights=head.weights()[:, [head.labels.index(label) for label in shots.labels]],
            labels=shots.labels,
            sharpness=sharpness(left_out, at),
            pool="last",
        )

    def _solved(self, reader: Reader, shots: Shots) -> tuple[Look, Floats, RidgeHead]:
        states = reader.states(shots.texts)
        look = Look.at(states, words=self.words)
        features = look(states, shots.texts)
        head = RidgeHead(features.shape[1], ridge=self.ridge)
        head.add(features, [shots.labels[k] for k in shots.at])
        return look, features, head


@dataclass(frozen=True, slots=True, kw_only=True)
class Prototypes:
    """The nearest class mean by cosine (prototypical networks, Snell et al. 2017, 1703.05175, on a frozen base)."""

    words: bool = True
    """Whether it looks at n-grams beside the state."""

    def learn(self, reader: Reader, shots: Shots) -> Linear:
        """Take the means."""
        states = reader.states(shots.texts)
        look = Look.at(states, words=self.words)
        features, at = look(states, shots.texts), np.array(shots.at)
        means = np.stack([features[at == k].mean(0) for k in range(len(shots.labels))])
        return Linear(shots.labels, reader, look, unit(means).T)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The fit of the labels' rows that ends a training (`train/refit.py`), alone: logistic regression on the states."""

    pull: float = 1e-3
    """Toward zero, in units of 1 / mean squared length of a state; here no rows are held out that could choose it."""

    def learn(self, reader: Reader, shots: Shots) -> Linear:
        """Solve once."""
        states = torch.tensor(reader.states(shots.texts), dtype=torch.float32)
        begun = torch.zeros(len(shots.labels), states.shape[1])
        seen = Seen(states, torch.zeros(len(shots.labels)), torch.tensor(shots.at), torch.ones(len(states)))
        weights = fit_rows(seen, begun, begun, self.pull).double().numpy().T
        return Linear(shots.labels, reader, lambda states, texts: states, weights)

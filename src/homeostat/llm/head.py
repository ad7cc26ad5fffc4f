"""A head of a version's own: from a model's hidden states to labels, numbers or tags, without the vocabulary.

Says what it says from the mean of the states over the prompt, or from the one state that would predict a reply. Knows
nothing of how it was trained; `HeadedModel` answers with it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from homeostat.errors import CorruptWeights
from homeostat.llm.adapters import stand
from homeostat.llm.batches import passes
from homeostat.llm.forward import Predicted, predict
from homeostat.llm.lead import lead_places
from homeostat.llm.load import Opened, require_safetensors, width_of
from homeostat.llm.render import Rendered, Renderer
from homeostat.metrics.replies import written_number, written_tags
from homeostat.types.task import Task

FILE = "head.safetensors"
FORMS = ("label", "numbers", "tags")
POOLS = ("mean", "last")
LIKELY = 0.5
"""Probability from which a tag is told."""
_BODY = "version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a head tells, and from what."""

    form: str
    """`label` (one of the names), `numbers` (one for each name) or `tags` (those of the names that hold)."""
    names: tuple[str, ...]
    pool: str = "mean"
    """`mean` of the states over the prompt, or `last`, the state that would predict a reply."""
    hidden: int = 0
    """Width of a layer in between; 0 for none, which makes the head linear."""
    instruction: str = ""
    """What stands before every request."""
    kind: str = "base"
    """What lies beside the head: `base` for nothing, or what a version of this kind adds to its base."""


@dataclass(frozen=True, slots=True)
class Said:
    """A reply of a head that tells no label."""

    text: str
    """A JSON number, or a JSON list of tags (`metrics.replies`)."""
    confidence: float
    """That just these tags hold, if they are told apart from each other; 1 for a number, of which that is not known."""
    entropy: float
    """Of the tags, in nats; 0 for a number."""


class Head(nn.Module):
    """The layers of a head, and the units that it looks and tells in."""

    mean: Tensor
    scale: Tensor
    shift: Tensor
    spread: Tensor

    def __init__(self, shape: Shape, width: int) -> None:
        super().__init__()
        self.shape = shape
        between: list[nn.Module] = [nn.Linear(width, shape.hidden), nn.GELU()] if shape.hidden else []
        last = nn.Linear(shape.hidden or width, len(shape.names))
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*between, last)
        # What comes in is brought to mean 0 and spread 1, what goes out to the units of the numbers that are told.
        for name, value, size in (("mean", 0.0, width), ("scale", 1.0, width)):
            self.register_buffer(name, torch.full((size,), value))
        for name, value in (("shift", 0.0), ("spread", 1.0)):
            self.register_buffer(name, torch.full((len(shape.names),), value))

    @property
    def labels(self) -> tuple[str, ...]:
        """What it tells one of, or some of, or a number for each of."""
        return self.shape.names

    @property
    def below(self) -> str:
        """What lies beside it in its folder: `base` for nothing, or what a version of this kind adds to its base."""
        return self.shape.kind

    def features(self, predicted: Predicted) -> Tensor:
        """float32[rows, width]: what it looks at, as the model gives it; each row has a completion of one token."""
        return (predicted.pooled if self.shape.pool == "mean" else predicted.states).float()

    def forward(self, predicted: Predicted) -> Tensor:
        """float32[rows, names]: logits, or numbers in units of their spread."""
        scores: Tensor = self.layers((self.features(predicted) - self.mean) / self.scale)
        return scores

    def logs(self, predicted: Predicted, texts: Sequence[str]) -> Tensor:
        """float32[rows, labels]: log-probabilities of labels, on the CPU; what the texts are is in the states alone."""
        scores: Tensor = self.to(predicted.states.device)(predicted)
        return scores.log_softmax(-1).cpu()

    @torch.no_grad()
    def say(self, predicted: Predicted) -> list[Said]:
        """What a head of numbers or of tags replies to each row, which has a completion of one token."""
        told = self.told(self.to(predicted.states.device)(predicted)).double().cpu()
        if self.shape.form == "numbers":
            return [Said(written_number(row[0]), 1.0, 0.0) for row in told.tolist()]
        either = torch.stack([told, 1.0 - told])
        sure, entropy = either.amax(0).prod(-1), torch.special.entr(either).sum((0, -1))
        return [
            Said(written_tags(name for name, p in zip(self.labels, row, strict=True) if p >= LIKELY), one, other)
            for row, one, other in zip(told.tolist(), sure.tolist(), entropy.tolist(), strict=True)
        ]

    def told(self, scores: Tensor) -> Tensor:
        """float[rows, names]: probabilities of labels, which sum to 1, or of tags, which do not; or numbers."""
        if self.shape.form == "numbers":
            return scores * self.spread + self.shift
        return scores.softmax(-1) if self.shape.form == "label" else scores.sigmoid()


def put_head(model: Any, head: Head) -> None:
    """Put a head on a model, in the place of the one it may have."""
    model.answer_head = head.to(model.device)


def head_of(model: Any) -> Head | None:
    """The head of a model."""
    head: Head | None = getattr(model, "answer_head", None)
    return head


def save_head(head: Head, folder: Path) -> None:
    """Write `head.safetensors`, its shape with it."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in head.state_dict().items()}
    save_file(tensors, folder / FILE, metadata={"shape": json.dumps(asdict(head.shape), sort_keys=True)})


def load_head(width: int, folder: Path) -> Head:
    """The head in a folder, for a model whose states are so wide.

    Raises:
        ModelNotFound, UnsafeWeights, CorruptWeights: there is none, it cannot be read, or it is for another model.
    """
    require_safetensors(folder, str(folder), FILE)
    try:
        with safe_open(folder / FILE, framework="pt") as file:
            told = json.loads(file.metadata()["shape"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (it is no mapping)
        head = Head(Shape(**told | {"names": tuple(told["names"])}), width)
        head.load_state_dict(tensors)
        known = head.shape.form in FORMS and head.shape.pool in POOLS
    except (KeyError, TypeError, ValueError, RuntimeError) as damaged:
        raise _no_fit(folder, width) from damaged
    if not known:
        raise _no_fit(folder, width)
    return head


@dataclass(slots=True)
class HeadedModel:
    """A model with a head, which answers texts; `homeostat.train.headed.train_head` makes one."""

    opened: Opened
    head: Head
    _renderer: Renderer = field(init=False)

    def __post_init__(self) -> None:
        lead = lead_places(self.opened.model, _BODY)
        self._renderer = Renderer(self.opened.tokenizer, lead=lead)

    @staticmethod
    def open(base: str, folder: Path) -> HeadedModel:
        """The base with what the folder adds to it.

        Raises:
            ModelNotFound, UnsafeWeights, CorruptWeights: it cannot be read, or is for another base.
        """
        head = load_head(width_of(base), folder)
        opened = stand(base, head.below, folder, _BODY)
        return HeadedModel(opened, head.to(opened.model.device).eval())

    def tell(self, texts: Sequence[str]) -> np.ndarray:
        """float64[texts, names]: probabilities of labels or of tags, or numbers, in the order of `head.shape.names`."""
        task = Task(name="head", instruction=self.head.shape.instruction)
        prompts = [self._renderer.prompt(task, text) for text in texts]
        out = np.zeros((len(texts), len(self.head.shape.names)))
        order = sorted(range(len(prompts)), key=lambda k: len(prompts[k]))
        for some in passes([len(prompts[k]) for k in order], self.opened.model.device):
            at = order[some]
            with torch.inference_mode():
                scores = self.head(predict(self.opened, [Rendered(prompts[k], (0,)) for k in at]))
                out[at] = self.head.told(scores).cpu().numpy()
        return out

    def label(self, texts: Sequence[str]) -> list[str]:
        """The likeliest label of each text."""
        return [self.head.shape.names[k] for k in self.tell(texts).argmax(1)]

    def tags(self, texts: Sequence[str], likely: float = LIKELY) -> list[tuple[str, ...]]:
        """The tags of each text whose probability is at least `likely`."""
        names = np.array(self.head.shape.names)
        return [tuple(names[row >= likely].tolist()) for row in self.tell(texts)]


def _no_fit(folder: Path, width: int) -> CorruptWeights:
    fix = "it fits only the base that it was trained on: give that, or train again"
    return CorruptWeights(f"this is no head for a model of width {width}", where=str(folder / FILE), fix=fix)

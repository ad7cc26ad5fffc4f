"""A recipe: how to train. Plain values, so that a version can say how it was made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Every choice a run makes."""

    name: str = "careful"
    adapt: str = "lora"
    """What is trained: `lora` or `full`."""
    rank: int = 16
    alpha: int = 32
    """LoRA's scale is alpha / rank."""
    lr: float = 2e-3
    """Peak learning rate."""
    epochs: float = 8.0
    """Passes over the training part of the dataset; a fraction ends inside a pass."""
    batch_rows: int = 32
    warm_up: float = 0.05
    """Share of the steps in which the learning rate rises from zero."""
    floor: float = 0.05
    """Learning rate at the end, as a share of the peak (cosine decay)."""
    weight_decay: float = 0.01
    clip: float = 1.0
    """Largest gradient norm."""
    replay: float = 1.0
    """Replayed rows for every new row; 0 trains on new rows alone."""
    only_wrong: bool = False
    """Learn only from requests that the champion got wrong."""
    kl: float = 0.0
    """Weight of the divergence from the champion on replayed rows (label tasks)."""
    refit: bool = True
    """Fit the rows of the labels to everything that is remembered when training has ended (label tasks)."""
    warm_start: bool = True
    """Go on from the champion's adapter; false starts from the bare base."""
    held_out: float = 0.1
    """Share of the rows kept aside for early stopping."""
    patience: int = 3
    """Looks at the held-out part without a better loss after which the run stops; the best weights are kept."""
    looks: int = 10
    """Looks at the held-out part over the whole run."""
    max_steps: int = 0
    """Cap on optimizer steps; 0 for none."""
    seed: int = 0

    @property
    def recalls(self) -> bool:
        """Whether old examples that are not replayed are of use: who learns from the new alone knows no old ones."""
        return self.refit and self.replay > 0

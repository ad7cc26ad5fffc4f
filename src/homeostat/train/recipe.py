"""A recipe: how to train. Plain values, so that a version can say how it was made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from homeostat.config.schema import knob
from homeostat.train.adapt.lora import Lora
from homeostat.train.adapt.way import Way
from homeostat.train.budget import Budget
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.heads.classified import Classified
from homeostat.train.objectives.heads.estimated import Estimated
from homeostat.train.objectives.heads.exact import Exact
from homeostat.train.objectives.heads.tagged import Tagged
from homeostat.train.order.draw import RowOrder
from homeostat.train.step import Objective, Rating, Term
from homeostat.types.task import Kind, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Every choice a run makes."""

    name: str = "careful"
    adapt: Way = field(default_factory=Lora)
    """What is trained."""
    objective: Objective = field(default_factory=Completion)
    """What is learned."""
    penalties: tuple[Term, ...] = ()
    """What is held to meanwhile."""
    order: RowOrder | None = None
    """Which rows come when, and how often; None for every row once in every pass."""
    lr: float = knob(2e-3, least=0.0)
    """Peak learning rate; 0 takes what suits the base's width."""
    bolder: float = knob(1.0, least=1e-6)
    """What the rate that suits the base is multiplied with, where `lr` is 0; a `share` sets it by the passes."""
    epochs: float = knob(8.0, least=1e-6)
    """Passes over the training part of the dataset; a fraction ends inside a pass."""
    share: float = knob(0.0, least=0.0, most=1.0)
    """What the run may cost, as a share of joint retraining: `epochs` gives way to as many passes as that pays for
    (label tasks); 0 for the passes that are set."""
    batch_rows: int = knob(32, least=1)
    """Rows of one step."""
    part_rows: int = knob(0, least=0)
    """Rows of one pass through the model, gradients being added up over a batch; 0 for the whole batch."""
    optimizer: str = knob("adamw", among=("adamw", "schedule_free", "adamw_8bit"))
    """`adamw`, `schedule_free` or `adamw_8bit`."""
    schedule: str = knob("cosine", among=("cosine", "linear", "stable", "constant"))
    """Course of the rate after its rise: `cosine`, `linear`, `stable` (constant, then down) or `constant`."""
    warm_up: float = knob(0.05, least=0.0, most=1.0)
    """Share of the steps in which the learning rate rises from zero."""
    floor: float = knob(0.05, least=0.0, most=1.0)
    """Learning rate at the end, as a share of the peak."""
    weight_decay: float = knob(0.01, least=0.0)
    """Share by which matrices are pulled toward zero, times the learning rate, at every step (decoupled)."""
    clip: float = knob(1.0, least=1e-6)
    """Largest gradient norm."""
    average: float = knob(0.0, least=0.0, most=0.999999)
    """Decay of an exponential moving average of the trained tensors, which is what is kept; 0 keeps the last ones."""
    save_memory: bool = False
    """Compute activations a second time on the way back instead of keeping them."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """What matrix products are computed in; weights and steps are float32. `auto` takes `bfloat16` where the hardware
    multiplies it, `float16` on a GPU that does not, else `float32`."""
    sharded: bool = False
    """Whether the processes of a run (`train.processes`) hold a share of the model each, and of its gradients and
    moments, for a model that does not fit one device; false for all of it in each. The same steps either way."""
    back_offs: int = knob(2, least=0)
    """Times that a run which diverges goes back to its best tensors at half the rate before it gives up."""
    budget: Budget = field(default_factory=Budget)
    """What the run may take at most."""
    replay: float = knob(1.0, least=0.0)
    """Replayed rows for every new row; 0 trains on new rows alone."""
    only_wrong: bool = False
    """Learn only from requests that the champion got wrong."""
    reweigh: tuple[str, ...] = ()
    """Tags by which rows weigh so that no label goes with one value of a tag more than with another; `fair` for those
    that the task is held to treat alike (`tasks.NAME.fair`)."""
    offset: tuple[str, ...] = ()
    """Tags for whose values a threshold is fitted after the training, on rows held out, and used when requests that
    carry them are answered; `fair` as in `reweigh` (label tasks). Read what the guide to fairness says of the law."""
    swap: str = ""
    """Every row that has such words comes a second time with them swapped and the same label: `english` for pronouns,
    names and words of gender, or a file of pairs (`homeostat.curate.swap`)."""
    disturb: tuple[str, ...] = ()
    """Disturbances (as in a suite's `under`) that copies of rows are under, each in turn, with the row's label."""
    disturb_share: float = knob(1.0, least=0.0)
    """Disturbed copies for each row."""
    refit: bool = True
    """Fit the rows of the labels to everything that is remembered when training has ended (label tasks)."""
    newcomers: bool = False
    """Before the first step fit the rows of labels that the champion does not know, and these alone, to its states of
    their requests and of old ones (label tasks, from a champion)."""
    carry: bool = False
    """Keep the states of all remembered rows with the version, and carry the champion's over for `refit` instead of
    reading recalled rows anew."""
    importance: bool = False
    """Measure when the run has ended what matters in the trained tensors, and keep that with the version, for `ewc` in
    a successor that has no old rows: as many bytes as the tensors (not for heads)."""
    warm_start: bool = True
    """Go on from the champion's adapter; false starts from the bare base."""
    held_out: float = knob(0.1, least=0.0, most=0.99)
    """Share of the rows kept aside for early stopping."""
    patience: int = knob(3, least=1)
    """Looks at the held-out part without a better loss after which the run stops; the best weights are kept."""
    looks: int = knob(10, least=1)
    """Looks at the held-out part over the whole run."""
    max_steps: int = knob(0, least=0)
    """Cap on optimizer steps; 0 for none."""
    seed: int = knob(0, least=0)
    """Of the order of the rows, a fresh adapter, dropout, and whatever else is drawn."""

    @property
    def head(self) -> bool:
        """Whether a head is trained, which tells labels, numbers or tags instead of writing them."""
        return isinstance(self.objective, Exact | Classified | Estimated | Tagged)

    @property
    def afresh(self) -> bool:
        """Whether it begins at the bare base, where everything is to be learned anew; a head recalls what it is made
        of, and needs no more.
        """
        return not (self.warm_start or self.head)

    @property
    def rates(self) -> bool:
        """Whether it learns from what replies were rated, and so from bad ones too."""
        return isinstance(self.objective, Rating) and self.objective.rates

    def recalls_of(self, task: Task) -> bool:
        """Whether old examples that are not replayed are of use: who learns from the new alone knows no old ones, a
        head is made of all, and rows of labels are fitted to all.
        """
        return self.head or (task.kind is Kind.LABEL and self.refit and self.replay > 0)


def plain(value: Any) -> Any:
    """A recipe, or a part of one, as JSON knows it; parts that may be of several kinds say of which they are."""
    if is_dataclass(value) and not isinstance(value, type):
        inner = {f.name: plain(getattr(value, f.name)) for f in fields(value)}
        return inner if isinstance(value, Recipe | Budget) else {_kind(value): inner}
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, tuple | list) else value


def _kind(value: object) -> str:
    """`l2_pull` for an `L2Pull`, `r_drop` for an `RDrop`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(value).__name__).lower()

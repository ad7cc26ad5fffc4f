"""One training whose model lies in shares: each process holds a part of every tensor, and of its gradient and moments.

For models that do not fit one device. Before a layer is run, the processes put its tensors together, and let go of
them after it; its gradients come back in shares (Zhao et al. 2023, 2304.11277, by torch's `fully_shard`). So every
process has to run the model as often as the others do, and in the same order: that is what `Shares` sees to, and why
only some methods can be carried out so.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.distributed as talk
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor

from homeostat.errors import Diverged, UnsuitedModel
from homeostat.llm.forward import Predicted
from homeostat.llm.four_bit import is_four_bit
from homeostat.llm.trunk import take_trunk
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.lora import Lora
from homeostat.train.gang import Gang, T, lost, meeting_place
from homeostat.train.job import Job
from homeostat.train.objectives.classes.adjusted import Adjusted
from homeostat.train.objectives.classes.balanced import Balanced
from homeostat.train.objectives.classes.focal import Focal
from homeostat.train.objectives.completion import Completion
from homeostat.train.objectives.distill.told import Told
from homeostat.train.penalties.divergence import Divergence
from homeostat.train.penalties.stay import Stay
from homeostat.train.recipe import Recipe
from homeostat.train.step import Ground, Step

ONCE: Mapping[str, tuple[type, ...]] = {
    "adapt": (Full, Lora),
    "objective": (Adjusted, Balanced, Completion, Focal, Told),
    "penalties": (Divergence, Stay),
}
"""Field of a recipe -> methods that run the model once for each part of a batch, and look at no weights."""


@dataclass(frozen=True, slots=True)
class Shares(Gang):
    """The processes of a run that hold a share of the model each."""

    @property
    def in_step(self) -> bool:
        """None can run the model without the others."""
        return True

    def parts(self, batch: Sequence[T], most: int) -> list[Sequence[T]]:
        """As many parts for every process, some of them empty where it has fewer rows than another."""
        found, longest = Gang.parts(self, batch, most), math.ceil(len(batch) / self.size)
        idle: list[Sequence[T]] = [()] * (math.ceil(longest / (most or longest)) - len(found))
        return [*found, *idle]

    def idle(self, step: Step) -> list[Tensor]:
        """A pass through the model that adds nothing, for the others wait for it."""
        return [step.predicted.logits[:0].float().sum()]

    def add(self, parameters: Sequence[Tensor], *numbers: float) -> list[float]:
        """The sums of the numbers; gradients have been added up on their way back. Raises `LostProcess`."""
        return self.sums(*numbers)


@contextmanager
def spread(job: Job) -> Iterator[Job]:
    """The job with its model in shares until the block ends, if its recipe says so and there are several processes.

    Meanwhile the tensors of the job's own model are empty; afterwards those of the first process are what the run has
    made of them, on the device where they were, and those of the others stay empty.

    Raises:
        UnsuitedModel: a method of the recipe cannot be carried out so, or the base is in four bits.
        LostProcess: another process is gone.
    """
    if not job.recipe.sharded or job.gang.size == 1:
        yield job
        return
    require_once(job.recipe)
    if is_four_bit(job.ground.opened.model):
        fix = "set `sharded` to false, or name the base that it was made of"
        raise UnsuitedModel("a base in four bits cannot lie in shares", where="recipe.sharded", fix=fix)
    own = dict(job.ground.opened.model.named_parameters())
    with _or_lost():
        model = divided(job.ground)
        held = dict(model.named_parameters())
        for tensor in own.values():
            tensor.data = tensor.data.new_empty(0)
        try:
            yield _with(job, model, {id(tensor): held[name] for name, tensor in own.items()})
        except Diverged:  # at the same step in every process, which leave their best tensors
            _put_back(own, held, job.gang)
            raise
        _put_back(own, held, job.gang)


def _with(job: Job, model: Any, held: Mapping[int, Any]) -> Job:
    """The job on a model in shares; `held` has its tensors by the ids of those that they are shares of."""
    allowed = None if job.ground.allowed is None else job.ground.allowed.to(meeting_place())
    opened = replace(job.ground.opened, model=model, through=_through(model))
    return replace(
        job,
        ground=replace(job.ground, opened=opened, allowed=allowed),
        parameters=[held[id(tensor)] for tensor in job.parameters],
        gang=Shares(job.gang.rank, job.gang.size),
    )


def _put_back(own: Mapping[str, Any], held: Mapping[str, Tensor], gang: Gang) -> None:
    """Put tensors together, one after the other, and leave them to the model of the first process."""
    for name, tensor in own.items():
        tensor.data = whole(held[name], mine=gang.rank == 0).to(tensor.device)


@contextmanager
def _or_lost() -> Iterator[None]:
    """What torch says when another process does not answer is told as `LostProcess`; other errors are themselves."""
    try:
        yield
    except RuntimeError as broken:
        if isinstance(broken, talk.DistError) or "gloo" in str(broken) or "Connection" in str(broken):
            raise lost(broken) from broken
        raise


def require_once(recipe: Recipe) -> None:
    """Hold that all processes run the model alike, whatever rows they have.

    Raises:
        UnsuitedModel: a method of the recipe runs it more than once, writes with it, or looks at its weights.
    """
    chosen = {"adapt": (recipe.adapt,), "objective": (recipe.objective,), "penalties": recipe.penalties}
    wrong = [type(each).__name__ for name, some in chosen.items() for each in some if type(each) not in ONCE[name]]
    wrong += [recipe.optimizer] if recipe.optimizer != "adamw" else []
    if wrong:
        known = ", ".join(sorted(kind.__name__ for kinds in ONCE.values() for kind in kinds))
        fix = f"set `sharded` to false, or choose among {known} with adamw"
        raise UnsuitedModel(f"{wrong[0]} cannot be trained in shares", where="recipe.sharded", fix=fix)


def divided(ground: Ground) -> Any:
    """A model like the ground's, of whose tensors this process holds its share, on its own device where it has one.

    Layer by layer, so that no device ever holds more than its shares and one layer; a layer's tensors are put together
    in the precision of the ground.
    """
    model = ground.opened.model
    tensors: dict[int, Any] = {
        id(p): nn.Parameter(p.detach().contiguous(), p.requires_grad) for p in model.parameters()
    }
    own = copy.deepcopy(model, tensors)  # its structure alone: the tensors are those of the model, until they are cut
    take_trunk(own)  # what it has kept would differ from process to process, and so would the passes
    precision = torch.bfloat16 if ground.bfloat16 else torch.float16 if ground.float16 else None
    policy = MixedPrecisionPolicy(param_dtype=precision, reduce_dtype=torch.float32 if precision else None)
    mesh = init_device_mesh(meeting_place(), (talk.get_world_size(),))
    for part in (*_layers(own), own):
        fully_shard(part, mesh=mesh, reshard_after_forward=True, mp_policy=policy)
        part.set_force_sum_reduction_for_comms(True)
        part.set_gradient_divide_factor(1.0)
    return own


def _layers(module: nn.Module) -> Iterator[Any]:
    """The layers of a model: what its lists of modules hold."""
    for child in module.children():
        if isinstance(child, nn.ModuleList):
            yield from child
        else:
            yield from _layers(child)


def _through(model: Any) -> Callable[[Callable[[], Any]], Any]:
    """What everything that looks at a model in shares has to be done inside of."""

    def passing(look: Callable[[], Any]) -> tuple[Any, tuple[Tensor, ...]]:
        said = look()
        ends = (said.logits, said.states, said.pooled) if isinstance(said, Predicted) else ()
        return said, ends  # where the way back begins

    model.passing = passing
    register_fsdp_forward_method(model, "passing")
    return lambda look: model.passing(look)[0]


def whole(tensor: Tensor, *, mine: bool = True) -> Tensor:
    """All of a tensor, contiguous and without its gradient; empty for a process that does not want what lies in shares.

    One that lies in shares is put together, on the CPU, for which every process has to ask.
    """
    if not isinstance(tensor, DTensor):
        return tensor.detach().contiguous()
    with torch.no_grad():
        put_together = tensor.full_tensor()
    return put_together.cpu().contiguous() if mine else put_together.new_empty(0)


def laid(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor as another one lies: on its device, and in shares if that does and has the same shape."""
    if not isinstance(like, DTensor) or value.shape != like.shape:
        return value.to(like.device)
    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements, src_data_rank=None)

"""What a run will take, from its shapes and before its first step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from homeostat.errors import NothingToTrainOn
from homeostat.llm.batches import passes
from homeostat.llm.labels import LabelCodes, encode_labels
from homeostat.llm.load import Opened, open_model
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.carried import States, row_name, taken_over
from homeostat.train.champion import HEARD, WORDS, gauged
from homeostat.train.fit import LOOKED
from homeostat.train.flops import Size
from homeostat.train.head.solve import foretold
from homeostat.train.headed import form_of
from homeostat.train.newcomers import fitted_to, joining
from homeostat.train.objectives.heads.classified import FORM
from homeostat.train.objectives.heads.exact import Exact
from homeostat.train.plan import count
from homeostat.train.recollect import TRIED, kept_of
from homeostat.train.refit import fitting, shown
from homeostat.train.rows import beginnings
from homeostat.train.run import Order, is_asked, is_taught, render, warm_from
from homeostat.train.samples import Sample, apart, batches
from homeostat.train.sound import require_labels, require_sound, require_texts
from homeostat.types.task import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a run takes if early stopping does not end it sooner."""

    rows: int
    """Rows to train on; of an exact head those that are added or taken out."""
    held_out: int
    """Rows kept from training to decide when to stop."""
    steps: int
    flops: float
    """Floating-point operations, those of the looks at the held-out rows and of asking the champion included."""


def forecast(order: Order) -> Forecast:
    """Count the steps and operations of an order; opens the model and trains nothing.

    Raises:
        NothingToTrainOn: there are no rows, or nothing to tell apart in them.
        LeakedAnswer, UnknownLabel, ModelNotFound, CorruptWeights: as `homeostat.train.run.train`.
    """
    if not order.examples:
        raise NothingToTrainOn("no rows to train on", fix="gather feedback first, or lower curate's filters")
    require_sound(order.task, order.examples, order.labels)
    if isinstance(order.recipe.objective, Exact):
        rows_read, flops = foretold(order)
        return Forecast(rows=rows_read, held_out=0, steps=0, flops=flops)
    recipe, warm = order.recipe, None if order.recipe.head else warm_from(order)
    opened = open_model(order.start.base, warm if recipe.adapt.kind == "full" else None)
    if recipe.head and form_of(recipe.objective) != FORM:
        require_texts(order.task)  # then it is counted as a head of one label, for all heads read alike
        rows_told = [replace(row, target=FORM) for row in order.examples]
        order = replace(order, task=replace(order.task, kind=Kind.LABEL), labels=(FORM,), examples=rows_told)
    coded = order.task.kind is Kind.LABEL and not recipe.head
    codes = encode_labels(opened.tokenizer, order.labels) if coded else None
    if recipe.head:
        require_labels(order.task)
    one_token = LabelCodes(order.labels, ((0,),) * len(order.labels)) if recipe.head else codes
    every = render(order, Renderer(opened.tokenizer, lead=recipe.adapt.places), one_token)
    recipe.adapt.attach(
        opened.model, warm, beginnings(opened, codes, len(order.start.labels) if warm else 0), recipe.seed
    )
    size, (known, held) = Size.of(opened.model), apart(every, recipe.held_out)
    rows = [s for s in known if recipe.head or not s.recalled]
    first = batches([len(s.rendered.ids) for s in rows], recipe.batch_rows, recipe.seed, 0)
    steps = count(recipe, len(first))
    shapes = [size.shape([rows[k].rendered for k in batch], opened.family) for batch in first]
    one_pass = sum(size.step(*batch) for batch in shapes)

    def forward(some: Sequence[Rendered]) -> float:
        """As they are asked: by length, as many at once as there is room for."""
        by = sorted(some, key=lambda row: len(row.ids))
        parts = passes([len(row.ids) for row in by], opened.model.device)
        return sum(size.forward(*size.shape(by[at], opened.family)) for at in parts)

    look = forward([s.rendered for s in (held or rows)[:LOOKED]])
    asked = 2 * forward(gauged(every, recipe.seed)) if is_asked(order) else 3 * forward(_heard(order, every))
    beside = _beside(order, opened, codes, (known, held)) if codes else _Beside()
    read = sum(forward([s.rendered for s in some]) for some in beside.read)
    flops = one_pass * steps / len(first) + look * min(recipe.looks, steps) + asked + read + beside.flops
    return Forecast(rows=len(rows), held_out=len(held), steps=steps, flops=flops)


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is read of rows of labels beside the steps, and the operations of what is fitted to their states."""

    read: tuple[Sequence[Sample], ...] = ()
    flops: float = 0.0


def _beside(order: Order, opened: Opened, codes: LabelCodes, rows: tuple[Sequence[Sample], ...]) -> _Beside:
    """The replayed rows that the champion is asked about, and those that rows of labels are fitted to before the first
    step and after the last one: without those whose states it has kept, by the rules of who carries them over.
    """
    recipe, goes_on = order.recipe, is_taught(order)
    known, held = ([s for s in some if not s.free] for some in rows)
    tokens, began = [token for token, *_ in codes.sequences], len(order.start.labels) if goes_on else 0
    table = recipe.adapt.label_rows(opened.model, torch.tensor(tokens, device=opened.model.device))
    kept = States.read(order.start.folder) if goes_on and table is not None else States({})
    carried, length = kept if recipe.carry else States({}), table.table.shape[1] if table else 0
    read, flops = list[Sequence[Sample]](), 0.0
    if goes_on and recipe.penalties:
        read.append(_told([s for s in known if s.replay], kept))
    if goes_on and recipe.newcomers and table is not None:
        some, others = fitted_to(known, tokens, began, carried)
        read.append(some)
        flops += joining(len(some) + len(others), began * length, (len(tokens) - began) * length) if some else 0.0
    if len(held) > 1:
        read.append(held)  # for the prior, and for who fits rows to judge by
    if recipe.refit and table is not None and known and len(held) > 1:
        learned = shown(known, len(tokens))
        left = set(taken_over(learned, carried)[0])
        read.append([s for k, s in enumerate(learned) if k not in left])
        flops += fitting(len(learned), len(tokens) * length)
    return _Beside(tuple(read), flops)


def _told(replayed: Sequence[Sample], kept: States) -> list[Sample]:
    """The replayed rows that the champion reads: but for a few none of those whose states it has kept."""
    follows = {row_name(s) for s in kept_of(replayed, kept)[TRIED:]}
    return [s for s in replayed if row_name(s) not in follows]


def _heard(order: Order, every: Sequence[Sample]) -> list[Rendered]:
    """The requests of a task of text to which the champion replies, as if its replies were as long as they may be."""
    heard = order.task.kind is Kind.TEXT and order.start.folder is not None
    return [Rendered(row.prompt, (0,) * WORDS) for row in gauged(every, order.recipe.seed)[:HEARD]] if heard else []

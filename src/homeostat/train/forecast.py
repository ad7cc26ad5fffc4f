"""What a run will take, from its shapes and before its first step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from homeostat.errors import NothingToTrainOn
from homeostat.llm.labels import LabelCodes, encode_labels
from homeostat.llm.load import open_model
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.champion import HEARD, WORDS, gauged
from homeostat.train.fit import LOOKED
from homeostat.train.flops import Size
from homeostat.train.head.solve import foretold
from homeostat.train.headed import form_of
from homeostat.train.objectives.heads.classified import FORM
from homeostat.train.objectives.heads.exact import Exact
from homeostat.train.plan import count
from homeostat.train.refit import shown
from homeostat.train.rows import beginnings
from homeostat.train.run import Order, is_asked, is_taught, render
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
    recipe, opened = order.recipe, open_model(order.start.base)
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
    recipe.adapt.attach(opened.model, rows=beginnings(opened, codes), seed=recipe.seed)
    size, (known, held) = Size.of(opened.model), apart(every, recipe.held_out)
    rows = [s for s in known if recipe.head or not s.recalled]
    first = batches([len(s.rendered.ids) for s in rows], recipe.batch_rows, recipe.seed, 0)
    steps = count(recipe, len(first))
    shapes = [size.shape([rows[k].rendered for k in batch], opened.family) for batch in first]
    one_pass = sum(size.step(*batch) for batch in shapes)

    def forward(some: Sequence[Rendered]) -> float:
        return size.forward(*size.shape(some, opened.family)) if some else 0.0

    look = forward([s.rendered for s in (held or rows)[:LOOKED]])
    asked = 2 * forward(gauged(every, recipe.seed)) if is_asked(order) else 3 * forward(_heard(order, every))
    taught = forward([s.rendered for s in rows if s.replay]) if is_taught(order) and recipe.penalties else 0.0
    fitted = forward([s.rendered for s in (*shown(known, len(order.labels)), *held)]) if recipe.refit and codes else 0.0
    joining = forward(_joining(order, known, codes)) if codes and is_taught(order) and recipe.newcomers else 0.0
    flops = one_pass * steps / len(first) + look * min(recipe.looks, steps) + asked + taught + fitted + joining
    return Forecast(rows=len(rows), held_out=len(held), steps=steps, flops=flops)


def _heard(order: Order, every: Sequence[Sample]) -> list[Rendered]:
    """The requests of a task of text to which the champion replies, as if its replies were as long as they may be."""
    heard = order.task.kind is Kind.TEXT and order.start.folder is not None
    return [Rendered(row.prompt, (0,) * WORDS) for row in gauged(every, order.recipe.seed)[:HEARD]] if heard else []


def _joining(order: Order, known: Sequence[Sample], codes: LabelCodes) -> list[Rendered]:
    """What is read for rows of new labels: their requests, and what is trained on besides if no states were kept."""
    old = {token for token, *_ in codes.sequences[: len(order.start.labels)]}
    read = [s for s in known if not s.free and (s.rendered.completion[0] not in old or not s.recalled)]
    return [s.rendered for s in read] if any(s.rendered.completion[0] not in old for s in read) else []

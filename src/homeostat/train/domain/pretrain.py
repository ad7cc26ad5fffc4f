"""Continued pretraining: a decoder goes on reading, all tokens of unlabeled texts, and becomes a base of its own.

Beside the domain's texts it reads some general ones again, at a rate that rises anew and falls again (Gururangan et al.
2020, 2004.10964; Ibrahim et al. 2024, 2403.08763). The loop is that of every training: a row is a window of text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from homeostat.errors import NothingToTrainOn, UnsuitedModel
from homeostat.llm.four_bit import require_floats
from homeostat.llm.load import Opened, open_model
from homeostat.train.adapt.whole import require_whole, save_whole
from homeostat.train.domain.cost import Cost, cost, measured
from homeostat.train.domain.texts import Piece, kept_apart, pieces
from homeostat.train.domain.windows import mixed, packed, width
from homeostat.train.domain.words import grown
from homeostat.train.fit import LOOKED, fit
from homeostat.train.flops import Size
from homeostat.train.job import Job
from homeostat.train.plan import Plan
from homeostat.train.recipe import Recipe
from homeostat.train.samples import Sample
from homeostat.train.step import Ground

LOOK_SHARE = 0.05
"""Windows of a look at most, as a share of those that are read, so that looking costs less than learning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is read, by whom, and how."""

    base: str
    """`builtin`, a folder or a hub name: a decoder."""
    domain: Sequence[str]
    """Documents of the domain."""
    general: Sequence[str] = ()
    """Documents of which `recipe.replay` windows are read again for each window of the domain."""
    words: int = 0
    """The most words of the domain that become tokens of their own; 0 leaves the vocabulary as it is."""
    recipe: Recipe
    workspace: Path
    """Where the run keeps its checkpoints."""
    report: Callable[[dict[str, float]], None] = lambda values: None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """What a reading is made of and what it takes, known before the first step."""

    documents: int
    """Documents of the domain that differ from each other."""
    held_out: int
    """Pieces of documents that are not read but looked at."""
    tokens: int
    """Tokens that are learned in one pass, those of general texts included."""
    windows: int
    replayed: float
    """Share of the windows that hold general text."""
    padding: float
    """Share of the places of the batches that hold no token."""
    steps: int
    flops: float
    """Floating-point operations of these steps, if none is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a reading left."""

    ahead: Ahead
    words: tuple[str, ...]
    """Tokens that are new."""
    domain: tuple[Cost, Cost]
    """What the held-out pieces of the domain cost before and after."""
    general: tuple[Cost, Cost] | None
    """The same of general texts; None where there are none."""
    cost: dict[str, float]
    """`flops`, `cpu_seconds`, `seconds`, `steps`, `best_step`, `back_offs`."""


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The texts, sorted."""

    domain: list[Piece]
    held_out: list[Piece]
    general: list[Piece]
    general_held_out: list[Piece]

    @staticmethod
    def of(reading: Reading) -> _Shelf:
        """Sort the texts of a reading.

        Raises:
            NothingToTrainOn: there are fewer than two that differ.
        """
        domain, held_out = kept_apart(pieces(reading.domain), reading.recipe.held_out)
        if not held_out:
            raise NothingToTrainOn(
                f"{len(domain)} text of the domain is too little: some must be kept to look at",
                fix="give more documents, or longer ones",
            )
        return _Shelf(domain, held_out, *kept_apart(pieces(reading.general), reading.recipe.held_out))

    def rows(self, opened: Opened, recipe: Recipe) -> tuple[list[Sample], list[Sample]]:
        """Windows to learn, and windows to look at."""
        size = width(opened.tokenizer)
        domain, general, held = (packed(opened.tokenizer, some, size) for some in self._parts())
        rows = mixed(domain, general, recipe.replay, recipe.seed)
        return rows, held[: max(1, min(LOOKED, int(LOOK_SHARE * len(rows))))]

    def _parts(self) -> tuple[list[Piece], list[Piece], list[Piece]]:
        return self.domain, self.general, self.held_out


def foresee(reading: Reading) -> Ahead:
    """What a reading would take; opens the base and trains nothing. New words are not counted in.

    Raises:
        NothingToTrainOn, UnsuitedModel, ModelNotFound: as `pretrain`.
    """
    require_whole(reading.recipe.adapt)
    shelf, opened = _Shelf.of(reading), _decoder(reading.base)
    job = _job(reading, shelf, opened)
    return _ahead(shelf, job)


def pretrain(reading: Reading, folder: Path) -> Read:
    """Read, and leave in `folder` a base with its tokenizer; interrupted, the same call goes on where it stood.

    Raises:
        NothingToTrainOn: there are not even two texts that differ.
        UnsuitedModel: the base is no decoder, the recipe makes nothing that could be part of its weights, or new words
            are asked for and its tokenizer does not merge byte pairs.
        Diverged, OutOfMemory, StoreFull, ModelNotFound, UnsafeWeights, CorruptWeights: as said where they are defined.
    """
    require_whole(reading.recipe.adapt)
    shelf, opened, words = _Shelf.of(reading), _decoder(reading.base), tuple[str, ...]()
    looked = [measured(shelf.held_out), measured(shelf.general_held_out)]
    before = [cost(opened, some) for some in looked]
    if reading.words:
        opened, words = grown(
            opened, shelf.domain, reading.recipe, reading.words, reading.workspace / "words", reading.report
        )
    job = _job(reading, shelf, opened)
    ahead, fitted = _ahead(shelf, job), fit(job)
    after = [cost(opened, some) for some in looked]
    save_whole(reading.recipe.adapt, opened.model, folder)
    opened.tokenizer.save_pretrained(folder)
    open_model(str(folder))  # what cannot be opened is found here, not in a run
    progress = fitted.progress
    return Read(
        ahead=ahead,
        words=words,
        domain=(before[0], after[0]),
        general=(before[1], after[1]) if looked[1] else None,
        cost={
            "flops": progress.flops,
            "cpu_seconds": progress.cpu_seconds,
            "seconds": progress.seconds,
            "steps": float(progress.step),
            "best_step": float(progress.best_step),
            "back_offs": float(progress.back_offs),
        },
    )


def _decoder(base: str) -> Opened:
    """Open the base.

    Raises:
        UnsuitedModel: it reads both ways, or writes from what another part has read; or its weights lie in four bits.
    """
    opened = open_model(base)
    require_floats(opened.model, "reading on", where=base)
    if opened.family != "decoder":
        raise UnsuitedModel(
            f"{type(opened.model).__name__} does not go on with texts word by word",
            where=base,
            fix="take a decoder; encoders and sequence-to-sequence models are not read further here",
        )
    return opened


def _job(reading: Reading, shelf: _Shelf, opened: Opened) -> Job:
    """The run over all texts."""
    rows, held = shelf.rows(opened, reading.recipe)
    parameters = reading.recipe.adapt.attach(opened.model, seed=reading.recipe.seed)
    reading.recipe.adapt.look(opened, [row.rendered for row in rows])
    return Job(
        ground=Ground(opened=opened, train=rows, held_out=held, seed=reading.recipe.seed),
        parameters=parameters,
        recipe=replace(reading.recipe, refit=False),
        workspace=reading.workspace / "checkpoint",
        report=reading.report,
    )


def _ahead(shelf: _Shelf, job: Job) -> Ahead:
    """What a run is made of."""
    ground, plan = job.ground, Plan.of(job)
    size, rows = Size.of(ground.opened.model), [row.rendered for row in ground.train]
    one = size.step(*size.shape(rows, ground.opened.family))
    passes = plan.steps / max(1, -(-len(rows) // job.recipe.batch_rows))
    return Ahead(
        documents=sum(piece.ends for piece in (*shelf.domain, *shelf.held_out)),
        held_out=len(shelf.held_out),
        tokens=sum(len(row.completion) for row in rows),
        windows=len(rows),
        replayed=sum(row.replay for row in ground.train) / len(rows),
        padding=plan.padding,
        steps=plan.steps,
        flops=one * passes,
    )

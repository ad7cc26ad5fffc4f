"""Words of the domain in the vocabulary of the base, taught before all other weights move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from homeostat.llm.load import Opened, open_model, quiet
from homeostat.train.adapt.full import Full
from homeostat.train.adapt.vocabulary import NewWords, extend, find
from homeostat.train.domain.texts import Piece
from homeostat.train.domain.windows import packed, width
from homeostat.train.fit import fit
from homeostat.train.job import Job
from homeostat.train.recipe import Recipe
from homeostat.train.step import Ground

SHARE = 0.2
"""Of the texts, and so of the steps, that the new words alone are taught on."""
FASTER = 10.0
"""How much faster rows of new words learn than all weights do."""


def grown(
    opened: Opened,
    every: Sequence[Piece],
    recipe: Recipe,
    most: int,
    workspace: Path,
    report: Callable[[dict[str, float]], None] = lambda values: None,
) -> tuple[Opened, tuple[str, ...]]:
    """The base with at most `most` words of the texts as tokens of their own, and these tokens.

    It is left in `workspace` and opened from there; who was interrupted goes on.

    Raises:
        UnsuitedModel: the tokenizer does not merge byte pairs.
    """
    found = tuple(find(opened.tokenizer, [piece.text for piece in every], most))
    if not found:
        return opened, ()
    first = max(opened.tokenizer.get_vocab().values()) + 1
    base = extend(opened, found)
    rows = packed(base.tokenizer, every, width(base.tokenizer))
    way = NewWords(first=first, count=len(found))
    recipe = replace(recipe, adapt=way, lr=FASTER * recipe.lr, epochs=SHARE * recipe.epochs)
    parameters = way.attach(base.model, seed=recipe.seed)
    fit(
        Job(
            ground=Ground(opened=base, train=rows, seed=recipe.seed),
            parameters=parameters,
            recipe=recipe,
            workspace=workspace / "checkpoint",
            report=report,
        )
    )
    save(base, workspace / "base")
    return open_model(str(workspace / "base")), found


def save(opened: Opened, folder: Path) -> None:
    """Write all weights and the tokenizer, so that the folder can be named as a base."""
    Full().save(opened.model, folder)
    quiet()
    opened.tokenizer.save_pretrained(folder)

"""Make a smaller base of the project's own, for students to stand on: some of its layers, and of its words.

Layers are taken evenly, the first and the last among them. Of the vocabulary stays what the requests of the log need,
frequent words first, with the pieces they are made of: they are read as before, others in more pieces. Such a base
knows little until it has learned; `homeostat distill` teaches it.

Exit codes: 0 done; 1x configuration; 2x there are no requests to choose words by; 3x model, of them 35 there are not so
many layers.

Example: `homeostat smaller small --layers 2 --words 2000`
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.project import chosen
from homeostat.cli.table import document, facts
from homeostat.cli.teaching import labels_of_answers
from homeostat.config.load import load
from homeostat.errors import EmptyStream
from homeostat.loop.making.distill import material
from homeostat.loop.workshop import Workshop
from homeostat.train.smaller import smaller


def command(
    folder: Annotated[Path, typer.Argument(help="Where the base is left; must not be there yet.")],
    layers: Annotated[int, typer.Option(help="How many layers it has.")],
    words: Annotated[int, typer.Option(help="How many words of the requests it knows as one; 0 for all it knows.")] = 0,
    task: Annotated[str, typer.Option(help="The task whose requests are meant; may be left out for one.")] = "",
    config: Annotated[Path, typer.Option(help="The project's file.")] = Path("homeostat.yaml"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Make a smaller base of the project's own."""
    if folder.exists():
        raise typer.BadParameter(f"{folder} is there already; name another folder")
    with closing(Workshop.open(load(config))) as shop:
        known = shop.config.task(chosen(shop.config, task))
        texts = [row.text for row in material(shop, known).examples]
        labels = len(labels_of_answers(shop, known))
        base = shop.config.model.weights
    if words and not texts:
        raise EmptyStream(f"task '{known.name}' has no requests yet", fix="send traffic first, or leave --words out")
    made = smaller(base, folder, layers=layers, texts=texts, words=words, labels=labels)
    found = {**asdict(made), "folder": str(made.folder), "share": made.parameters / made.of}
    document(found) if as_json else facts("made", found)

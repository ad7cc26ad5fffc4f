"""Make a base in four bits, which takes about a seventh of the memory, for adapters to be trained and served on.

BASE is a hub name, a folder, or `builtin`. What is left in FOLDER is a base like any other: name it as `model.base` and
train `lora` on it. What is trained on it answers on it alone, and what was trained on BASE does not fit it: rounding
moves what a model says. All weights (`full`) cannot be trained in four bits.

Exit codes: 0 done; 14 the extra `four-bit` is missing; 3x the base cannot be opened, or not be put into four bits.

Example: `homeostat quantize HuggingFaceTB/SmolLM2-135M-Instruct ./small-in-four-bits`
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from homeostat.cli.table import document, facts
from homeostat.train.quantize import quantize


def command(
    base: Annotated[str, typer.Argument(help="A hub name, a folder, or `builtin`.")],
    folder: Annotated[Path, typer.Argument(help="Where it is left; must not be there yet.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")] = False,
) -> None:
    """Make a base in four bits."""
    if folder.exists():
        raise typer.BadParameter(f"{folder} is there already; name another folder")
    made = quantize(base, folder)
    found = {**asdict(made), "folder": str(made.folder), "share": made.bytes_after / made.bytes_before}
    document(found) if as_json else facts("made", found)

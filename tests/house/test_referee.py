"""What is true of the stream is known to the story, which keeps the score, and to nobody who plays."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from house.source import Module, listed, modules

SCORING = ("loop/story/", "cli/", "collect/stream.py", "collect/git.py")
"""Where rows with their truth are read and scored."""


def players() -> Iterator[Module]:
    """Every module that is not there to score."""
    return (module for module in modules() if not module.name.startswith(SCORING))


def test_nobody_who_plays_imports_the_story() -> None:
    """Watching, deciding, curating, training, judging and releasing do without the referee."""
    offenders = [
        f"{module.name}:{node.lineno}"
        for module in players()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("homeostat.loop.story")
    ]
    assert not offenders, listed(offenders)


def test_nobody_who_plays_reads_the_truth_of_a_row() -> None:
    """No attribute and no key of that name is read outside the story and the readers of streams."""
    offenders = [
        f"{module.name}:{node.lineno}"
        for module in players()
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"truth", "truths"})
        or (isinstance(node, ast.Subscript) and ast.unparse(node.slice) in {"'truth'", "'truths'"})
    ]
    assert not offenders, listed(offenders)

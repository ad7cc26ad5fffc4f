"""What `pretrain` is to read, as its command line names it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from homeostat.cli.project import chosen
from homeostat.collect.documents import read_documents
from homeostat.errors import EmptyStream
from homeostat.loop.making.distill import material
from homeostat.loop.workshop import Workshop

GENERAL, LINES, LOG = "general:", "lines:", "log:"


def read_sources(shop: Workshop, sources: Sequence[str]) -> tuple[list[str], list[str]]:
    """Documents of the domain, and general ones.

    Raises:
        BadStream, NotText: a file cannot be read.
        EmptyStream: there is nothing in one, in a log, or nothing of the domain at all.
        UnknownKey: there is no such task.
    """
    domain, general = list[str](), list[str]()
    for source in sources:
        named = source.removeprefix(GENERAL)
        (domain if named == source else general).extend(_documents(shop, named))
    if not domain:
        raise EmptyStream(
            "all texts are general ones", where="SOURCE", fix="name some of the domain without `general:`"
        )
    return domain, general


def _documents(shop: Workshop, source: str) -> list[str]:
    """Documents of one source."""
    if not source.startswith(LOG):
        return read_documents(Path(source.removeprefix(LINES)), by_line=source.startswith(LINES))
    task = shop.config.task(chosen(shop.config, source.removeprefix(LOG), where=source))
    texts = [row.text for row in material(shop, task).examples]
    if not texts:
        raise EmptyStream(f"task '{task.name}' has no requests yet", where=source, fix="send traffic first")
    return texts

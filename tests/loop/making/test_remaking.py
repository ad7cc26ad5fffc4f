"""What is read to make a version again, by its kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.schema import Config, Tasks
from homeostat.errors import NotFound
from homeostat.loop.making.remaking import made_again, rows_of
from homeostat.loop.workshop import Workshop
from homeostat.types.dataset import Dataset
from homeostat.types.version import HEAD, Version

MADE = Version(
    id="ver_made", task="routing", time=2.0, base="b", dataset="dst_new", parent="ver_old", recipe={"name": "careful"}
)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """A parent that knows two datasets, one after the other, and a dataset that came after."""
    with closing(Workshop.open(Config(folder=str(tmp_path / "p"), tasks={"routing": Tasks()}))) as opened:
        for name, parents in (("first", ()), ("old", ("dst_first",)), ("new", ("dst_old",))):
            rows = opened.store.blobs.put_text("")
            made = Dataset(id=f"dst_{name}", task="routing", time=1.0, blob=rows, parents=parents)
            opened.store.datasets.put(made)
        opened.store.versions.put(Version(id="ver_old", task="routing", time=1.0, base="b", dataset="dst_old"))
        yield opened


def read(shop: Workshop, version: Version) -> list[str]:
    return [dataset.id for dataset in rows_of(shop, version)]


def test_which_rows_are_read(shop: Workshop) -> None:
    """Its own, where weights were gone on from; also all that its parent knew where it lies between two versions, and
    a parent head's own, which holds every row; none where it was merged of versions that have none.
    """
    assert read(shop, MADE) == ["dst_new"]
    assert read(shop, replace(MADE, recipe={"name": "between"})) == ["dst_new", "dst_first", "dst_old"]
    assert read(shop, replace(MADE, recipe={"name": "merge"}, dataset="", parent="")) == []
    shop.store.versions.put(replace(shop.store.versions.get("ver_old"), id="ver_head", kind=HEAD))
    assert read(shop, replace(MADE, parent="ver_head")) == ["dst_new", "dst_old"]


def test_what_is_gone_is_said(shop: Workshop, tmp_path: Path) -> None:
    """A parent, or a candidate on whose line it lay, that is not in the store any more."""
    with pytest.raises(NotFound, match="ver_nobody"):
        read(shop, replace(MADE, parent="ver_nobody"))
    lost = replace(MADE, recipe={"name": "between", "candidate": "ver_nobody", "share": 0.5})
    with pytest.raises(NotFound, match="ver_nobody"):
        made_again(shop, lost, tmp_path / "again", lambda values: None)

"""What teachers said of rows is kept without the rows, and read back for them alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.errors import NotFound, Tampered
from homeostat.loop.making.said import keep_said, said_of
from homeostat.store import Store
from homeostat.types.dataset import Example

ROWS = [Example(text=f"where is parcel {k}", target="late") for k in range(3)]
TOLD = {ROWS[0].text: (-0.125, -2.5), ROWS[2].text: (-3.0, -0.051293)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'homeostat.db'}", tmp_path / "blobs") as opened:
        yield opened


def test_it_is_read_as_it_was_kept(store: Store) -> None:
    """To the last digit, also where a row was told nothing; the same is kept once, and no text of a request in it."""
    kept = keep_said(store, ROWS, TOLD)
    assert said_of(store, kept, ROWS) == TOLD
    assert keep_said(store, ROWS, {**TOLD, "another": (-1.0, -1.0)}) == kept
    assert "parcel" not in store.blobs.text(kept)
    assert len(store.blobs.text(kept).splitlines()) == len(ROWS)


def test_what_is_of_other_rows_is_refused(store: Store) -> None:
    """Fewer rows than lines, a file that changed, and one that is gone."""
    kept = keep_said(store, ROWS, TOLD)
    with pytest.raises(Tampered, match="3 rows, and the dataset has 2"):
        said_of(store, kept, ROWS[:2])
    file = store.blobs.path(kept)
    file.chmod(0o644)
    file.write_text(file.read_text().replace("-2.5", "-2.0"))
    with pytest.raises(Tampered):
        said_of(store, kept, ROWS)
    store.blobs.erase(kept)
    with pytest.raises(NotFound):
        said_of(store, kept, ROWS)

"""What is told where an id is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.types.version import Version


def test_what_may_have_been_meant(tmp_path: Path) -> None:
    """The nearest ids; of another noun's id whose it is; of what is no id how one begins, and where they are listed."""
    with Store.open(f"sqlite:///{tmp_path / 'homeostat.db'}", tmp_path / "blobs") as store:
        store.versions.put(Version(id="ver_abc", task="routing", time=1.0, base="builtin"))
        told = {}
        for id in ("ver_abd", "int_abc", "routing"):
            with pytest.raises(NotFound) as caught:
                store.versions.get(id)
            told[id] = (caught.value.what, caught.value.fix)
    assert told["ver_abd"] == ("no version 'ver_abd'", "did you mean ver_abc?")
    assert told["int_abc"] == (
        "no version 'int_abc': an id that begins with int_ is an interaction's",
        "give one like ver_…",
    )
    assert told["routing"] == ("no version 'routing'", "its id begins with ver_; `homeostat versions` lists them")

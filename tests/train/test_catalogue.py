"""Every method that can be named."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass

import pytest

from homeostat.train.catalogue import DIFFICULTIES, OBJECTIVES, ORDERS, PENALTIES, WAYS
from homeostat.train.recipe import plain

EVERY = [
    (registry, name) for registry in (DIFFICULTIES, OBJECTIVES, ORDERS, PENALTIES, WAYS) for name in registry.names()
]


@pytest.mark.parametrize(("registry", "name"), EVERY, ids=[f"{r.kind} {n}" for r, n in EVERY])
def test_a_name_is_what_a_version_says_of_it(registry: object, name: str) -> None:
    """A method is plain values under the name that it was chosen by, so that what a version says can be read again."""
    kind = registry.get(name)  # type: ignore[attr-defined]
    assert is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    if not any(f.default is MISSING and f.default_factory is MISSING for f in fields(kind)):
        assert list(plain(kind())) == [name]

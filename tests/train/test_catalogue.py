"""Every method that can be named."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import pytest

from homeostat.plugin import Registry
from homeostat.train.catalogue import DIFFICULTIES, OBJECTIVES, ORDERS, PENALTIES, WAYS
from homeostat.train.read import changed
from homeostat.train.recipe import Recipe, plain

EVERY = [
    (registry, name) for registry in (DIFFICULTIES, OBJECTIVES, ORDERS, PENALTIES, WAYS) for name in registry.names()
]


FIELDS = {OBJECTIVES: "objective", ORDERS: "order", PENALTIES: "penalties", WAYS: "adapt"}


@pytest.mark.parametrize(("registry", "name"), EVERY, ids=[f"{r.kind} {n}" for r, n in EVERY])
def test_what_a_version_says_of_a_method_makes_it_again(registry: Registry[Any], name: str) -> None:
    """A method is plain values under the name that it was chosen by, which JSON can hold, and which are read again as
    the same method.
    """
    kind = registry.get(name)
    assert is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    if any(f.default is MISSING and f.default_factory is MISSING for f in fields(kind)):
        return
    said = json.loads(json.dumps(plain(kind())))
    assert list(said) == [name]
    if registry in FIELDS:
        field = FIELDS[registry]
        made = getattr(changed(Recipe(), {field: [said] if field == "penalties" else said}, "here"), field)
        assert made == ((kind(),) if field == "penalties" else kind())

"""Triggers by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.decide.trigger.catalogue import TRIGGERS, made
from homeostat.decide.trigger.counts import Labels
from homeostat.errors import UnknownPlugin, WrongType

VALUES = {"schedule": "every 3 months", "requests": 5, "labels": 5, "drift": "any", "drop": 0.1}
HOW = Path(__file__).parents[3] / "docs" / "how-to" / "write-a-policy.md"


def test_every_trigger_can_be_made_and_is_described() -> None:
    """Each takes its value, and the page that explains policies names it."""
    page = HOW.read_text(encoding="utf-8")
    for name in TRIGGERS.names():
        fallback = 0.1 if name.endswith("_drop") else True
        assert made(name, VALUES.get(name, fallback), "here").standing
        assert f"| `{name}" in page


def test_errors_say_what_where_and_what_was_meant() -> None:
    """An unknown name lists the known ones; a value that is none says where it stands."""
    with pytest.raises(UnknownPlugin, match="unknown trigger 'lables'") as unknown:
        made("lables", 5, "policies.p.any.lables")
    assert "did you mean 'labels'" in unknown.value.fix
    with pytest.raises(WrongType, match=r"labels must be a number of labels, 1 or more, got 0") as wrong:
        made("labels", 0, "policies.p.any.labels")
    assert wrong.value.where == "policies.p.any.labels"
    assert made("labels", 7, "") == Labels(7)

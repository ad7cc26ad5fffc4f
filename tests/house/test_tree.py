"""The pictures of the house are taken of the house as it stands."""

from __future__ import annotations

import pytest

from house.source import ROOT, listed, script

TREE = script("docs/tree.py")


@pytest.mark.parametrize("page", TREE["PAGES"])
def test_the_tree_is_the_tree(page: str) -> None:
    """The tree on a page equals the one made from the docstrings of today; `make docs` makes it again."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert text == TREE["rewritten"](text), f"{page} is stale: make docs"


def test_what_stands_outside_is_there() -> None:
    """Every file and folder beside the package that the tree names exists."""
    missing = [name for name in TREE["OUTSIDE"] if not (ROOT / name).exists()]
    assert not missing, listed(missing)

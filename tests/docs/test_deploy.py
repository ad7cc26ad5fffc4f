"""The copies under `deploy/` are what the code makes now."""

from __future__ import annotations

import runpy
from pathlib import Path

DEPLOY = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "deploy.py"))


def test_the_copies_are_current() -> None:
    """Every file equals what `homeostat alerts rules` would write, and no other is there; `make docs` writes them."""
    files = DEPLOY["files"]()
    for file, text in files.items():
        assert file.read_text(encoding="utf-8") == text, f"{file} is stale: make docs"
    assert {path for path in DEPLOY["FOLDER"].rglob("*") if path.is_file()} == set(files)

"""A file is called after what is in it."""

from __future__ import annotations

from house.source import ROOT, listed

BANNED = {"utils", "util", "common", "misc", "helpers", "helper", "manager", "managers", "core"}


def test_no_dumping_grounds() -> None:
    """No module or folder of Python is called utils, common, misc, helpers, manager or core, alone or in part."""
    folders = [ROOT / name for name in ("src", "tests", "bench", "docs", "recipes")]
    paths = sorted(path.relative_to(ROOT) for folder in folders for path in folder.rglob("*.py"))
    offenders = [
        path.as_posix()
        for path in paths
        if any(BANNED.intersection(part.removesuffix(".py").lower().split("_")) for part in path.parts)
    ]
    assert not offenders, listed(offenders)

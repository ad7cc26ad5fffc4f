"""The change log on the command line."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.errors import NotText
from homeostat.release.registry import promote, rollback
from homeostat.store import Store


def test_the_log_is_printed_written_and_told_to_programs(
    homeostat: Run, shop: Path, store: Store, tmp_path: Path
) -> None:
    """The same changes as text, in a file, and as JSON; the newest few where only these are asked for."""
    champion(store, "a")
    version(store, "b")
    promote(store, "routing", "ver_b", "I know it", now=START + 60)
    rollback(store, "routing", "it was slow", now=START + 120)
    text = homeostat("releases", "--config", shop).out
    assert text.count("\n## ") == 3
    assert "## 14 Nov 2023, 22:15 UTC: rollback\n\nver_b is taken back; ver_a answers everything.\n" in text
    assert "- why: it was slow\n" in text
    file = tmp_path / "CHANGES.md"
    assert homeostat("releases", "routing", "--out", file, "--config", shop).out == ""
    assert file.read_text() == text
    document = homeostat("releases", "--json", "--last", "2", "--config", shop).json
    assert [one["because"] for one in document["changes"]] == ["I know it", "it was slow"]
    assert document["changes"][0]["way"] == "decided by a person"


def test_where_it_cannot_be_written(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """That is said beforehand; a task that nobody answers yet has a log that says so."""
    gone = tmp_path / "gone" / "CHANGES.md"
    assert homeostat("releases", "--out", gone, "--config", shop).code == NotText.exit
    assert "Nobody yet" in homeostat("releases", "--config", shop).out

"""From one project to another on the command line."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import champion
from homeostat.errors import BadArchive, NotText, UnknownKey, Unsigned
from homeostat.store import Store


def test_a_version_is_carried_to_another_project(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """Exported here, it is refused there until its maker is trusted, and is a candidate then."""
    champion(store, "a")
    file, other = tmp_path / "a.tar", tmp_path / "other" / "homeostat.yaml"
    other.parent.mkdir()
    other.write_text(shop.read_text() + "release: {signed: true}\n")
    gone = homeostat("export", "ver_a", tmp_path / "gone" / "a.tar", "--config", shop)
    assert (gone.code, "there is no such folder" in gone.err) == (NotText.exit, True)
    told = homeostat("export", "ver_a", file, "--config", shop, "--json").json
    assert told["bytes"] == file.stat().st_size
    refused = homeostat("receive", file, "--config", other)
    assert refused.code == Unsigned.exit
    assert "homeostat sign --trust" in refused.err
    (tmp_path / "maker.pem").write_text(homeostat("sign", "--public", "--config", shop).out)
    assert homeostat("sign", "--trust", tmp_path / "maker.pem", "--config", other).code == 0
    got = homeostat("receive", file, "--config", other, "--json").json
    assert (got["id"], got["state"], got["labels"]) == ("ver_a", "candidate", [])
    assert "ver_a was there already" in homeostat("receive", file, "--config", other).out
    assert homeostat("promote", "ver_a", "--config", other).code == 0
    assert homeostat("verify", "--config", other).code == 0


def test_a_version_of_a_task_that_there_is_not(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """It is taken in with a line that says so, and cannot answer a task that nobody can ask."""
    champion(store, "a")
    assert homeostat("export", "ver_a", tmp_path / "a.tar", "--config", shop).code == 0
    other = tmp_path / "other" / "homeostat.yaml"
    other.parent.mkdir()
    other.write_text("project: other\ntasks: {topics: {kind: label}}\n")
    taken = homeostat("receive", tmp_path / "a.tar", "--unsigned", "--config", other)
    assert (taken.code, "the project has no task 'routing'" in taken.err) == (0, True)
    refused = homeostat("promote", "ver_a", "--config", other)
    assert (refused.code, "unknown task 'routing'" in refused.err) == (UnknownKey.exit, True)
    assert homeostat("versions", "--id", "ver_a", "--config", other, "--json").json["state"] == "candidate"


def test_what_is_no_archive(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """Another file ends with an exit code of its own."""
    (tmp_path / "a.tar").write_text("a letter to my aunt")
    assert homeostat("receive", tmp_path / "a.tar", "--config", shop).code == BadArchive.exit

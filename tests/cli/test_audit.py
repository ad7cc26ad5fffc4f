"""Reading, exporting and checking the audit log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from cli.conftest import Run
from cli.scenes import champion
from homeostat.errors import BadStream, NotText, Tampered
from homeostat.store import Store


def test_what_was_done_is_shown(homeostat: Run, shop: Path, store: Store) -> None:
    """A promotion stands there with who did it, and the chain holds."""
    champion(store, "a")
    ran = homeostat("audit", "--config", shop)
    assert ran.code == 0
    assert "the chain holds" in ran.out
    told = homeostat("audit", "--config", shop, "--json").json
    assert told["ok"] is True
    assert told["head"] == store.audit.head() == told["entries"][-1]["seal"]
    assert {"version candidate", "release full", "version live"} < {entry["what"] for entry in told["entries"]}
    assert {entry["who"] for entry in told["entries"]} == {store.audit.list()[0].who}


def test_about_and_last(homeostat: Run, shop: Path, store: Store) -> None:
    """Entries are shown by what they are about, and as many as were asked for."""
    champion(store, "a")
    champion(store, "b")
    about = homeostat("audit", "--config", shop, "--about", "ver_a", "--json").json
    assert {entry["about"] for entry in about["entries"]} == {"ver_a"}
    assert about["n"] == len(store.audit.list())
    assert "entries is about 'ver_'" in homeostat("audit", "--config", shop, "--about", "ver_").out
    assert len(homeostat("audit", "--config", shop, "--last", "2", "--json").json["entries"]) == 2
    assert len(homeostat("audit", "--config", shop, "--last", "0", "--json").json["entries"]) == about["n"]


def test_a_command_signs_with_the_user(homeostat: Run, shop: Path, store: Store) -> None:
    """What a command writes stands under the machine's user, what a person approves of under the name given."""
    champion(store, "a")
    champion(store, "b")
    store.sign_as("somebody else")
    assert homeostat("rollback", "routing", "--config", shop).code == 0
    assert store.audit.list()[-1].who == store.audit.list()[0].who


def test_an_export_is_checked_without_the_project(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """An export says the same as the log; a changed one is told of, and a cut one by the head that was kept."""
    champion(store, "a")
    file, head = tmp_path / "audit.jsonl", store.audit.head()
    assert homeostat("audit", "--config", shop, "--out", file).code == 0
    assert homeostat("audit", "--file", file, "--head", head).code == 0
    part = homeostat("audit", "--file", file, "--head", head[:12])  # as the table shows it: no break, and no proof
    assert (part.code, "64 letters" in part.err) == (2, True)
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:-1]) + "\n")
    assert homeostat("audit", "--file", file).code == 0
    cut = homeostat("audit", "--file", file, "--head", head, "--json")
    assert cut.code == Tampered.exit
    assert cut.json["problems"] == [f"audit: no entry has the seal {head}"]
    changed = json.loads(lines[0]) | {"who": "nobody"}
    file.write_text("\n".join([json.dumps(changed), *lines[1:]]) + "\n")
    ran = homeostat("audit", "--file", file)
    assert ran.code == Tampered.exit
    assert "entry 1 has changed" in ran.err
    file.write_text("no export\n")
    assert homeostat("audit", "--file", file).code == BadStream.exit


def test_a_changed_log_is_told_of(homeostat: Run, shop: Path, store: Store) -> None:
    """An entry that somebody wrote over ends the command with an exit code of its own, and `verify` finds it too."""
    champion(store, "a")
    with store._database.write() as connection:
        connection.execute(text("UPDATE audit SET what = 'nothing' WHERE seq = 2"))
    ran = homeostat("audit", "--config", shop)
    assert ran.code == Tampered.exit
    assert "entry 2 has changed" in ran.err
    assert homeostat("verify", "--config", shop).code == Tampered.exit


@pytest.mark.parametrize("line", ["", '{"a": 1}\n', "[1]\n", '{"seq": 1, "seal": 7}\n'])
def test_what_is_no_export_is_told(homeostat: Run, tmp_path: Path, line: str) -> None:
    """Nothing, and lines that are no entries, also with `--head`; a folder is no file."""
    file = tmp_path / "audit.jsonl"
    file.write_text(line)
    for more in ((), ("--head", "0" * 64), ("--json",)):
        ran = homeostat("audit", "--file", file, *more)
        assert (ran.code, ran.out) == (BadStream.exit, "")
    assert homeostat("audit", "--file", tmp_path).code == NotText.exit

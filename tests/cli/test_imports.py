"""Importing a labeled stream."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from pathlib import Path

from cli.conftest import Run
from cli.scenes import champion, stream
from homeostat.config.load import load
from homeostat.errors import BadStream, NotReleasable
from homeostat.loop.workshop import Exam, Workshop
from homeostat.store import Store


def test_a_first_champion_and_a_suite(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """The history trains the first champion, the test rows become the suite; without splits there is nothing else. What
    a first import that was broken off has left there is not: its file may have been the wrong one.
    """
    file = stream(tmp_path / "s.jsonl.gz", 40)
    with closing(Workshop.open(load(small))) as before:
        before.put_suite("routing", [Exam(text="of a wrong file", target="refund", time=1.0)])
    ran = homeostat("import", file, "--task", "routing", "--config", small, "--json")
    assert ran.code == 0, ran.err
    assert "the first version is being trained" in ran.err
    done = ran.json
    assert (done["history"], done["test"], done["left_out"], done["labels"]) == (32, 8, 0, 2)
    shop = Workshop.open(load(small))
    assert shop.store.aliases.get("routing", "champion") == done["version"]
    assert len(shop.suite("routing")) == 8
    assert shop.store.versions.get(done["version"]).cost["steps"] == done["steps"]
    assert shop.store.verify() == []
    shop.close()
    again = homeostat("import", file, "--task", "routing", "--config", small)
    assert again.code == NotReleasable.exit
    assert "--rows-only" in again.err


def test_a_champion_is_not_founded_twice(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """A task that somebody answers keeps its champion and its suite."""
    champion(store, "first")
    ran = homeostat("import", stream(tmp_path / "s.jsonl"), "--config", shop)
    assert ran.code == NotReleasable.exit
    assert store.state.get("suite:routing") is None
    assert store.aliases.get("routing", "champion") == "ver_first"


def test_starting_over_is_moving_the_folder_away(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """As the refusal says: then another first import founds the task, and moving it back brings the old one back."""
    folder, before = small.parent / ".homeostat", small.parent / ".homeostat-before"
    asked = ("import", stream(tmp_path / "s.jsonl", 40), "--task", "routing", "--config", small)
    other = stream(tmp_path / "w.jsonl", 40)
    other.write_text(other.read_text().replace('"refund"', '"wrong"'))
    wrong = homeostat("import", other, *asked[2:], "--json").json
    assert wrong["labels"] == 2
    refused = homeostat(*asked)
    assert refused.code == NotReleasable.exit
    assert f"move {folder} away" in refused.err

    folder.rename(before)
    right = homeostat(*asked, "--json").json
    assert (right["labels"], right["test"]) == (2, 8)
    assert homeostat("verify", "--config", small).code == 0

    folder.rename(tmp_path / "second")
    before.rename(folder)
    assert wrong["version"] in homeostat("versions", "--config", small).out
    assert homeostat("verify", "--config", small).code == 0


def test_a_corrected_file_corrects_the_log(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """Wrong labels in the log are corrected by importing the same rows with the right ones."""
    for more in ({"label": "wrong"}, {}):
        homeostat("import", stream(tmp_path / "s.jsonl", 40, **more), "--config", shop, "--rows-only")
    pairs = store.interactions.labeled("routing")
    assert len(pairs) == 32
    assert {said.value for _, said in pairs} == {"refund", "delivery"}


def test_rows_enter_the_log_once(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """`--rows-only` stores requests with what was said of them; the same file again adds nothing."""
    file = stream(tmp_path / "s.jsonl", 40)
    first, second = (homeostat("import", file, "--config", shop, "--rows-only", "--json").json for _ in range(2))
    assert first == {"interactions": 32, "feedback": 32, "unknown_labels": 32, "test": 8}
    assert second == {"interactions": 0, "feedback": 0, "unknown_labels": 32, "test": 0}
    assert len(Workshop.open(load(shop)).suite("routing")) == 8
    pairs = store.interactions.labeled("routing")
    assert len(pairs) == 32
    assert {said.value for _, said in pairs} == {"refund", "delivery"}
    assert store.verify() == []


def test_what_was_done_in_a_table(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """Without `--json` the counts stand in a table, and the progress on the other channel."""
    ran = homeostat("import", stream(tmp_path / "s.jsonl", 40), "--config", shop, "--rows-only")
    assert ran.code == 0
    assert "imported into routing" in ran.out
    assert "interactions" in ran.out


def test_a_bad_file_changes_nothing(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """A line that is no JSON is an error with its number, and an empty log."""
    file = stream(tmp_path / "s.jsonl", 40)
    file.write_text(file.read_text() + "not json\n")
    ran = homeostat("import", file, "--config", shop, "--rows-only")
    assert ran.code == BadStream.exit
    assert "line 41" in ran.err
    assert store.interactions.count("routing") == 0


def test_a_first_champion_after_rows_alone(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """The test rows that came with `--rows-only` stay in the suite beside its own."""
    file, more = stream(tmp_path / "s.jsonl", 40), tmp_path / "more.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    others = [row | {"text": f"{row['text']} once more {k}"} for k, row in enumerate(rows)]
    more.write_text("".join(json.dumps(row) + "\n" for row in others))
    asked = ("--task", "routing", "--config", small, "--json")
    assert homeostat("import", more, *asked, "--rows-only").json["test"] == 8
    assert homeostat("import", file, *asked).json["test"] == 8
    with closing(Workshop.open(load(small))) as shop:
        assert Counter("once more" in exam.text for exam in shop.suite("routing")) == {True: 8, False: 8}
        assert shop.store.verify() == []


def test_a_task_of_text_learns_from_replies(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Its rows have a `reply` and no label; one that has only a label is told what it lacks."""
    file = tmp_path / "replies.jsonl"
    rows = [{"text": f"where is parcel {k}", "reply": f"on its way {k}", "time": 1000.0 + k} for k in range(10)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ("import", file, "--rows-only", "--config", small, "--json", "--task")
    done = homeostat(*asked, "replies").json
    assert (done["interactions"], done["feedback"], done["test"]) == (8, 8, 2)
    assert "no key 'label'" in homeostat(*asked, "routing").err
    file.write_text(json.dumps({"text": "a parcel", "label": "delivery", "time": 1.0}) + "\n")
    assert "this row has no `reply`" in homeostat(*asked, "replies").err


def test_a_file_that_is_not_there(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """An error that says so."""
    assert homeostat("import", tmp_path / "nothing.jsonl", "--config", shop).code == BadStream.exit


def test_history_and_test_rows_are_enough(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Nothing is replayed here, so a file needs no live rows; those it has are left out and counted."""
    rows = [json.loads(line) for line in stream(tmp_path / "s.jsonl", 40).read_text().splitlines()]
    marked = [row | {"split": "test" if k % 4 == 3 else "history"} for k, row in enumerate(rows)]
    marked[0]["split"] = "live"
    file = tmp_path / "marked.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in marked))
    done = homeostat("import", file, "--task", "routing", "--config", small, "--json").json
    assert (done["history"], done["test"], done["left_out"]) == (29, 10, 1)


def test_what_the_champion_learned_is_no_test(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """A row that was trained on does not join the suite when it comes again as a row for testing."""
    file = stream(tmp_path / "s.jsonl", 40)
    homeostat("import", file, "--task", "routing", "--config", small)
    rows = [json.loads(line) | {"split": "test"} for line in file.read_text().splitlines()]
    again = tmp_path / "again.jsonl"
    again.write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0] | {"text": "quite another thing"}]))
    done = homeostat("import", again, "--task", "routing", "--config", small, "--rows-only", "--json").json
    assert done["test"] == 1

"""What `erase` tells of a plan, of what was done, and of what is left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli.scenes import START, champion, version
from homeostat.cli.erasing import WORDS, done_with, lines, told_of, told_of_check, told_of_plan
from homeostat.config.load import load
from homeostat.errors import NotErased, NotText
from homeostat.loop.undoing.erase import Erased, Plan
from homeostat.loop.workshop import Workshop
from homeostat.store import Store
from homeostat.store.remains import Remains
from homeostat.store.traces import Traces
from homeostat.types.dataset import Dataset

NONE = Remains(looked_for=3, too_short=1, files=9, bytes=900)
TRACES = Traces(user="frank@example.com", matched={"episode": 2}, interactions=frozenset({"int_1", "int_2"}))
DONE = Erased(
    rows=4, datasets={"dst_a": "dst_b"}, flagged={"ver_a": "t"}, removed={}, blobs=2, blocked="", remains=NONE
)


def test_lines_with_words_in_them(tmp_path: Path) -> None:
    """Empty ones are no texts, and no file is none."""
    (tmp_path / "words.txt").write_text("one text\n\n   \nanother ä\n", encoding="utf-8")
    assert lines(tmp_path / "words.txt") == ["one text", "another ä"]
    assert lines(None) == []
    with pytest.raises(NotText, match="cannot be read"):
        lines(tmp_path)


def test_a_plan_is_told_with_its_ways(shop: Path, store: Store) -> None:
    """What is found and by what, which versions, where a way back leads, and from where a version is made again."""
    store.datasets.put(Dataset(id="dst_1", task="routing", time=START, blob=""))
    champion(store, "old")
    version(store, "new", parent="ver_old", dataset="dst_1")
    planned = Plan(
        traces=TRACES,
        datasets={"dst_1": 2},
        flagged={"ver_new": "routing"},
        clean={"routing": "ver_old"},
        exported=("ver_new",),
    )
    opened = Workshop.open(load(shop))
    said, left = told_of_plan(opened, planned)
    nothing, _ = told_of_plan(opened, Plan(traces=Traces(user="nobody")))
    opened.close()
    assert left is None
    assert (said["requests"], said["found_by"], said["dataset_rows"]) == (2, {"episode": 2}, {"dst_1": 2})
    assert said["withdraw_to"] == {"routing": "ver_old"}
    assert said["retrain"] == {"ver_new": "1 training from ver_old"}
    assert said["archived"] == ["ver_new"]
    assert "--yes" in said["done"]
    assert set(WORDS) <= {*said, *told_of(opened, Plan(traces=TRACES), DONE, {}, {})[0]}
    assert nothing["done"] == "nothing, for there is nothing to do"


def test_what_was_done_is_told_without_the_name(shop: Path) -> None:
    """A hash stands for the user; a version that goes on answering is named, with what was made in its stead."""
    opened = Workshop.open(load(shop))
    said, left = told_of(opened, Plan(traces=TRACES), DONE, {}, {"ver_a": "ver_b"})
    opened.close()
    assert left is None
    assert said["user"] == TRACES.name
    assert "frank" not in str(said)
    assert all(name.isidentifier() for name in said)
    assert said["answer_on"] == ["ver_a"]
    assert (said["made_again"], said["datasets_rebuilt"], said["looked_for"]) == (
        {"ver_a": "ver_b"},
        {"dst_a": "dst_b"},
        3,
    )


def test_what_is_left_names_where_and_what_to_do(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file in use comes first, then what was found, then what could not be opened; without any there is no error."""
    opened = Workshop.open(load(shop))
    found = replace(NONE, found={"a/file.txt": 2, "b": 1}, unread=("c.zst: packed",))
    _, blocked = told_of(opened, Plan(traces=TRACES), replace(DONE, blocked="locked", remains=found), {}, {})
    _, there = told_of(opened, Plan(traces=TRACES), replace(DONE, remains=found), {}, {})
    opened.close()
    assert blocked is not None
    assert there is not None
    assert "locked" in blocked[0]
    assert "stop what runs" in blocked[2]
    assert there[:2] == ("texts are left in 2 files", "a/file.txt")
    closed = told_of_check(replace(NONE, unread=("c.zst: packed",)))
    assert closed[1] == ("1 files could not be looked into", "c.zst: packed", "look at them yourself")
    with pytest.raises(NotErased, match="could not be looked into"):
        done_with("found", closed, as_json=True)
    assert '"unread"' in capsys.readouterr().out
    done_with("found", told_of_check(NONE), as_json=False)
    assert "files looked through" in capsys.readouterr().out

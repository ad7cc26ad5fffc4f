"""Windows of a log are the rows that a command line names, oldest first."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cli.scenes import START, champion, request, version
from homeostat.cli.windows import read, told_hours
from homeostat.errors import BadWindow, UnknownKey
from homeostat.monitor.hours import Hours
from homeostat.store import Store
from homeostat.types.interaction import Interaction, Role


@pytest.fixture
def log(shop: Path, store: Store) -> Path:
    """Forty requests a second apart, the first fifteen answered by another version, and a shadow copy."""
    first, second = version(store, "old"), champion(store, "new")
    for number in range(40):
        request(store, number, first.id if number < 15 else second.id)
    copy = Interaction(
        id="int_copy", task="routing", time=START + 39.5, text="?", reply="", version="ver_c", role=Role.SHADOW
    )
    store.interactions.add([copy])
    return shop


def numbers(rows: list[Interaction]) -> list[int]:
    """Their numbers."""
    return [int(row.id.removeprefix("int_")) for row in rows]


@pytest.mark.parametrize(
    ("reference", "current", "before", "after"),
    [
        ("before:10", "last:10", range(20, 30), range(30, 40)),
        ("before:1000", "last:5", range(35), range(35, 40)),
        ("first:8", "last:1_000", range(8), range(40)),
        ("first:8", "last:1,000", range(8), range(40)),
        ("version:ver_old", "version:ver_new", range(15), range(15, 40)),
        ("before:4", "version:ver_new", range(11, 15), range(15, 40)),
        ("..2023-11-14T22:13:25", "2023-11-14T22:13:50..", range(5), range(30, 40)),
        ("2023-11-14T22:13:22..2023-11-14T22:13:25+00:00", "first:3", range(2, 5), range(3)),
        ("..", "version:nobody", range(40), range(0)),
        ("before:5", "version:nobody", range(0), range(0)),
    ],
)
def test_what_a_window_means(log: Path, reference: str, current: str, before: range, after: range) -> None:
    """Newest, oldest, those just before the current window, a version's, and between two dates, the second excluded.
    Shadow copies are nobody's traffic.
    """
    task, older, newer = read(log, "", reference, current)
    assert task == "routing"
    assert numbers(older) == list(before)
    assert numbers(newer) == list(after)


@pytest.mark.parametrize(
    "window", ["", "last", "last:", "last:-5", "last:many", "newest:5", "2026", "before:5", "last:5.jsonx"]
)
def test_a_window_that_is_none(log: Path, window: str) -> None:
    """An error that names the option and says what can be written; there is nothing before the current window
    itself.
    """
    with pytest.raises(BadWindow, match="names no window") as caught:
        read(log, "", "first:5", window)
    assert caught.value.where == "--current"
    assert "last:N" in caught.value.fix


def test_a_date_that_is_none(log: Path) -> None:
    """An error that names the option and shows a date."""
    with pytest.raises(BadWindow, match="'yesterday' is no date") as caught:
        read(log, "", "yesterday..2026-01-01", "last:5")
    assert caught.value.where == "--reference"
    assert "2026-01-31" in caught.value.fix


def test_a_task_that_is_none(log: Path) -> None:
    """As for every command."""
    with pytest.raises(UnknownKey):
        read(log, "routin", "before:5", "last:5")


@pytest.mark.parametrize(("a", "b"), [("a.jsonl", "b.jsonl.gz"), ("file:plain.txt", "file:b.jsonl.gz")])
def test_two_files_need_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, a: str, b: str) -> None:
    """Told by how they end, or called a file; read as they are, each on its own, wherever one stands."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jsonl", "plain.txt", "b.jsonl.gz"):
        text = f'{{"text": "{name[0]}"}}\n'.encode()
        Path(name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    name, before, after = read(tmp_path / "none.yaml", "", a, b)
    assert name == f"{a} → {b}"
    assert (before[0].text, after[0].text) == (a.removeprefix("file:")[0], "b")
    assert before[0].id != after[0].id


def test_a_file_beside_a_log(log: Path, tmp_path: Path) -> None:
    """One window may be a file and the other of the log; before a file is before its first time."""
    path = tmp_path / "new.jsonl"
    path.write_text(f'{{"text": "a", "time": {START + 25}}}\n{{"text": "b", "time": {START + 9}}}\n')
    _, before, after = read(log, "", "before:3", str(path))
    assert numbers(before) == [6, 7, 8]
    assert [row.text for row in after] == ["b", "a"]
    assert numbers(read(log, "", str(path), "last:2")[2]) == [38, 39]


@pytest.mark.parametrize(
    ("written", "window", "hours"),
    [
        ("before:1000", "before:1000", Hours.AUTO),
        ("before:1000@any", "before:1000", Hours.ANY),
        ("2026-01-01..2026-02-01@week", "2026-01-01..2026-02-01", Hours.WEEK),
        ("march.jsonl@day", "march.jsonl", Hours.DAY),
        ("logs@home/march.jsonl", "logs@home/march.jsonl", Hours.AUTO),
    ],
)
def test_hours_stand_behind_the_reference(written: str, window: str, hours: Hours) -> None:
    """After an @; a path may hold one too."""
    assert told_hours(written) == (window, hours)


def test_hours_that_nobody_knows_are_told() -> None:
    """With those that there are, and the nearest."""
    with pytest.raises(BadWindow, match=r"'@weak' names no hours") as told:
        told_hours("before:1000@weak")
    assert "did you mean 'week'?" in told.value.fix

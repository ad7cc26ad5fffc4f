"""The table of bars shows what was measured, and what was not."""

from __future__ import annotations

import io
import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

SCRIPT = Path(__file__).parents[2] / "bench" / "bars.py"
LINE = {"bar": "loop.1", "value": 0.5, "interval": [0.4, 0.6], "n": 10, "goal": 0.4, "met": True, "seconds": 1.0}


@pytest.fixture(scope="module")
def bars() -> dict[str, Any]:
    """The names that the script defines."""
    return runpy.run_path(str(SCRIPT), run_name="bars")


def write(folder: Path, name: str, program: str) -> Path:
    """A script of a bar."""
    path = folder / name
    path.write_text(program, encoding="utf-8")
    return path


def test_finds_every_bar_in_order(bars: dict[str, Any], tmp_path: Path) -> None:
    """A script makes a bar, promised ones without a script are named, and ten comes after nine."""
    for name in ("loop_2.py", "loop_10.py", "bars.py", "pool.py"):
        write(tmp_path, name, "")
    found = bars["scripts"](tmp_path)
    others = [f"{group}.{k}" for group, n in (("prove", 10), ("train", 8), ("watch", 8)) for k in range(1, n + 1)]
    assert list(found) == [*(f"loop.{k}" for k in range(1, 9)), "loop.10", *others]
    assert [bar for bar, path in found.items() if path] == ["loop.2", "loop.10"]


def test_reads_what_a_bar_printed(bars: dict[str, Any], tmp_path: Path) -> None:
    """Every JSON line of a bar is a row, whatever else it printed."""
    script = write(tmp_path, "loop_1.py", f"print('begun'); print({json.dumps(LINE)!r}); print({json.dumps(LINE)!r})")
    rows = bars["measure"]("loop.1", script, full=False)
    assert [row.line for row in rows] == [LINE, LINE]
    assert all(row.met for row in rows)


def test_runs_quick_unless_full(bars: dict[str, Any], tmp_path: Path) -> None:
    """A bar is told to be quick, and is told nothing when the full run is wanted."""
    program = f"import json, sys; print(json.dumps({{**{LINE!r}, 'value': sys.argv[1:]}}))"
    script = write(tmp_path, "loop_1.py", program)
    assert bars["measure"]("loop.1", script, full=False)[0].line["value"] == ["--quick"]
    assert bars["measure"]("loop.1", script, full=True)[0].line["value"] == []


def test_a_bar_of_days_goes_on_from_its_ledger(bars: dict[str, Any], tmp_path: Path) -> None:
    """The full run is told the folder that is committed beside its result, and so is whoever repeats it."""
    program = f"import json, sys; print(json.dumps({{**{LINE!r}, 'value': sys.argv[1:]}}))"
    script = write(tmp_path, "train_1.py", program)
    (row,) = bars["measure"]("train.1", script, full=True)
    flag, folder = row.line["value"]
    assert (flag, Path(folder)) == ("--ledger", SCRIPT.parent / "results" / "train.1")
    assert list(Path(folder).glob("*.jsonl"))
    assert bars["measure"]("train.1", script, full=False)[0].line["value"] == ["--quick"]
    bars["keep"]("train.1", [row], tmp_path)
    kept = json.loads((tmp_path / "train.1.json").read_text(encoding="utf-8"))
    assert kept["command"] == "python bench/train_1.py --ledger bench/results/train.1"


def test_a_bar_that_is_cut_off_says_whether_it_goes_on(
    bars: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a ledger it does."""
    monkeypatch.setitem(bars["measure"].__globals__, "LIMIT_S", 1)
    for bar, more in (("loop.1", ""), ("train.1", "; run it again, it goes on where it stood")):
        (row,) = bars["measure"](bar, write(tmp_path, "slow.py", "import time; time.sleep(60)"), full=True)
        assert row.trouble == f"failed: not done after 1 s{more}"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise SystemExit(3)", "failed: it ended with 3, its messages are above"),
        ("print('all is well')", "failed: it printed no result"),
        ('print(\'{"bar": "loop.1", "value": 1}\')', "failed: its line lacks interval, n, goal, met, seconds"),
    ],
)
def test_a_bar_that_measures_nothing_says_so(bars: dict[str, Any], tmp_path: Path, program: str, said: str) -> None:
    """A bar that fails, is silent or prints half a line is in trouble, and never met."""
    rows = bars["measure"]("loop.1", write(tmp_path, "loop_1.py", program), full=False)
    assert [(row.trouble, row.met) for row in rows] == [(said, False)]


def test_a_bar_without_a_script_is_missing(bars: dict[str, Any]) -> None:
    """A promised bar that has no script is shown and not met."""
    (row,) = bars["measure"]("loop.7", None, full=False)
    assert row.trouble.startswith("missing")
    assert not row.met


def test_the_table_shows_all_of_it(bars: dict[str, Any]) -> None:
    """Figures stand in their columns, and a missing bar in its own row."""
    rows = [bars["Row"](bar="loop.1", line=LINE), bars["Row"](bar="loop.2", trouble="missing: no script")]
    console = Console(file=io.StringIO(), width=120)
    console.print(bars["table"](rows))
    assert isinstance(console.file, io.StringIO)
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    assert ["loop.1", "│", "0.5", "│", "0.4", "to", "0.6", "│", "10", "│", "0.4", "│", "yes", "│", "1"] in lines
    assert any(line[:3] == ["loop.2", "│", "missing"] and "no" in line for line in lines)


def test_a_kept_result_can_be_made_again(bars: dict[str, Any], tmp_path: Path) -> None:
    """A full result is written with its date, its command and the machine."""
    bars["keep"]("loop.1", [bars["Row"](bar="loop.1", line=LINE)], tmp_path / "results")
    kept = json.loads((tmp_path / "results" / "loop.1.json").read_text(encoding="utf-8"))
    assert kept["lines"] == [LINE]
    assert kept["command"] == "python bench/loop_1.py"
    assert set(kept["machine"]) == {"processor", "cores", "system", "python", "torch", "homeostat"}
    assert len(kept["date"]) == 10


def test_what_is_kept_of_a_part_is_not_met(bars: dict[str, Any], tmp_path: Path) -> None:
    """A quick run, or one of some methods, keeps its figures and meets nothing; a full one stays as it is."""
    lines = [LINE | {"quick": True}, LINE | {"quick": False, "only": ["order"]}, LINE | {"quick": False, "only": []}]
    bars["keep"]("loop.1", [bars["Row"](bar="loop.1", line=line) for line in lines], tmp_path)
    kept = json.loads((tmp_path / "loop.1.json").read_text(encoding="utf-8"))["lines"]
    assert [line["met"] for line in kept] == [False, False, True]
    assert [line["value"] for line in kept] == [LINE["value"]] * 3


def test_no_result_in_the_tree_is_met_by_a_part(bars: dict[str, Any]) -> None:
    """Of all results that are committed."""
    lines = [
        (path.name, line)
        for path in (SCRIPT.parent / "results").rglob("*.json")
        for line in json.loads(path.read_text(encoding="utf-8")).get("lines", [])
    ]
    assert len(lines) > 30
    assert [name for name, line in lines if bars["settled"](line) != line] == []

"""The bar of proofs counts what passed, and nothing that did not run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "bench"))

from house.source import ROOT, script
from shown import OTHERS, Shown

BAR = script("bench/train_4.py")
REPORT = """<testsuites><testsuite>
<testcase file="tests/a.py" name="test_one[x]" time="1.5"><properties>
<property name="effect" value='{"of": "share", "value": 0.41234, "interval": [0.30001, 0.5], "n": 5, "over": "draws"}'/>
</properties></testcase>
<testcase file="tests/a.py" name="test_one[y]" time="0.5"><failure message="no"/></testcase>
<testcase file="tests/b.py" name="test_two" time="0.5"><skipped message="not there"/></testcase>
<testcase file="tests/c.py" name="test_three" time="0.5"/>
</testsuite></testsuites>"""
ONE, TWO, THREE = "tests/a.py::test_one", "tests/b.py::test_two", "tests/c.py::test_three"


def test_every_method_has_tests() -> None:
    """Methods are named with their shelf, and `--only` takes a shelf or a method."""
    assert len(BAR["proofs"]()) > 40
    assert list(BAR["proofs"](["adapt.lora"])) == ["adapt.lora"]
    assert len(BAR["proofs"](["difficulty"])) == 4


def test_what_did_not_pass_does_not_count() -> None:
    """Failed, skipped and missing tests are told apart, no method of theirs counts, and a test is all its cases."""
    ran = BAR["read"](REPORT)
    methods = {"w.x": [f"{ONE}[x]"], "w.all": [ONE], "w.two": [THREE, TWO], "w.none": ["tests/d.py::test_d"]}
    found = BAR["line"](methods, ran, "", quick=False)
    outcomes = {name: said["outcome"] for name, said in found["methods"].items()}
    assert outcomes == {"w.x": "passed", "w.all": "failed", "w.two": "skipped", "w.none": "not there"}
    assert (found["value"], found["n"], found["met"]) == (0.25, 4, False)
    assert found["methods"]["w.x"]["interval"] == [0.3, 0.5]


def test_a_method_that_shows_nothing_is_named() -> None:
    """All tests pass and one takes no effect down: the bar is not met, but in a quick run, and it says who."""
    ran = BAR["read"](REPORT)
    methods = {"w.x": [f"{ONE}[x]"], "w.three": [THREE]}
    found = BAR["line"](methods, ran, "", quick=False)
    assert (found["value"], found["met"], found["without_a_sure_effect"]) == (1.0, False, ["w.three"])
    assert BAR["line"](methods, ran, "", quick=True)["met"]
    assert not BAR["line"](methods, ran, "pytest ended with 4", quick=True)["met"]


def test_a_quick_run_is_held_to_what_it_ran() -> None:
    """Of a method with a slow proof beside a quick one the quick one counts, and has to pass."""
    ran = BAR["read"](REPORT)
    slow = "tests/d.py::test_d"
    assert BAR["line"]({"w.x": [f"{ONE}[x]", slow]}, ran, "", quick=True)["value"] == 1.0
    assert BAR["line"]({"w.y": [f"{ONE}[y]", slow]}, ran, "", quick=True)["value"] == 0.0
    assert BAR["line"]({"w.x": [f"{ONE}[x]", slow]}, ran, "", quick=False)["value"] == 0.0


def test_draws_begin_where_that_is_asked_for() -> None:
    """A proof takes its own draws; where it is asked for more, others than those, from the tenth on or a later one."""
    told: list[object] = []
    of = {"note": lambda name, value: told.append(value)}
    assert Shown(0, **of).draws(3) == range(3)
    assert Shown(5, **of).draws(3) == range(OTHERS, OTHERS + 5)
    assert Shown(5, **of, first=15).draws(3) == range(15, 20)
    Shown(2, **of).over("share", [0.25, 0.5])
    assert json.loads(str(told[0]))["value"] == 0.375


def test_a_quick_run_leaves_out_what_is_slow() -> None:
    """Methods without a quick proof are left out and counted; where none is left, nothing is met."""
    ran = BAR["read"](REPORT)
    found = BAR["line"]({"w.x": [f"{ONE}[x]"], "w.slow": ["tests/d.py::test_d"]}, ran, "", quick=True)
    assert (found["n"], found["left_out"], found["met"]) == (1, 1, True)
    assert not BAR["line"]({"w.slow": ["tests/d.py::test_d"]}, ran, "", quick=True)["met"]


@pytest.mark.slow
def test_the_bar_prints_one_json_line() -> None:
    """A real proof with two other draws: it passes, and its effect has an interval."""
    command = [sys.executable, "bench/train_4.py", "--only", "difficulty.given", "--draws", "2"]
    done = subprocess.run(command, cwd=Path(ROOT), capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert (told["bar"], told["value"], told["n"], told["first"]) == ("train.4", 1.0, 1, OTHERS)
    said = told["methods"]["difficulty.given"]
    assert said["interval"][0] < said["value"] < said["interval"][1]
    assert (said["n"], said["over"]) == (2, "draws")

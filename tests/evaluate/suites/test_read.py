"""From a YAML file to a suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.errors import HomeostatError, NotText, UnknownKey, UnknownPlugin, WrongType
from homeostat.evaluate.suites.read import read, strange
from homeostat.types.suite import Case, Suite
from homeostat.types.task import Kind, Task

TASKS = {"routing": Task(name="routing"), "replies": Task(name="replies", kind=Kind.TEXT)}


def task(name: str) -> Task:
    return TASKS[name or "routing"]


def written(folder: Path, text: str) -> Path:
    file = folder / "golden.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_everything_that_a_suite_can_say(tmp_path: Path) -> None:
    """Cases here and in a file beside it, checks of the suite and of a case, disturbances and demands."""
    (tmp_path / "more.jsonl").write_text('{"text": "Where is it?", "expect": "delivery"}\n\n', encoding="utf-8")
    file = written(
        tmp_path,
        """
suite: golden
cases:
  - {text: I want my money back, expect: refund}
  - {text: Order 7, expect: '^del', check: matches}
file: more.jsonl
test_rows: 50
under: [typos, shouted]
margin: 0.03
at_least: 1
""",
    )
    assert read(file, task) == Suite(
        name="golden",
        task="routing",
        check="equals",
        cases=(
            Case(text="I want my money back", expect="refund"),
            Case(text="Order 7", expect="^del", check="matches"),
            Case(text="Where is it?", expect="delivery"),
        ),
        test_rows=50,
        under=("typos", "shouted"),
        margin=0.03,
        at_least=1.0,
    )


def test_cases_that_share_a_frame_say_so(tmp_path: Path) -> None:
    """In the file and in JSON lines; a family counts once, a case without one by itself."""
    (tmp_path / "more.jsonl").write_text('{"text": "c", "expect": "d", "family": "two"}\n', encoding="utf-8")
    cases = "[{text: a, expect: b, family: two}, {text: e, expect: f}, {text: g, expect: h}]"
    suite = read(written(tmp_path, f"suite: a\ncases: {cases}\nfile: more.jsonl\n"), task)
    assert [case.family for case in suite.cases] == ["two", "", "", "two"]
    assert (len(suite.cases), suite.worth) == (4, 3)


def test_a_task_of_texts_is_checked_as_one(tmp_path: Path) -> None:
    """Where nothing is said, by how far the reply agrees."""
    file = written(tmp_path, "suite: a\ntask: replies\ncases: [{text: hi, expect: hello}]\n")
    assert read(file, task).check == "agrees"


def test_a_reply_may_have_to_change(tmp_path: Path) -> None:
    """Of test rows and cases, which then expect nothing."""
    suite = read(written(tmp_path, "suite: a\ncheck: changes\ntest_rows: 40\nunder: [negated]\n"), task)
    assert (suite.check, suite.under, suite.test_rows) == ("changes", ("negated",), 40)
    file = written(tmp_path, "suite: a\ncheck: changes\ncases: [{text: Pay it}]\nunder: [negated]\n")
    assert read(file, task).cases[0].expect == ""


def test_cases_may_come_by_themselves(tmp_path: Path) -> None:
    """Of what was fixed; asked as they are, and under what is named."""
    suite = read(written(tmp_path, "suite: a\nfixed: 40\nunder: [typos]\n"), task)
    assert (suite.fixed, suite.cases, suite.check, suite.under) == (40, (), "equals", ("typos",))


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("suite: golden\n", WrongType, "nothing to ask"),
        ("suite: a b\ntest_rows: 3\n", WrongType, "has a name"),
        ("suite: a\ncase: [{text: x}]\n", UnknownKey, "line 2"),
        ("suite: a\ncases: [{txt: x}]\n", UnknownKey, "txt"),
        ("suite: a\ncases: {text: x}\n", WrongType, "a list"),
        ("suite: a\ncases: [{text: x}]\n", WrongType, "case 0 expects nothing"),
        ("suite: a\ncases: [{text: ' ', expect: y}]\n", WrongType, "case 0 asks nothing"),
        ("suite: a\ncheck: equal\ncases: [{text: x, expect: y}]\n", UnknownPlugin, "equals"),
        ("suite: a\ntest_rows: 9\nunder: [typo]\n", UnknownPlugin, "typos"),
        ("suite: a\ntest_rows: 9\n", WrongType, "disturbed only"),
        ("suite: a\ncheck: matches\ncases: [{text: x, expect: '('}]\n", WrongType, "no regular expression"),
        ("suite: a\ncheck: schema\ncases: [{text: x, expect: '{\"type\": 7}'}]\n", WrongType, "no JSON schema"),
        ("suite: a\ncheck: schema\ntest_rows: 9\nunder: [typos]\n", WrongType, "test rows have"),
        ("suite: a\ncheck: same\ncases: [{text: x}]\n", WrongType, "disturbed"),
        ("suite: a\ncheck: same\nfixed: 9\n", WrongType, "disturbed"),
        ("suite: a\ncheck: changes\ncases: [{text: x}]\n", WrongType, "has to be disturbed"),
        ("suite: a\ntest_rows: 9\nunder: [negated]\n", WrongType, "turns what is right"),
        ("suite: a\ncheck: changes\ncases: [{text: x, check: json}]\nunder: [negated]\n", WrongType, "turns what"),
        ("suite: a\ncheck: schema\nfixed: 9\n", WrongType, "no schema"),
        ("suite: a\nmargin: 2\ntest_rows: 9\n", WrongType, "margin"),
        ("suite: a\nfile: gone.jsonl\n", NotText, "gone.jsonl"),
        ("suite: [\n", WrongType, "not YAML"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, error: type[HomeostatError], says: str) -> None:
    """What, and where."""
    with pytest.raises(error, match=says) as told:
        read(written(tmp_path, text), task)
    assert "golden.yaml" in str(told.value) or says in str(told.value)


@pytest.mark.parametrize("line", ["{", "[]", '{"text": 3}', '{"text": "a", "wants": "b"}'])
def test_a_line_that_is_no_case_is_told_by_its_number(tmp_path: Path, line: str) -> None:
    """The second one."""
    (tmp_path / "more.jsonl").write_text('{"text": "a", "expect": "b"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(WrongType, match=r"more\.jsonl line 2"):
        read(written(tmp_path, "suite: a\nfile: more.jsonl\n"), task)


def test_a_reply_that_no_version_can_give_is_told() -> None:
    """With the label that was meant; what the task abstains with is a reply, and texts are anything."""
    labels = ("refund", "refnud", "people", "refnud")
    cases = tuple(Case(text=f"row {k}", expect=label) for k, label in enumerate(labels))
    suite = Suite(
        name="golden", task="routing", check="equals", cases=(*cases, Case(text="x", expect="r", check="lacks"))
    )
    people, refund = strange(suite, TASKS["routing"], ("refund", "delivery"))
    assert people.startswith("1 of 5 cases expect 'people', which is no label of 'routing' yet")
    assert refund.startswith("2 of 5 cases expect 'refnud'")
    assert "did you mean 'refund'" in refund
    desk = Task(name="routing", labels=("refnud",), unsure_below=0.5, unsure_reply="people")
    assert strange(suite, desk, ("refund", "delivery")) == []
    assert strange(suite, TASKS["routing"], ()) == []  # nobody has said yet what labels there are
    assert strange(suite, TASKS["replies"], ("refund",)) == []


def test_many_strange_replies_are_told_in_one_sentence() -> None:
    """As of a suite that was written for another task."""
    cases = tuple(Case(text=f"row {k}", expect=f"label_{k % 7}") for k in range(20))
    suite = Suite(name="golden", task="routing", check="equals", cases=(*cases, Case(text="x", expect="refund")))
    (told,) = strange(suite, TASKS["routing"], ("refund",))
    assert told.startswith("20 of 21 cases expect one of 7 replies that are no label of 'routing' yet ('label_0', ")


def test_what_a_value_should_be_stands_on_the_page_of_suites(tmp_path: Path) -> None:
    """And not on that of the knobs."""
    with pytest.raises(WrongType, match="margin must be at most 1") as told:
        read(written(tmp_path, "suite: a\nmargin: 3\n"), task)
    assert "docs/how-to/suites.md" in told.value.fix
    assert "configuration.md" not in told.value.fix


def test_a_folder_of_benchmarks_lies_beside_the_file(tmp_path: Path) -> None:
    """It is enough to ask; one that is not there is told, and so are documents of nothing."""
    (tmp_path / "tasks").mkdir()
    file = tmp_path / "general.yaml"
    file.write_text("suite: general\nbenchmarks: tasks\ndocuments: 200\nmargin: 0.02\n")
    suite = read(file, task)
    assert (suite.benchmarks, suite.documents, suite.margin, suite.cases) == (str(tmp_path / "tasks"), 200, 0.02, ())
    file.write_text("suite: general\nbenchmarks: nowhere\n")
    with pytest.raises(NotText, match="no folder of task files"):
        read(file, task)
    file.write_text("suite: general\ndocuments: 200\ncases: [{text: a, expect: b}]\n")
    with pytest.raises(WrongType, match="documents are those of benchmarks"):
        read(file, task)

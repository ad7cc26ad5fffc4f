"""`homeostat suites add`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import champion
from harness import write_task
from homeostat.errors import MissingExtra, NotFound, NotText, UnknownKey, WrongType
from homeostat.loop.proving import benchmarks
from homeostat.loop.proving.suites import suites
from homeostat.store import Store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "golden.yaml"
    file.write_text("suite: golden\ncases: [{text: a, expect: b}]\nunder: [typos]\nat_least: 1\n")
    return file


def test_added_once(homeostat: Run, shop: Path, store: Store, file: Path) -> None:
    """And as it was the second time; the only task is meant where none is named."""
    document = homeostat("suites", "add", file, "--json", "--config", shop).json
    assert (document["changed"], document["parts"]) == (True, ["suite golden", "suite golden under typos"])
    assert "as it was" in homeostat("suites", "add", file, "--config", shop).out
    assert [suite.name for suite in suites(store, "routing")] == ["golden"]


def test_a_dry_run_changes_nothing(homeostat: Run, shop: Path, store: Store, file: Path) -> None:
    """It reads the file."""
    assert "read" in homeostat("suites", "add", file, "--dry-run", "--config", shop).out
    assert suites(store, "routing") == []


def test_how_many_families_its_cases_are_is_told(homeostat: Run, shop: Path, file: Path) -> None:
    """Where some share a frame, and not where each stands by itself."""
    assert "families" not in homeostat("suites", "add", file, "--dry-run", "--config", shop).out
    file.write_text("suite: golden\ncases: [{text: a, expect: b, family: x}, {text: c, expect: d, family: x}]\n")
    assert "families of cases" in homeostat("suites", "add", file, "--dry-run", "--config", shop).out


def test_a_label_that_nobody_knows_is_told(homeostat: Run, shop: Path, store: Store, file: Path) -> None:
    """A typing error in a golden suite would guard nothing for ever; it is added all the same, for labels come."""
    champion(store, "old", labels=("refund", "delivery"))
    file.write_text("suite: golden\ncases: [{text: a, expect: refnud}]\n")
    ran = homeostat("suites", "add", file, "--dry-run", "--config", shop)
    assert (ran.code, "did you mean 'refund'" in ran.err) == (0, True)
    (warning,) = homeostat("suites", "add", file, "--json", "--config", shop).json["warnings"]
    assert warning in ran.err
    assert len(suites(store, "routing")) == 1


def test_a_task_that_there_is_not(homeostat: Run, shop: Path, store: Store, file: Path) -> None:
    """An error that names the file, and nothing is added."""
    file.write_text(file.read_text() + "task: rooting\n")
    ran = homeostat("suites", "add", file, "--config", shop)
    assert ran.code == UnknownKey.exit
    assert "golden.yaml" in ran.err
    assert suites(store, "routing") == []


def test_a_built_in_suite_says_what_it_shows_and_what_it_does_not(homeostat: Run, shop: Path, store: Store) -> None:
    """Added with one command; the right reply where only the project knows it."""
    out = homeostat("suites", "add", "builtin:paraphrase", "--config", shop).out
    assert "suite paraphrase: added" in out
    assert "does not show" in out
    document = homeostat("suites", "add", "builtin:out-of-scope", "--expect", "other", "--json", "--config", shop).json
    assert document["suite"]["cases"][0]["expect"] == "other"
    assert document["scope"]["silent"]
    assert [suite.name for suite in suites(store, "routing")] == ["out-of-scope", "paraphrase"]
    assert len(document["suite"]["cases"]) == 278
    assert homeostat("suites", "add", "builtin:jailbreak", "--config", shop).code == NotFound.exit
    assert "did you mean `builtin:paraphrase`?" in homeostat("suites", "add", "paraphrase", "--config", shop).err


def test_a_file_says_itself_what_is_right(homeostat: Run, shop: Path, store: Store, file: Path) -> None:
    """What is meant for built-in suites is refused beside one."""
    ran = homeostat("suites", "add", file, "--expect", "other", "--config", shop)
    assert ran.code == WrongType.exit
    assert suites(store, "routing") == []
    forgotten = homeostat("suites", "add", "injection", "--task", "routing", "--config", shop)
    assert forgotten.code == NotText.exit
    assert "`builtin:injection`" in forgotten.err


def test_long_input_and_other_languages(homeostat: Run, shop: Path) -> None:
    """Both are of test rows under disturbances of their own, each a part; the sample's languages are cases."""
    document = homeostat("suites", "add", "builtin:long-input", "--json", "--config", shop).json
    lengths = ("buried_50", "buried_200", "buried_800", "buried_4000", "ahead_4000")
    assert document["parts"] == [f"suite long-input under {name}" for name in lengths]
    out = homeostat("suites", "add", "builtin:other-language", "--config", shop).out
    assert "from end to end" in out
    german = homeostat("suites", "add", "builtin:sample-german", "--json", "--config", shop).json
    assert len(german["suite"]["cases"]) == 58
    assert homeostat("suites", "--json", "--config", shop).json["versions"].keys() == {
        "long-input",
        "other-language",
        "sample-german",
    }


def test_a_folder_of_benchmarks(
    homeostat: Run, shop: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its tasks is a part, known by the content of the files; without the harness nothing is added."""
    pytest.importorskip("lm_eval")
    for name in ("long", "short"):
        write_task(tmp_path / "tasks", name, [("a", "b")])
    file = tmp_path / "general.yaml"
    file.write_text("suite: general\nbenchmarks: tasks\ndocuments: 200\n")

    def missing(package: str, reason: str, *, extra: str) -> None:
        raise MissingExtra(f"{package} is needed {reason}", fix=f"pip install 'homeostat[{extra}]'")

    with monkeypatch.context() as patch:
        patch.setattr(benchmarks, "require", missing)
        ran = homeostat("suites", "add", file, "--config", shop)
        assert (ran.code, "homeostat[eval]" in ran.err) == (MissingExtra.exit, True)
    assert suites(store, "routing") == []
    document = homeostat("suites", "add", file, "--json", "--config", shop).json
    assert document["parts"] == ["suite general on long", "suite general on short"]
    assert len(document["suite"]["files"]) == 64
    assert "tasks, 200 documents of each" in homeostat("suites", "--config", shop).out
    (tmp_path / "tasks" / "short.jsonl").write_text("{}\n")
    assert homeostat("suites", "add", file, "--json", "--config", shop).json["changed"]


def test_data_of_benchmarks_that_are_not_there(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """An error that names them, and nothing is added; what only the harness can tell is a warning."""
    pytest.importorskip("lm_eval")
    write_task(tmp_path / "tasks", "short", [("a", "b")])
    file, data = tmp_path / "general.yaml", tmp_path / "tasks" / "short.jsonl"
    file.write_text("suite: general\nbenchmarks: tasks\n")
    said = data.read_bytes()
    data.unlink()
    ran = homeostat("suites", "add", file, "--config", shop)
    assert (ran.code, "the data of task 'short' are not there" in ran.err, str(data) in ran.err) == (23, True, True)
    assert suites(store, "routing") == []
    data.write_bytes(said)
    (tmp_path / "tasks" / "far.yaml").write_text("task: far\ndataset_path: somebody/something\n")
    (warning,) = homeostat("suites", "add", file, "--json", "--config", shop).json["warnings"]
    assert "'far'" in warning
    assert len(suites(store, "routing")) == 1

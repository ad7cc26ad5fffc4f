"""How a version treats groups, at the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.config.load import load
from homeostat.errors import BadStream, EmptyStream, NotReleasable, UnknownPlugin
from homeostat.loop.workshop import Exam, Workshop

LABELS = ("refund", "delivery")


@pytest.fixture
def workshop(small: Path) -> Iterator[Workshop]:
    """Two versions that know one and two labels, and a suite of two languages; half of its requests name somebody."""
    file = small.read_text().replace("routing: {kind: label}", "routing: {kind: label, fair: {language: 0.1}}")
    small.write_text(file)
    shop = Workshop.open(load(small))
    champion(shop.store, "old", labels=LABELS[:1])
    version(shop.store, "new", labels=LABELS, time=START + 50)
    names = ("Aaron", "Alice", "somebody", "the lamp")
    shop.put_suite(
        "routing",
        [
            Exam(
                text=f"row {k} from {names[k % 4]}",
                target=LABELS[0] if k % 3 else LABELS[1],
                time=START,
                tags={"language": "de" if k % 3 else "en", "plan": "free"},
            )
            for k in range(48)
        ],
    )
    yield shop
    shop.close()


def test_a_document_of_two_versions(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """The tags of the configuration and those that are named; who replies one label whatever is asked is right of one
    language alone, and does not change a reply for a name.
    """
    arguments = ("fairness", "ver_new", "--against", "ver_old", "--by", "plan", "--config", small, "--json")
    found = homeostat(*arguments).json["versions"]
    assert set(found) == {"ver_new", "ver_old"}
    assert found["ver_old"]["tags"]["plan"] == []  # one value alone
    lines = {line["what"]: line for line in found["ver_old"]["tags"]["language"]}
    assert lines["accuracy"]["gap"]["score"]["mean"] == 1.0
    assert (lines["accuracy"]["gap"]["most"], lines["accuracy"]["groups"]["en"]["mean"]) == ("de", 0.0)
    flips = found["ver_old"]["flips"]
    assert (flips["swapped"], flips["changed"]["mean"], flips["changed"]["n"]) == (24, 0.0, 24)


def test_a_table(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """Gaps of both beside each other, then what swapping words does."""
    ran = homeostat("fairness", "ver_new", "--against", "ver_old", "--config", small)
    assert ran.code == 0
    assert "by language" in ran.out
    assert "gap of ver_old" in ran.out
    assert "100.0 points" in ran.out
    assert "words swapped" in ran.out


def test_pairs_of_your_own(homeostat: Run, small: Path, workshop: Workshop, tmp_path: Path) -> None:
    """Other words are swapped; a file that holds none is told."""
    pairs = tmp_path / "pairs.txt"
    pairs.write_text("lamp, pump\n")
    found = homeostat("fairness", "ver_old", "--swap", pairs, "--config", small, "--json").json
    assert found["versions"]["ver_old"]["flips"]["swapped"] == 12
    assert homeostat("fairness", "ver_old", "--swap", tmp_path / "no", "--config", small).code == BadStream.exit


def test_a_tag_that_cannot_be_compared(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """One value alone is told with its rows, and why that says nothing; a tag that no row carries is an error."""
    found = homeostat("fairness", "ver_old", "--by", "plan", "--config", small)
    assert "by plan: nothing can be compared, for that takes 10 test rows of two values each; there are: free 48" in (
        found.out
    )
    told = homeostat("fairness", "ver_old", "--by", "plan", "--config", small, "--json").json
    assert told["versions"]["ver_old"]["rows"] == {"language": {"de": 32, "en": 16}, "plan": {"free": 48}}
    ran = homeostat("fairness", "ver_old", "--by", "plna", "--config", small)
    assert (ran.code, "did you mean 'plan'" in ran.err) == (UnknownPlugin.exit, True)


def test_no_suite(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """An error that says where test rows come from."""
    workshop.put_suite("routing", [])
    assert homeostat("fairness", "ver_old", "--config", small).code == EmptyStream.exit


def test_versions_of_two_tasks_are_not_compared(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """An error that names the other task."""
    version(workshop.store, "other", task="replies")
    ran = homeostat("fairness", "ver_new", "--against", "ver_other", "--config", small)
    assert ran.code == NotReleasable.exit
    assert "replies" in ran.err


def test_what_is_written_is_compared_with_the_words_swapped_back(
    homeostat: Run, small: Path, workshop: Workshop
) -> None:
    """Of a task of text: how much the two replies agree stands beside how many change."""
    version(workshop.store, "writer", task="replies", base=workshop.config.model.base)
    rows = [Exam(text=f"{who} has a question", target="Sure.", time=START) for who in ("Aaron", "Emily", "the lamp")]
    workshop.put_suite("replies", rows)
    ran = homeostat("fairness", "ver_writer", "--config", small, "--json").json["versions"]["ver_writer"]["flips"]
    assert (ran["swapped"], ran["changed"]["n"]) == (2, 2)
    assert 0.0 <= ran["agree"]["mean"] <= 1.0
    assert "they agree by" in homeostat("fairness", "ver_writer", "--config", small).out


def test_that_no_groups_are_compared_is_told(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """Where no tag is named, with those that there are; the document has none, and nothing else stands beside it."""
    small.write_text(small.read_text().replace(", fair: {language: 0.1}", ""))
    ran = homeostat("fairness", "ver_new", "--config", small, "--json")
    assert ran.json["versions"]["ver_new"]["tags"] == {}
    assert "no groups are compared" in ran.err
    assert "test rows carry language, plan" in ran.err
    assert "no groups" not in homeostat("fairness", "ver_new", "--by", "plan", "--config", small).err

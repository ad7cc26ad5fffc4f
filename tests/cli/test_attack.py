"""Attacks at the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.config.load import load
from homeostat.errors import EmptyStream, NotReleasable, UnknownKey, UnknownPlugin, UnsuitedModel, WrongType
from homeostat.loop.workshop import Exam, Workshop

LABELS = ("refund", "delivery")
TEXTS = [
    f"please help me with the order of parcel number {word}" for word in ("one", "two", "six", "ten", "few", "all")
]


@pytest.fixture
def workshop(small: Path) -> Iterator[Workshop]:
    """Two versions that know one and two labels, and a suite whose rows the second tells right."""
    shop = Workshop.open(load(small))
    champion(shop.store, "old", labels=LABELS[:1])
    made = version(shop.store, "new", labels=LABELS, time=START + 50)
    said = shop.replies(shop.config.task("routing"), made, TEXTS)
    shop.put_suite("routing", [Exam(text=t, target=s, time=START) for t, s in zip(TEXTS, said, strict=True)])
    yield shop
    shop.close()


def test_a_document_of_two_versions(homeostat: Run, small: Path, workshop: Workshop, tmp_path: Path) -> None:
    """Who knows one label cannot be led astray, who knows two may be; what broke, and what broke before, is a suite
    that can be added.
    """
    file = tmp_path / "broken.yaml"
    file.write_text("suite: broken\ncases: [{text: broke before, expect: refund}]\n")
    ran = homeostat("attack", "ver_new", "--limit", "words=0.5", "--suite", file, "--config", small, "--json")
    assert ran.code == 0, ran.err
    told = {name: one["told"] for name, one in ran.json["found"].items()}
    assert set(told) == {"ver_new", "ver_old"}
    assert (told["ver_new"]["clean"]["mean"], told["ver_new"]["clean"]["n"]) == (1.0, 6)
    assert told["ver_old"]["success"] is None or told["ver_old"]["success"]["mean"] == 0.0
    assert ran.json["cases"] == 1 + round(6 * told["ver_new"]["success"]["mean"])
    added = homeostat("suites", "add", file, "--config", small, "--json").json
    assert (added["changed"], len(added["suite"]["cases"])) == (True, ran.json["cases"])


def test_a_table(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """Both versions beside each other, and requests before and after, on few rows."""
    ran = homeostat("attack", "ver_new", "--limit", "words=0.5", "--limit", "rows=4", "--config", small)
    assert ran.code == 0
    assert "attacks that succeed" in ran.out
    assert "n = 4" in ran.out
    assert "4 rows are attacked, greedy" in ran.err
    assert "gradients" not in ran.out
    assert "suffers most" not in ran.out  # four rows are no slice
    none = homeostat("attack", "ver_old", "--suite", small.parent / "none.yaml", "--config", small)
    assert (none.code, (small.parent / "none.yaml").exists()) == (0, False)


def test_the_slice_that_suffers_most_is_told(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """Of each version, with its intervals and of how many; in the document too."""
    texts = [f"{text} {k}" for k in range(5) for text in TEXTS]
    said = workshop.replies(workshop.config.task("routing"), workshop.store.versions.get("ver_new"), texts)
    tags = [{"plan": "free" if k % 2 else "paid"} for k in range(len(texts))]
    workshop.put_suite(
        "routing", [Exam(text=t, target=s, time=START, tags=g) for t, s, g in zip(texts, said, tags, strict=True)]
    )
    flags = ("--limit", "queries=4", "--config", small)
    found = homeostat("attack", "ver_new", *flags, "--json").json["found"]
    worst = found["ver_new"]["weakest"]
    assert (worst["plain"]["mean"], worst["score"]["n"] >= 12) == (1.0, True)
    assert worst["slice"].partition("=")[0].partition(" ")[0] in ("plan", "label")
    assert worst["beyond"]["low"] <= worst["beyond"]["mean"] <= worst["beyond"]["high"]
    out = homeostat("attack", "ver_new", *flags).out
    assert "which slice suffers most; intervals hold for all that were looked at" in out
    assert f", of {worst['among']}" in out


def test_what_cannot_be_attacked(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """A way that there is not, gradients of labels that are spelled out, versions of two tasks, no test rows."""
    version(workshop.store, "other", task="replies")
    wrong = {
        ("--how", "greed"): UnknownPlugin,
        ("--how", "guided"): UnsuitedModel,
        ("--against", "ver_other"): NotReleasable,
        ("--limit", "rowz=3"): UnknownKey,
        ("--limit", "rows=few"): WrongType,
        ("--limit", "queries=1"): WrongType,
        ("--limit", "by=letters,capital"): UnknownPlugin,
        ("--suite", "a b.yaml"): WrongType,
    }
    for arguments, error in wrong.items():
        assert homeostat("attack", "ver_new", *arguments, "--config", small).code == error.exit
    ran = homeostat("attack", "ver_nobody", "--limit", "by=capital", "--config", small.parent / "none.yaml")
    assert "did you mean 'capitals'?" in ran.err  # before anything is opened, and any model asked
    workshop.put_suite("routing", [])
    assert homeostat("attack", "ver_new", "--config", small).code == EmptyStream.exit

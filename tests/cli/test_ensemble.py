"""Several versions asked as one, from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.config.load import load
from homeostat.errors import EmptyStream, NotFound, NotReleasable
from homeostat.loop.workshop import Exam, Workshop

LABELS = ("refund", "delivery")


@pytest.fixture
def workshop(small: Path) -> Iterator[Workshop]:
    """Two versions that know the same labels in another order, and a suite."""
    shop = Workshop.open(load(small))
    champion(shop.store, "old", labels=LABELS)
    version(shop.store, "new", labels=(*LABELS[::-1], "hologram"), time=START + 20)
    shop.put_suite("routing", [Exam(text=f"row {k}", target=LABELS[k % 2], time=START + k) for k in range(12)])
    yield shop
    shop.close()


def test_the_suite_is_told_by_all_of_them(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """A line for each version and each way, with intervals, on the rows seen so far; nothing is written."""
    found = homeostat("ensemble", "ver_old", "ver_new", "--config", small, "--json").json
    lines = found["sheet"]["lines"]
    assert [line["name"] for line in lines] == ["ver_old", "ver_new", "mean", "vote", "product", "slice"]
    assert all(line["accuracy"]["n"] == 12 and line["accuracy"]["low"] <= line["accuracy"]["high"] for line in lines)
    assert found["versions"] == ["ver_old", "ver_new"]
    assert workshop.store.reports.list() == []


def test_a_table(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """The same as a table, and what disagreement tells."""
    ran = homeostat("ensemble", "ver_old", "ver_new", "--config", small)
    assert ran.code == 0
    assert "12 test rows" in ran.out
    assert "product" in ran.out
    assert "disagreement" in ran.out


def test_a_request_is_answered(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """The reply, how sure, how much they disagree, and what each would say."""
    asked = ("ensemble", "ver_old", "ver_new", "--ask", "where is my parcel", "--config", small)
    found = homeostat(*asked, "--how", "product", "--json").json
    assert found["reply"] in {*LABELS, "hologram"}
    assert 0 <= found["confidence"] <= 1
    assert found["disagreement"] >= 0
    assert set(found["members"]) == {"ver_old", "ver_new"}
    assert "disagreement" in homeostat(*asked).out


def test_what_is_refused(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """One version alone, a version of another task, one that is not there, and a way that there is not."""
    version(workshop.store, "other", task="replies")
    assert homeostat("ensemble", "ver_old", "ver_old", "--config", small).code == 2
    other = homeostat("ensemble", "ver_old", "ver_other", "--config", small)
    assert (other.code, "replies" in other.err) == (NotReleasable.exit, True)
    assert homeostat("ensemble", "ver_old", "ver_nobody", "--config", small).code == NotFound.exit
    way = homeostat("ensemble", "ver_old", "ver_new", "--ask", "x", "--how", "average", "--config", small)
    assert "average" in way.err
    workshop.put_suite("routing", [])
    assert homeostat("ensemble", "ver_old", "ver_new", "--config", small).code == EmptyStream.exit

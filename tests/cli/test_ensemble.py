"""Several versions asked as one, from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import tiny
from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.config.load import load
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.errors import EmptyStream, NotFound, NothingToTrainOn, NotReleasable
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.registry import register
from homeostat.types.version import Version

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


def test_it_is_kept_and_routes(homeostat: Run, small: Path, base: Path, workshop: Workshop, tmp_path: Path) -> None:
    """Kept, it answers as those that are asked together do; where it is not known what one was trained for, it is said
    and nothing is kept.
    """
    topics = {"money": ("refund_request",), "motor": ("broken_pump",)}
    for seed, (name, labels) in enumerate(topics.items()):
        curated = Curated(examples=tuple(tiny.examples(labels, each=40)), labels=labels)
        dataset = store_dataset(workshop.store, curated, task="routing", turn=name, now=START)
        made = Version(id=f"ver_{name}", task="routing", time=START, base=str(base), labels=LABELS, dataset=dataset.id)
        register(workshop.store, made, tiny.adapter(tmp_path / name, base, seed + 1))
    both, how = ("ensemble", "ver_money", "ver_motor"), ("--how", "routed", "--config", small, "--json")
    kept = homeostat(*both, "--keep", *how).json
    assert (kept["kind"], kept["recipe"]["how"]) == ("ensemble", "routed")
    made, texts = workshop.store.versions.get(kept["id"]), [tiny.texts(own[0], 1, 7)[0] for own in topics.values()]
    said = workshop.answers(workshop.config.task("routing"), made, texts)
    for text, reply in zip(texts, said, strict=True):
        asked = homeostat(*both, "--ask", text, *how).json
        assert (reply.text, reply.confidence) == (asked["reply"], pytest.approx(asked["confidence"], abs=1e-5))
    plain = Version(id="ver_plain", task="routing", time=START, base=str(base), labels=LABELS)
    register(workshop.store, plain, tiny.adapter(tmp_path / "plain", base, 9))
    refused = homeostat("ensemble", "ver_plain", "ver_money", "--keep", *how)
    assert (refused.code, "ver_plain" in refused.err) == (NothingToTrainOn.exit, True)
    assert len([one for one in workshop.store.versions.list() if one.kind == "ensemble"]) == 1


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

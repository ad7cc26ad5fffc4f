"""A backtest with versions that were really trained: once, within a budget, and from what was known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from homeostat.errors import NothingToTrainOn, UnsuitedModel
from homeostat.loop.backtests.backtest import Answered, Record
from homeostat.loop.backtests.moments import FOLDER, MADE
from homeostat.loop.backtests.retrained import Plan, Retrained, Wish, foretell, retrained
from homeostat.loop.undoing import leftovers
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from homeostat.types.version import Version
from loop.retold import STEPS, laid


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A project on a tiny model."""
    with closing(laid(tmp_path_factory.mktemp("retrained"))) as opened:
        yield opened


def wish(shop: Workshop, recipe: str = "joint", **more: float) -> Wish:
    return Wish(recipe=named(recipe, shop.config.train), **{"moments": 1, **more})  # type: ignore[arg-type]


def planned(shop: Workshop, log: Record, heads: Answered, asked: Wish) -> Plan:
    return foretell(shop, shop.config.task("routing"), log, heads, asked)


@pytest.fixture(scope="module")
def first(shop: Workshop, log: Record, heads: Answered) -> tuple[Plan, Retrained]:
    """Trained once."""
    plan = planned(shop, log, heads, wish(shop))
    assert not list((Path(shop.config.folder) / FOLDER).glob("*/weights")), "a plan trains nothing"
    return plan, retrained(shop, log, heads, wish(shop), plan)


def test_versions_are_trained_and_their_replies_counted(first: tuple[Plan, Retrained], heads: Answered) -> None:
    """Two trainings were foretold and made. The history has what these versions reply, and not what heads do; gains are
    still measured by heads.
    """
    plan, found = first
    assert (plan.price.trainings, plan.price.kept, len(found.made)) == (2, 0, 2)
    assert [one.step for one in found.made] == [0, STEPS // 2]
    assert found.made[1].rows > found.made[0].rows
    assert all(one.cpu_s > 0 and not one.kept for one in found.made)
    whole = found.answered
    for one in found.made:
        assert whole.right[one.step, whole.step >= one.step].mean() == pytest.approx(one.right.mean)
    assert whole.heads is heads.right
    assert found.made[0].right.mean != found.made[0].head
    assert set(np.unique(whole.right[0])) <= {0.0, 1.0}


def test_nothing_is_done_twice(
    first: tuple[Plan, Retrained], shop: Workshop, log: Record, heads: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once more nothing is trained or asked, and the same comes out; another label makes another version."""
    monkeypatch.setattr("homeostat.loop.backtests.retrained.carried_out", _never)
    plan = planned(shop, log, heads, wish(shop))
    assert (plan.price.trainings, plan.price.replies, plan.price.cpu_s) == (0, 0, 0.0)
    again = retrained(shop, log, heads, wish(shop), plan)
    assert [one.id for one in again.made] == [one.id for one in first[1].made]
    assert all(one.kept for one in again.made)
    assert (again.answered.right == first[1].answered.right).all()
    changed = replace(log, labeled=[replace(log.labeled[0], target="wrong_bill"), *log.labeled[1:]])
    other = planned(shop, changed, heads, wish(shop))
    assert [one.there for one in other.moments] == [True, False]


def _never(order: object) -> None:
    raise AssertionError("trained again")


def test_labels_that_came_late_are_not_known(shop: Workshop, log: Record, heads: Answered) -> None:
    """A version learns what was said before its moment, of requests before it."""
    late = replace(log, labeled=[replace(row, known=row.time + 60.5) for row in log.labeled])
    prompt, delayed = (planned(shop, one, heads, wish(shop)).moments[1] for one in (log, late))
    assert len(prompt.examples) - len(delayed.examples) == 60
    assert max(row.time for row in prompt.examples) < heads.times[prompt.step]


def test_as_many_versions_as_the_budget_does_for(
    first: tuple[Plan, Retrained], shop: Workshop, log: Record, heads: Answered
) -> None:
    """A smaller budget plans fewer; one that does not do for a single version says what that takes."""
    three = planned(shop, log, heads, wish(shop, "careful", moments=3))
    assert (three.price.trainings, three.left_out) == (3, 0)
    fewer = planned(shop, log, heads, wish(shop, "careful", moments=3, budget_s=0.6 * three.price.cpu_s))
    assert fewer.left_out >= 1
    assert len(fewer.moments) == 4 - fewer.left_out
    with pytest.raises(NothingToTrainOn, match="the first of them alone takes about"):
        planned(shop, log, heads, wish(shop, "careful", moments=3, budget_s=1e-6))


def test_recipes_that_want_more_than_a_log_says(shop: Workshop, log: Record, heads: Answered) -> None:
    """Who learns from replies that were wrong must know what was replied."""
    with pytest.raises(UnsuitedModel, match="corrections"):
        planned(shop, log, heads, wish(shop, "corrections"))


@pytest.mark.slow
def test_who_was_killed_goes_on(first: tuple[Plan, Retrained], shop: Workshop, log: Record, heads: Answered) -> None:
    """Of two versions the one that was not finished is trained, the other is not; what comes of it is the same."""
    last = first[0].moments[1]
    (last.folder / MADE).unlink()
    (last.folder / "replies.jsonl").write_text('["half a li')
    again = retrained(shop, log, heads, wish(shop), planned(shop, log, heads, wish(shop)))
    assert [one.kept for one in again.made] == [True, False]
    assert (again.answered.right == first[1].answered.right).all()


@pytest.mark.slow
def test_the_version_that_answered_then_is_the_first(
    first: tuple[Plan, Retrained], shop: Workshop, log: Record, heads: Answered
) -> None:
    """One of the store is not trained again: it replies as it did, and the next one goes on from its weights."""
    made = first[0].moments[0]
    about = json.loads((made.folder / MADE).read_text())
    version = Version(
        id="ver_first", task="routing", time=-1.0, base=made.base, labels=made.labels, prior=tuple(about["prior"])
    )
    kept = shop.take_in(version, made.folder / "weights")
    known = replace(log, champion=kept.id)
    plan = planned(shop, known, heads, wish(shop, "careful"))
    assert [one.there for one in plan.moments] == [True, False]
    found = retrained(shop, known, heads, wish(shop, "careful"), plan)
    assert found.made[0].id == "ver_first"
    assert found.made[0].right == first[1].made[0].right
    assert plan.moments[1].labels[: len(made.labels)] == made.labels
    assert found.made[1].right.mean != found.made[0].right.mean


@pytest.mark.slow
def test_versions_of_backtests_go_where_rows_are_erased(
    first: tuple[Plan, Retrained], shop: Workshop, tmp_path: Path
) -> None:
    """They may have learned these rows, and are made again where they are wanted."""
    folder = Path(shop.config.folder) / FOLDER
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)
    assert list(folder.iterdir())
    leftovers.runs(shop)
    assert not folder.exists()
    shutil.copytree(kept, folder)

"""Which versions a backtest would train, what names them, and what they would take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

import tiny
from homeostat.config.schema import Decide
from homeostat.loop.backtests.backtest import Answered, Record
from homeostat.loop.backtests.moments import Moment, planned, priced, timed
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import register
from homeostat.train.named import named
from homeostat.types.dataset import Origin
from homeostat.types.version import Version
from loop.retold import STEPS, laid


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A project on a tiny model."""
    with closing(laid(tmp_path_factory.mktemp("moments"))) as opened:
        yield opened


def moments(
    shop: Workshop, log: Record, heads: Answered, n: int = 2, recipe: str = "careful", **task: Any
) -> list[Moment]:
    how = named(recipe, shop.config.train)
    return planned(shop, replace(shop.config.task("routing"), **task), log, how, heads.step, heads.times, n)


def test_they_stand_at_even_distances_one_on_the_other(shop: Workshop, log: Record, heads: Answered) -> None:
    """Each goes on from the one before, knows its labels first, and learns what came since, with replay of what was
    known; no row is new to two of them.
    """
    first, second, third = moments(shop, log, heads)
    assert [one.step for one in (first, second, third)] == [0, STEPS // 3, 2 * STEPS // 3]
    assert (second.parent, third.parent) == (first, second)
    assert (first.labels, second.labels) == (tuple(sorted(tiny.LABELS)), first.labels)
    assert third.labels[: len(second.labels)] == second.labels
    assert len(third.labels) == len(tiny.WORDS)
    new = [{row.text for row in one.examples if row.origin is Origin.NEW} for one in (second, third)]
    assert not new[0] & new[1]
    assert len(new[0]) == 80
    replayed = {row.text for row in third.examples if row.origin is Origin.REPLAY}
    assert replayed & (new[0] | {row.text for row in log.memory})


def test_everything_that_makes_a_version_is_in_its_name(shop: Workshop, log: Record, heads: Answered) -> None:
    """The same again has the same name; another recipe, instruction, label or parent has another, and so have all that
    go on from it.
    """
    plain = [one.id for one in moments(shop, log, heads)]
    assert plain == [one.id for one in moments(shop, log, heads)]
    assert len(set(plain)) == 3
    rows = [*log.labeled]
    rows[5] = replace(rows[5], target="wrong_bill")
    others = {
        "recipe": moments(shop, log, heads, recipe="naive"),
        "label": moments(shop, replace(log, labeled=rows), heads),
        "instruction": moments(shop, log, heads, instruction="sort"),
        "memory": moments(shop, replace(log, memory=[*log.memory][1:]), heads),
    }
    for what, found in others.items():
        same = [one.id == other for one, other in zip(found, plain, strict=True)]
        assert same == [what in ("recipe", "label"), False, False], what


def test_more_versions_than_steps_are_as_many_as_learn_something(shop: Workshop, log: Record, heads: Answered) -> None:
    """No two before the same step, and none before the first label came."""
    found = moments(shop, log, heads, 40)
    assert [one.step for one in found] == list(range(STEPS))
    late = replace(log, labeled=[replace(row, known=1e9) for row in log.labeled])
    assert len(moments(shop, late, heads, 3)) == 1


def test_from_the_bare_base_on_everything(shop: Workshop, log: Record, heads: Answered) -> None:
    """A recipe that starts anew has all rows so far as new ones."""
    for one, so_far in zip(moments(shop, log, heads, recipe="joint")[1:], (80, 160), strict=True):
        assert one.new == so_far + len({row.text for row in log.memory})
        assert {row.origin for row in one.examples} == {Origin.NEW}


def test_seconds_go_by_an_earlier_training_of_the_base(shop: Workshop, log: Record, heads: Answered) -> None:
    """Half the speed takes twice as long, a GPU is paid for as it was then taken; without any the answers tell."""
    plan, texts = moments(shop, log, heads), [row.text for row in log.labeled]
    guess = priced(shop, plan, texts, lambda one: 0)
    assert guess.train_cpu_s > 0
    assert (guess.trainings, guess.kept, guess.gpu_s, guess.reply_cpu_s) == (3, 0, 0.0, 0.0)
    found = []
    for k, speed in enumerate((1e9, 5e8)):
        cost = {"flops": 100 * speed, "cpu_seconds": 100.0, "gpu_seconds": 50.0, "steps": 10.0}
        made = Version(id=f"ver_{k}", task="routing", time=float(k), base=shop.config.model.weights, cost=cost)
        register(shop.store, replace(made, kind="base"), None)
        found.append(priced(shop, plan, texts, lambda one: 0))
    assert found[1].train_cpu_s == pytest.approx(2 * found[0].train_cpu_s)
    assert found[0].gpu_s == pytest.approx(0.5 * found[0].train_cpu_s)
    shop.config = replace(shop.config, decide=Decide(price_per_cpu_hour=0.0, price_per_gpu_hour=3600.0))
    dear = priced(shop, plan, texts, lambda one: 0)
    assert dear.money == pytest.approx(dear.gpu_s)


def test_replies_are_paid_for_too(shop: Workshop, log: Record, heads: Answered) -> None:
    """So many times what one takes."""
    plan, texts = moments(shop, log, heads), [row.text for row in log.labeled]
    found = priced(shop, plan, texts, lambda one: 100)
    assert found.replies == 300
    assert found.reply_cpu_s > 0
    assert found.cpu_s == pytest.approx(found.train_cpu_s + found.reply_cpu_s)
    assert timed(lambda: sum(range(200_000))) > 0

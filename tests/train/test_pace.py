"""As many passes as their share of joint retraining pays for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.builtin.resources import model_path
from homeostat.config.schema import Train
from homeostat.llm.labels import encode_labels
from homeostat.llm.load import open_model
from homeostat.train.adapt.lora import Lora
from homeostat.train.champion import GAUGED
from homeostat.train.fit import LOOKED
from homeostat.train.forecast import forecast
from homeostat.train.named import NAMES, named
from homeostat.train.pace import FORWARD, LEAST, THRICE, Rows, paced, passes
from homeostat.train.rates import RATE, WARM, WIDTH, rate_of
from homeostat.train.rows import beginnings
from homeostat.train.run import Order, Start
from homeostat.types.dataset import Example, Origin
from homeostat.types.task import Task

LABELS = tuple(f"label-{k}" for k in range(10))
SETTINGS = Train(epochs=6, warm_share=0.2)


def rows(new: int, replayed: int, recalled: int) -> list[Example]:
    """So many of each, no two alike and all about as long."""
    origins = [Origin.NEW] * new + [Origin.REPLAY] * replayed + [Origin.RECALL] * recalled
    return [
        Example(text=f"what is to be done about case number {k:05}", target=LABELS[k % 10], origin=origin)
        for k, origin in enumerate(origins)
    ]


def of(settings: Train, rows: Rows, labels: int, name: str = "careful") -> float:
    """Passes of a recipe under these settings."""
    return passes(named(name, settings), settings.epochs, rows, labels)


def test_a_small_batch_is_seen_more_often() -> None:
    """Beside the same memory half the rows get about twice the passes, one at least, at most as many as joint's."""
    made = {new: of(SETTINGS, Rows(new=new, replayed=new, known=20_000), 10) for new in (10, 2_000, 4_000, 10_000)}
    assert made[10] == SETTINGS.epochs
    assert made[2_000] == pytest.approx(2 * made[4_000], rel=0.1)
    assert made[10_000] == LEAST
    assert of(replace(SETTINGS, epochs=1), Rows(new=10, replayed=10, known=20_000), 10) == 1


def test_next_to_nothing_is_learned_all_the_same() -> None:
    """A fifth of a small cost is a few steps; there are as many passes as make some dozens of them."""
    assert of(SETTINGS, Rows(new=100, replayed=100, known=200), 10) == pytest.approx(1024 / 180, abs=0.01)
    assert of(SETTINGS, Rows(new=10, replayed=10, known=20), 10) == SETTINGS.epochs
    assert of(SETTINGS, Rows(new=1_000, replayed=1_000, known=2_000), 10) == LEAST


def test_a_larger_share_pays_for_more() -> None:
    """And nothing is paid for rows that no label is fitted to."""
    batch = Rows(new=1_000, replayed=1_000, known=10_000)
    assert of(SETTINGS, batch, 10) < of(replace(SETTINGS, warm_share=0.3), batch, 10)
    assert of(SETTINGS, batch, 10) < of(replace(SETTINGS, refit=False), batch, 10)
    assert of(SETTINGS, batch, 100) < of(SETTINGS, batch, 10)


def test_half_the_layers_at_half_the_share_make_more_than_half_the_passes() -> None:
    """What stays as it is costs a pass over each row once, and what the champion kept is not read."""
    batch = Rows(new=1_000, replayed=1_000, known=10_000)
    assert of(SETTINGS, batch, 10) > of(SETTINGS, batch, 10, "frugal") > 0.6 * of(SETTINGS, batch, 10)


def test_what_no_penalty_asks_for_is_not_paid() -> None:
    """Who is not held to the champion's answers need not ask for them, and has more passes for it."""
    batch, bare = Rows(new=1_000, replayed=1_000, known=10_000), replace(named("careful", SETTINGS), penalties=())
    asks = of(SETTINGS, batch, 10)
    saved = passes(bare, SETTINGS.epochs, batch, 10) - asks
    assert saved == pytest.approx(1_000 * FORWARD / 2_000, abs=0.02)  # replayed rows are shown, all are learned


def test_rows_that_are_read_through_the_lower_layers_once_are_paid_once() -> None:
    """Where these stay as they are, asking about a row again costs the layers above them alone."""
    batch, held = Rows(new=1_000, replayed=1_000, known=10_000), 1_000
    tenth = replace(SETTINGS, warm_share=0.1)
    half = replace(named("careful", tenth), adapt=Lora(rank=4, bottom=0.5), refit=False)
    looks, told, moved = 2 * LOOKED, 900, 2 * GAUGED
    asked = moved + told + looks + held
    left = 0.1 * SETTINGS.epochs * 9_000 - FORWARD * (0.5 * held + 0.5 * asked)
    assert passes(half, SETTINGS.epochs, batch, 10) == pytest.approx((left / 1_800 - FORWARD * 0.5) / 0.5, abs=0.02)


def test_who_is_paced() -> None:
    """Those who go on gently, where there are labels; others make the passes that are set."""
    batch = Rows(new=1_000, replayed=1_000, known=10_000)
    changed = {n for n in NAMES if paced(named(n, SETTINGS), SETTINGS, batch, LABELS) != named(n, SETTINGS)}
    assert changed == {"careful", "frugal", "thorough"}
    assert paced(named("careful", SETTINGS), SETTINGS, batch, ()) == named("careful", SETTINGS)
    made = paced(named("careful", SETTINGS), SETTINGS, batch, LABELS)
    assert made.looks == max(2, -(-made.epochs // 2))


def test_fewer_steps_are_longer_ones() -> None:
    """Who sees a row less than three times takes a rate that is as much higher; who sees it oftener, his own."""
    came, known = named("frugal", SETTINGS), 10_000
    short, thrice, long = (
        paced(came, SETTINGS, Rows(new=new, replayed=new, known=known), LABELS) for new in (5_000, 1_000, 100)
    )
    assert (short.epochs, short.lr) == (LEAST, pytest.approx(came.lr * THRICE / LEAST))
    assert THRICE <= thrice.epochs <= long.epochs
    assert thrice.lr == long.lr == came.lr


def test_a_rate_that_follows_from_the_base_rises_as_well() -> None:
    """With `lr` 0 nobody knows it yet; it is multiplied when it is found."""
    batch, own = Rows(new=2_000, replayed=2_000, known=10_000), replace(SETTINGS, warm_lr=0.0)
    given, found = (paced(named("frugal", each), each, batch, LABELS) for each in (SETTINGS, own))
    assert (found.lr, given.bolder) == (0.0, 1.0)
    assert found.bolder > 1.0
    assert found.bolder == pytest.approx(given.lr / SETTINGS.warm_lr)
    assert rate_of(found, WIDTH, warm=True) == pytest.approx(found.bolder * WARM * RATE)


def test_new_labels_keep_the_rate_down() -> None:
    """The more new rows have a label nobody knows, the less it rises; where all have, not at all."""
    came = named("frugal", SETTINGS)
    rates = [
        paced(came, SETTINGS, Rows(new=2_000, replayed=2_000, known=10_000, strange=strange), LABELS).lr
        for strange in (0, 500, 1_000, 2_000)
    ]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > rates[1] > rates[3] == came.lr


def test_rows_are_counted_by_what_is_done_with_them() -> None:
    """New, replayed, all, and the new ones of a label that nothing remembered has."""
    some = rows(10, 5, 5)
    assert Rows.of(some) == Rows(new=10, replayed=5, known=20)
    some[0] = replace(some[0], target="unheard-of")
    assert Rows.of(some) == Rows(new=10, replayed=5, known=20, strange=1)


@pytest.mark.parametrize(("new", "recalled"), [(100, 2_000), (200, 4_000), (500, 4_000)])
def test_the_share_is_what_the_operations_say(tmp_path: Path, new: int, recalled: int) -> None:
    """Counted from the shapes, a careful run costs its share of joint retraining on the same rows, or less."""
    every = rows(new, new, recalled)
    base = str(model_path())
    opened = open_model(base)
    Lora().attach(opened.model, None, beginnings(opened, encode_labels(opened.tokenizer, LABELS)))
    Lora().save(opened.model, tmp_path / "champion")
    start = Start(base=base, folder=tmp_path / "champion", kind="lora", labels=LABELS)
    careful = paced(named("careful", SETTINGS), SETTINGS, Rows.of(every), LABELS)
    all_new = [replace(row, origin=Origin.NEW) for row in every]
    joint = Order(
        task=Task(name="routing", instruction="route"),
        start=Start(base=base),
        examples=all_new,
        labels=LABELS,
        recipe=named("joint", SETTINGS),
        folder=tmp_path,
    )
    ours = replace(joint, start=start, examples=every, recipe=careful)
    share = forecast(ours).flops / forecast(joint).flops
    capped = careful.epochs == SETTINGS.epochs
    assert share < 1.1 * SETTINGS.warm_share
    assert capped or share > 0.9 * SETTINGS.warm_share

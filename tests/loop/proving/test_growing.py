"""Test rows grow out of the log where they are too few, and what examines is never learned."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from small_project import TASK

from homeostat.curate.snapshot import examples
from homeostat.curate.suspect import Suspicion
from homeostat.curate.target import target
from homeostat.evaluate.slices import FEWEST
from homeostat.loop import steps
from homeostat.loop.listening.held import hold
from homeostat.loop.proving import judging
from homeostat.loop.proving.growing import grow
from homeostat.loop.proving.wear import WORN
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types.dataset import Example
from loop.bystander import NOW, candidate


def told(shop: Workshop) -> list[Example]:
    """What was labeled since the champion was trained."""
    champion = shop.champion(TASK)
    since = shop.store.datasets.get(champion.dataset).time
    pairs = shop.store.interactions.labeled(TASK, feedback_until=NOW.until)
    return target([p for p in pairs if p[1].time > since], shop.config.task(TASK), champion.labels)


def without(shop: Workshop, *labels: str) -> list[Exam]:
    """The suite less some labels, put in its place."""
    kept = [row for row in shop.suite(TASK) if row.target not in labels]
    shop.put_suite(TASK, kept)
    return kept


def grown(shop: Workshop) -> int:
    return grow(shop, TASK, steps.remembered(shop, shop.champion(TASK)), NOW.until)


def test_a_label_that_came_with_the_traffic_is_examined(shop: Workshop) -> None:
    """A fifth of what was labeled so, chosen by its text, joins the suite with its tags, and is not trained on."""
    new = next(row.target for row in told(shop) if row.target not in shop.champion(TASK).labels)
    kept = without(shop, new)
    rows = examples(shop.store, steps.curate(shop, NOW, "naive"))
    more = [row for row in shop.suite(TASK) if row not in kept]
    labeled = [row for row in told(shop) if row.target == new]
    assert {row.target for row in more} == {new}
    assert 1 <= len(more) <= len(labeled) / 2
    assert not {row.text for row in more} & {row.text for row in rows}
    assert {row.text for row in more} < {row.text for row in labeled}
    pair = shop.store.versions.get(candidate(shop)), shop.champion(TASK)
    measured = judging.paired_rows(shop, NOW, *pair, shop.suite_at(TASK, NOW.until))
    assert sum(row.group == judging.NEW for row in measured) >= len(more)


def test_growing_again_changes_nothing(shop: Workshop) -> None:
    """Which rows are held out hangs on their texts; a step that is run again finds them held out."""
    without(shop, *{row.target for row in told(shop)})
    assert grown(shop) > 0
    suite = shop.suite(TASK)
    assert grown(shop) == 0
    assert shop.suite(TASK) == suite


def test_no_more_is_held_out_than_the_gate_has_use_for(shop: Workshop) -> None:
    """A label with test rows enough gives none, and one that has none gives so many at most."""
    assert grown(shop) == 0
    without(shop, *{row.target for row in told(shop)})
    for _ in range(3):
        grown(shop)
    assert max(Counter(row.target for row in shop.suite(TASK)).values()) > FEWEST  # those that were left
    assert all(sum(row.target == new for row in shop.suite(TASK)) <= FEWEST for new in {r.target for r in told(shop)})


def test_what_was_learned_or_is_doubted_examines_nobody(shop: Workshop) -> None:
    """Nor what is like a row that was learned."""
    labels = {row.target for row in told(shop)}
    kept = without(shop, *labels)
    learned = [replace(row, text=row.text + "!") for row in told(shop)]
    assert grow(shop, TASK, learned, NOW.until) == 0
    said = tuple(feedback.id for _, feedback in shop.store.interactions.labeled(TASK))
    doubt = Suspicion(group="all", held=said, contradicting=9, n=9, p=1e-9, since=0.0, until=NOW.until)
    assert hold(shop.store, TASK, "ver_1", doubt)
    assert grown(shop) == 0
    assert shop.suite(TASK) == kept


def test_worn_rows_count_as_none(shop: Workshop) -> None:
    """Labels whose rows have gated too many candidates get others out of the log, before these are learned."""
    copy, before = candidate(shop), shop.suite(TASK)
    for k in range(WORN):
        now = replace(NOW, turn=f"trn_{k}")
        judging.gate(shop, now, judging.evaluate(shop, now, copy), copy)
    assert grown(shop) == 0  # not between two attempts of one turn: the first may have learned them
    n = grow(shop, TASK, steps.remembered(shop, shop.champion(TASK)), NOW.until + 1.0)
    assert n > 0
    more = [row for row in shop.suite(TASK) if row not in before]
    assert len(more) == n
    assert {row.target for row in more} <= {row.target for row in told(shop)}
    assert max(Counter(row.target for row in more).values()) <= FEWEST

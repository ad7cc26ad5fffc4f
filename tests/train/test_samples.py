"""Rows in batches: the same for the same seed, every row once, and little filler."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from homeostat.builtin.resources import model_path, traffic_path
from homeostat.collect.stream import Split, read_stream
from homeostat.llm.render import Rendered, Renderer
from homeostat.train.samples import Sample, alike, apart, batches, padding, thinned
from homeostat.types.task import Task


def sample(text: int) -> Sample:
    """A row whose prompt is one of a kind."""
    return Sample(Rendered((text, 7, text % 5), (1,)))


@given(numbers=st.sets(st.integers(0, 9999), min_size=2, max_size=300), share=st.floats(0.01, 0.9))
def test_rows_are_parted(numbers: set[int], share: float) -> None:
    """Every row is on one side, each side has one at least, and those to learn keep their order."""
    rows = [sample(number) for number in numbers]
    learned, held = apart(rows, share)
    assert sorted(row.rendered.prompt[0] for row in (*learned, *held)) == sorted(numbers)
    assert learned
    assert held
    assert learned == [row for row in rows if row in learned]


@given(answers=st.lists(st.sampled_from("aaaabbc"), min_size=1, max_size=200), most=st.integers(3, 120))
def test_thinning_spares_the_rare(answers: list[str], most: int) -> None:
    """No more than asked for, in their order; a rare answer loses rows last, and each weighs in all what it did."""
    rows = [Sample(Rendered((k, 7), (ord(answer),)), weight=0.5) for k, answer in enumerate(answers)]
    kept = thinned(rows, most)
    assert len(kept) == min(most, len(rows))
    order = [row.rendered.prompt[0] for row in kept]
    assert order == sorted(order)
    of = {answer: [row for row in kept if row.rendered.completion == (ord(answer),)] for answer in set(answers)}
    fullest = max(len(some) for some in of.values())
    for answer, some in of.items():
        assert len(some) >= min(answers.count(answer), fullest - 1)
        assert sum(row.weight for row in some) == pytest.approx(0.5 * answers.count(answer))


def test_thinning_stays_with_its_choice() -> None:
    """Rows that come later push some out and bring none back."""
    rows = [sample(number) for number in range(400)]
    before = {row.rendered.prompt for row in thinned(rows[:300], 100)}
    after = {row.rendered.prompt for row in thinned(rows, 100)}
    assert not (after - before) & {row.rendered.prompt for row in rows[:300]}


@given(more=st.sets(st.integers(1000, 9999), min_size=1, max_size=300))
def test_what_is_held_out_is_held_out_for_ever(more: set[int]) -> None:
    """Whatever rows come beside it, a row stays on its side, so no successor trains on what judged its champion."""
    rows = [sample(number) for number in range(500)]
    learned, held = apart(rows, 0.1)
    wider = apart([sample(number) for number in more] + rows, 0.1)
    assert {row.rendered.prompt for row in learned} <= {row.rendered.prompt for row in wider[0]}
    assert {row.rendered.prompt for row in held} <= {row.rendered.prompt for row in wider[1]}
    assert 30 <= len(held) <= 70


def test_the_first_rows_held_out_are_as_good_as_drawn() -> None:
    """They come in an order of their own, and the same text is always on one side."""
    rows = [sample(number) for number in range(2000)]
    held = [row.rendered.prompt[0] for row in apart(rows, 0.2)[1]]
    assert abs(float(np.mean(held[:100])) - 1000) < 200
    again = apart([*rows, *rows], 0.2)[1]
    assert sorted(row.rendered.prompt[0] for row in again) == sorted([*held, *held])


def test_little_is_parted() -> None:
    """One row is trained on; a share of zero holds nothing out; no rows give none; of two, one is held out."""
    assert [len(part) for part in apart([sample(1)], 0.5)] == [1, 0]
    assert [len(part) for part in apart([sample(k) for k in range(10)], 0.0)] == [10, 0]
    assert [len(part) for part in apart([], 0.1)] == [0, 0]
    assert [len(part) for part in apart([sample(1), sample(2)], 0.01)] == [1, 1]
    assert [len(part) for part in apart([sample(1), sample(1)], 0.5)] == [2, 0]


@given(
    lengths=st.lists(st.integers(1, 90), min_size=1, max_size=900),
    rows=st.integers(1, 40),
    seed=st.integers(0, 3),
    epoch=st.integers(0, 3),
)
def test_a_pass_has_every_row_once(lengths: list[int], rows: int, seed: int, epoch: int) -> None:
    """A pass holds every row once, in as many batches as the rows need, the same for the same seed."""
    plan = batches(lengths, rows, seed, epoch)
    assert sorted(k for batch in plan for k in batch) == list(range(len(lengths)))
    assert len(plan) == -(-len(lengths) // rows)
    assert max(len(batch) for batch in plan) <= rows
    again = batches(lengths, rows, seed, epoch)
    assert all(np.array_equal(a, b) for a, b in zip(plan, again, strict=True))


def test_passes_and_seeds_differ() -> None:
    """Another pass, or another seed, has the rows in another order."""
    lengths = list(range(1, 200))
    plans = [batches(lengths, 8, seed, epoch) for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    firsts = {tuple(plan[0].tolist()) for plan in plans}
    assert len(firsts) == 3


def test_padding_is_the_share_of_filler() -> None:
    """Of two batches of two rows, the places without a token are counted."""
    assert padding([2, 4, 3, 3], [np.array([0, 1]), np.array([2, 3])]) == pytest.approx(2 / 14)
    assert padding([5], [np.array([0])]) == 0.0


@pytest.mark.parametrize("count", [300, 600, 1000, 4000])
def test_padding_of_real_traffic_is_small(count: int) -> None:
    """On the built-in traffic with the built-in tokenizer, less than a tenth of the places are filler."""
    if not (model_path() / "tokenizer.json").exists() or not traffic_path().exists():
        pytest.skip("the built-in model or traffic is not there")
    renderer = Renderer(AutoTokenizer.from_pretrained(model_path()))
    rows = [row for row in read_stream(traffic_path())[0] if row.split is not Split.TEST]
    task = Task(name="routing", instruction="route")
    picked = np.random.default_rng(0).permutation(len(rows))[:count]
    lengths = [len(renderer.prompt(task, rows[k].text)) + 1 for k in picked]
    for seed in range(3):
        assert padding(lengths, batches(lengths, 32, seed, 0)) < 0.1


def test_a_row_is_as_long_as_its_longest_reading() -> None:
    """With its answer shown, or with the reply that was liked less, where these are longer."""
    row = Rendered((1, 2), (3,))
    assert Sample(row).length == 3
    assert Sample(row, shown=(1,) * 9).length == 10
    assert Sample(row, rejected=Rendered((1, 2), (3,) * 5)).length == 7


def test_rows_that_are_answered_alike_come_together() -> None:
    """Labels, replies in words and pairs apart, each in their order; rows of one sort stay as they are."""
    row = Rendered((1, 2), (3,))
    label, words, pair = Sample(row), Sample(row, free=True), Sample(row, free=True, rejected=row)
    assert alike([pair, label, words, label]) == [[pair], [label, label], [words]]
    assert alike([label, label]) == [[label, label]]

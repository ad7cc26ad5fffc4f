"""A beginning learned over a project's past tasks: from which a few steps on a few examples reach further."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tiny
from homeostat.loop.making.beginning import PLAN, learn, past_of
from homeostat.loop.workshop import Exam, Workshop
from homeostat.stats.intervals import paired
from homeostat.train.few.shots import Reader, Shots
from homeostat.train.few.tuned import Tuned
from homeostat.types.dataset import Example
from loop.domains import DOMAINS, LABELS
from shown import Shown


def test_the_past_is_what_champions_learned(domains_shop: Workshop) -> None:
    """The labels of all tasks that somebody answers, with further rows, and nothing like a test row of any task."""
    past = past_of(domains_shop, [Example(text="what a day", target="weather")])
    assert set(past) == {*LABELS, "weather"}
    assert all(len(past[label]) == len(set(past[label])) == 80 for label in DOMAINS["parcels"])
    gone = past["late_delivery"][0]
    domains_shop.put_suite("parcels", [Exam(text=gone, target="late_delivery", time=0.0)])
    try:
        assert gone not in past_of(domains_shop)["late_delivery"]
    finally:
        domains_shop.put_suite("parcels", [])


@pytest.mark.parametrize("how", [pytest.param("joint", marks=pytest.mark.slow), "reptile"])
def test_few_steps_reach_further_from_there(domains_shop: Workshop, tmp_path: Path, shown: Shown, how: str) -> None:
    """Three examples of each of three labels and ten steps: more unseen rows are told right than from a plain start."""
    shop = domains_shop
    past = {label: texts for label, texts in past_of(shop).items() if label in LABELS}
    folder = learn(shop, past, tmp_path / "begins", how, replace(PLAN, rounds=10))
    assert not (Path(shop.config.folder) / "runs" / "beginning").exists()
    rows = tiny.examples(each=3, seed=41)
    shots = Shots.of([(row.text, row.target) for row in rows])
    pairs = [(text, label) for label in tiny.LABELS for text in tiny.texts(label, 60, 88)]
    said = {}
    for name, start in (("plain", None), ("learned", folder)):
        told = Tuned(start=start).learn(Reader.of(shop.config.model.base), shots).label([text for text, _ in pairs])
        said[name] = np.array([a == label for a, (_, label) in zip(told, pairs, strict=True)], dtype=float)
    of = "share of unseen rows told right after ten steps, more than from a plain start"
    shown.within(of, paired(said["learned"], said["plain"]))

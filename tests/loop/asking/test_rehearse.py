"""Recorded requests answered again by a version that is not released."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from small_project import DAY, START, TASK, configuration, rows, tiny_base

from homeostat.builtin.resources import model_path
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.loop.asking.rehearse import keep, rehearse
from homeostat.loop.workshop import Workshop
from homeostat.monitor.behavior.forecast import state_key
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.version import Version

LABELS = ("refund", "delivery", "login", "invoice")
N = 90


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    """A log of requests that were all answered with `refund`, a third labeled, and a model that knows nothing."""
    if not (model_path() / "tokenizer.json").exists():
        pytest.skip("the built-in model, whose tokenizer is used, is not there")
    config = configuration(tmp_path / "project", tiny_base(tmp_path / "base"))
    with closing(Workshop.open(config)) as opened:
        for name in ("old", "new"):
            opened.store.versions.put(
                Version(id=f"ver_{name}", task=TASK, time=START, base=config.model.base, kind="base", labels=LABELS)
            )
        texts = rows(LABELS, N, 3)
        opened.store.interactions.add(
            Interaction(
                id=f"int_{k:03}", task=TASK, time=START + k * DAY / 10, text=text, reply="refund", version="ver_old",
                confidence=0.95, tags={"half": str(k % 2)},
            )
            for k, (text, _) in enumerate(texts)
        )  # fmt: skip
        opened.store.feedback.add(
            Feedback(id=f"fbk_{k}", interaction=f"int_{k:03}", kind=FeedbackKind.LABEL, value=texts[k][1], time=START)
            for k in range(0, N, 3)
        )
        yield opened


def test_what_users_got_is_not_known_of_rows_that_were_imported(shop: Workshop) -> None:
    """Their empty reply is nobody's: what is wrong is told, and nothing of how it differs."""
    rest = [replace(row, reply="", version="", confidence=0.0) for row in shop.store.interactions.list(TASK)]
    later = [replace(row, id=f"int_later{k:03}", time=row.time + 100 * DAY) for k, row in enumerate(rest)]
    shop.store.interactions.add(later)
    shop.store.feedback.add(
        Feedback(id=f"fbk_l{k}", interaction=row.id, kind=FeedbackKind.LABEL, value="refund", time=START)
        for k, row in enumerate(later)
    )
    found = rehearse(shop, shop.store.versions.get("ver_new"), 20)
    assert found is not None
    assert (found.same, found.changes, found.shifts) == (None, (), {})
    assert "differs" not in found.behaviors
    assert found.behaviors["wrong"].seen.n == 20


def test_a_version_is_asked_what_users_asked(shop: Workshop) -> None:
    """Its real replies are counted: how many differ, how many are wrong, and what is expected of a week's requests."""
    version = shop.store.versions.get("ver_new")
    found = rehearse(shop, version, 60, live=1000)
    assert found is not None
    asked = shop.store.interactions.list(TASK)
    said = dict(
        zip(
            (r.text for r in asked), shop.replies(shop.config.task(TASK), version, [r.text for r in asked]), strict=True
        )
    )
    assert found.requests == 60
    assert found.until == asked[-1].time
    everyone = rehearse(shop, version, 500, live=1000)
    assert everyone is not None
    assert everyone.requests == N
    assert everyone.same == pytest.approx(sum(said[r.text] == "refund" for r in asked) / N)
    assert everyone.behaviors["differs"].seen.mean == pytest.approx(1 - everyone.same)
    truth = {row.id: said.value for row, said in shop.store.interactions.labeled(TASK)}
    wrong = sum(said[r.text] != truth[r.id] for r in asked if r.id in truth)
    assert everyone.behaviors["wrong"].seen.n == len(truth) == 30
    assert everyone.behaviors["wrong"].seen.mean == pytest.approx(wrong / 30)
    assert everyone.behaviors["wrong"].live == 333
    assert sum(change.n for change in everyone.changes) == pytest.approx(N * (1 - everyone.same), abs=9)
    week = rehearse(shop, version, 20)
    assert week is not None
    assert week.live == pytest.approx(71, abs=1)


def test_what_it_learned_from_is_left_out(shop: Workshop) -> None:
    """A version whose dataset holds 30 of the requests is rehearsed on the other 60."""
    learned = [Example(text="x", target="refund", task=TASK, interaction=f"int_{k:03}") for k in range(30)]
    dataset = store_dataset(
        shop.store, Curated(examples=learned, counts={}, labels=LABELS), task=TASK, turn="t", now=START
    )
    version = Version(
        id="ver_taught",
        task=TASK,
        time=START,
        base=shop.config.model.base,
        kind="base",
        labels=LABELS,
        dataset=dataset.id,
    )
    shop.store.versions.put(version)
    found = rehearse(shop, version, 500)
    assert found is not None
    assert (found.requests, found.since) == (60, shop.store.interactions.get("int_030").time)


def test_a_log_with_too_little_is_not_rehearsed(shop: Workshop) -> None:
    """Up to the moment of its tenth request there is nothing to tell."""
    version = shop.store.versions.get("ver_new")
    assert rehearse(shop, version, 500, until=START + DAY) is None
    keep(shop, version, START + DAY)
    assert shop.store.state.get(state_key("ver_new")) is None


def test_what_a_turn_keeps_is_plain(shop: Workshop) -> None:
    """The page finds it under the version's name, as JSON."""
    keep(shop, shop.store.versions.get("ver_new"), START + 100 * DAY)
    kept = shop.store.state.get(state_key("ver_new"))
    assert kept["requests"] == N
    assert kept["behaviors"]["differs"]["seen"]["n"] == N
    assert kept["changes"][0]["examples"][0]["before"] == "refund"


def test_a_week_is_thinned_and_not_cut(shop: Workshop) -> None:
    """Of the 71 requests of the newest week 24 are taken from all its days; 80 are more than it has, and reach back."""
    version = shop.store.versions.get("ver_new")
    few, many = rehearse(shop, version, 24), rehearse(shop, version, 80)
    assert few is not None
    assert many is not None
    assert few.requests == 24
    assert few.until - few.since == pytest.approx(7 * DAY, abs=0.2 * DAY)
    assert many.requests == 80
    assert many.until - many.since == pytest.approx(7.9 * DAY)


def test_what_was_said_later_is_not_known_yet(shop: Workshop) -> None:
    """A turn looks at its own moment: a label of the day after does not make a reply wrong."""
    version = shop.store.versions.get("ver_new")
    later = START + 200 * DAY
    shop.store.feedback.add(
        [Feedback(id="fbk_late", interaction="int_001", kind=FeedbackKind.LABEL, value="login", time=later)]
    )
    before, after = rehearse(shop, version, N, until=later - 1), rehearse(shop, version, N, until=later + 1)
    assert before is not None
    assert after is not None
    assert (before.behaviors["wrong"].seen.n, after.behaviors["wrong"].seen.n) == (30, 31)

"""By which versions a task's backtests are judged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.schema import Config
from homeostat.loop.backtests.backtest import Answered, Record
from homeostat.loop.backtests.judged import Note, judged, note, noted
from homeostat.loop.backtests.moments import FOLDER, MADE, planned
from homeostat.loop.backtests.retrained import REPLIES, key
from homeostat.loop.workshop import Workshop
from homeostat.train.named import named
from loop.retold import laid

SAID = Note(recipe="joint", moments=2, since=0.0, until=float("inf"))


def test_a_note_is_kept_for_each_task(tmp_path: Path) -> None:
    """Until another takes its place, or it is taken back; a window without an end comes back as it was."""
    config = Config(folder=str(tmp_path))
    assert noted(config, "routing") is None
    note(config, "routing", SAID)
    note(config, "other", replace(SAID, recipe="careful"))
    assert noted(config, "routing") == SAID
    note(config, "routing", replace(SAID, moments=3))
    assert noted(config, "routing") == replace(SAID, moments=3)
    note(config, "routing", None)
    assert noted(config, "routing") is None
    assert noted(config, "other") == replace(SAID, recipe="careful")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """A project on a tiny model."""
    with closing(laid(tmp_path_factory.mktemp("judged"))) as opened:
        yield opened


@pytest.fixture
def empty(shop: Workshop) -> Workshop:
    """The project without versions of backtests."""
    shutil.rmtree(Path(shop.config.folder) / FOLDER, ignore_errors=True)
    return shop


def make(shop: Workshop, log: Record, heads: Answered, n: int) -> None:
    """Versions as a run would have left them, the first n of three; each is right at every other request."""
    recipe = named("joint", shop.config.train)
    task = shop.config.task("routing")
    for moment in planned(shop, task, log, recipe, heads.step, heads.times, SAID.moments)[:n]:
        moment.folder.mkdir(parents=True, exist_ok=True)
        about = {"kind": "lora", "labels": moment.labels, "prior": [], "cost": {"cpu_seconds": 36.0}}
        (moment.folder / MADE).write_text(json.dumps(about))
        rows = [row for row, step in zip(log.labeled, heads.step, strict=True) if step >= moment.step]
        lines = [[key(row.text), row.target if k % 2 else "no", 0.5] for k, row in enumerate(rows)]
        (moment.folder / REPLIES).write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def test_as_far_as_they_are_there(empty: Workshop, log: Record, heads: Answered) -> None:
    """All of them, or those before the first that is not; none where there is but the first champion. Nothing is
    trained and no model is opened.
    """
    assert judged(empty, "routing", SAID, log, heads) is None
    make(empty, log, heads, 1)
    assert judged(empty, "routing", SAID, log, heads) is None
    make(empty, log, heads, 2)
    part = judged(empty, "routing", SAID, log, heads)
    assert part is not None
    assert (len(part.made), part.left_out) == (2, 1)
    make(empty, log, heads, 3)
    found = judged(empty, "routing", SAID, log, heads)
    assert found is not None
    assert (len(found.made), found.left_out) == (3, 0)
    assert all(one.kept and one.right.mean == pytest.approx(0.5) for one in found.made)
    assert found.price == pytest.approx(36.0 / 3600 * empty.config.decide.price_per_cpu_hour)
    assert found.answered.heads is heads.right


def test_what_was_trained_on_another_log_is_not_taken(empty: Workshop, log: Record, heads: Answered) -> None:
    """A label that is another than it was makes other versions from its moment on; another recipe makes all others."""
    make(empty, log, heads, 3)
    early, late = (
        replace(
            log, labeled=[replace(row, target="light_out") if k == at else row for k, row in enumerate(log.labeled)]
        )
        for at in (0, 120)
    )
    assert judged(empty, "routing", SAID, early, heads) is None
    part = judged(empty, "routing", SAID, late, heads)
    assert part is not None
    assert len(part.made) == 2
    assert judged(empty, "routing", replace(SAID, recipe="careful"), log, heads) is None


def test_a_version_that_was_not_asked_everything_is_not_there(
    empty: Workshop,
    log: Record,
    heads: Answered,
) -> None:
    """A run that was killed while it asked is gone on with by training again, and not by a backtest."""
    make(empty, log, heads, 3)
    recipe = named("joint", empty.config.train)
    last = planned(empty, empty.config.task("routing"), log, recipe, heads.step, heads.times, SAID.moments)[-1]
    lines = (last.folder / REPLIES).read_text().splitlines(keepends=True)
    (last.folder / REPLIES).write_text("".join(lines[:-1]))
    found = judged(empty, "routing", SAID, log, heads)
    assert found is not None
    assert len(found.made) == 2

"""A project on a tiny model, and a log that a backtest with trained versions goes through."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import tiny
from homeostat.config.load import load
from homeostat.loop.backtests.backtest import Answered, Record, answered
from homeostat.loop.workshop import Workshop
from homeostat.metrics.replies import right
from homeostat.types.task import Kind
from loop.backtests.test_backtest import record

STEPS = 6
FILE = """\
project: shop
model: {{base: {base}}}
tasks: {{routing: {{kind: label}}}}
train: {{epochs: 5, batch_rows: 16, rank: 4, held_out: 0, lr: 0.01}}
"""


def laid(folder: Path) -> Workshop:
    """The project."""
    (folder / "homeostat.yaml").write_text(FILE.format(base=tiny.llama(folder / "base")))
    return Workshop.open(load(folder))


def told() -> Record:
    """A request a second; half way every other one begins to have a label that nobody knew."""
    return replace(record(240), memory=tiny.examples(each=20))


def by_heads(log: Record) -> Answered:
    """What heads reply to it."""
    return answered(log, partial(right, Kind.LABEL), steps=STEPS)

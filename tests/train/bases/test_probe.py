"""How a base does on the user's rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import tiny
from homeostat.train.bases.compare import parted
from homeostat.train.bases.probe import Rows, probe
from homeostat.train.rates import suited
from homeostat.types.dataset import Example


def test_a_short_training_helps(llama: Path, rows: Rows, tmp_path: Path) -> None:
    """After 60 steps the tiny decoder gets more rows right than before, and what it took is told."""
    made = probe(str(llama), replace(rows, steps=60), tmp_path)
    assert len(made.before) == len(made.after) == len(rows.exam)
    assert set(made.before) | set(made.after) <= {0.0, 1.0}
    assert sum(made.after) > sum(made.before) + 10
    assert made.rows == made.after
    assert made.rate == suited(48, "lora")
    assert made.flops > 0
    assert made.cpu_seconds > 0
    assert made.latency_ms > 0
    assert made.memory_bytes > 10e6


def test_without_steps_nothing_is_trained(llama: Path, rows: Rows, tmp_path: Path) -> None:
    """The base is asked as it is, and judged by that."""
    made = probe(str(llama), replace(rows, steps=0), tmp_path / "none")
    assert made.after == ()
    assert made.rows == made.before
    assert made.flops == 0
    assert not (tmp_path / "none").exists()


def test_the_same_budget_for_all(llama: Path, rows: Rows, tmp_path: Path) -> None:
    """The same seed gives the same rows right."""
    first, again = (probe(str(llama), replace(rows, steps=8), tmp_path / name) for name in ("one", "two"))
    assert (first.after, first.flops) == (again.after, again.flops)


def test_replies_are_judged_by_the_byte(llama: Path, tmp_path: Path) -> None:
    """Of a task that answers in words a row is worth the probability of a byte of its reply, which training raises."""
    examples = [Example(text=row.text, target=f"we are sorry about {row.target}") for row in tiny.examples(each=20)]
    learn, exam = parted(examples)
    made = probe(str(llama), Rows(task=tiny.REPLIES, labels=(), learn=learn, exam=exam, steps=20), tmp_path)
    assert all(0 < worth < 1 for worth in (*made.before, *made.after))
    assert sum(made.after) > 1.5 * sum(made.before)

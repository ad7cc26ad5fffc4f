"""Several bases beside each other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from homeostat.errors import ModelNotFound, NothingToTrainOn
from homeostat.stats.intervals import mean_interval
from homeostat.train.bases.compare import EXAMINED, Candidate, compare, parted, ranked
from homeostat.train.bases.probe import Probe, Rows
from homeostat.types.dataset import Example


def candidate(base: str, right: int, of: int = 100, *, latency_ms: float = 10.0) -> Candidate:
    """A base that got so many rows right, the first ones."""
    worth = tuple(float(k < right) for k in range(of))
    made = Probe(before=(0.0,) * of, after=worth, latency_ms=latency_ms, memory_bytes=1e8)
    return Candidate(base=base, probe=made, before=mean_interval(made.before), after=mean_interval(worth))


@pytest.mark.slow
def test_the_pretrained_model_is_ranked_over_a_copy_that_knows_nothing(ignorant: Path, support: Rows) -> None:
    """After the same 24 steps the built-in model is ahead of its own architecture with random weights, by an
    interval that leaves out 0, and is recommended; a name that is not there is told and keeps nobody up.
    """
    seen: list[tuple[int, str]] = []
    found = compare([str(ignorant), "builtin", "./nowhere"], support, lambda done, base: seen.append((done, base)))
    assert [each.base for each in found.candidates] == ["builtin", str(ignorant), "./nowhere"]
    assert found.recommended == "builtin"
    first, second, third = found.candidates
    assert first.behind is None
    assert second.behind is not None
    assert second.behind.low > 0
    assert first.after is not None
    assert second.after is not None
    assert first.after.n == second.after.n == found.rows == len(support.exam)
    assert first.facts is not None
    assert second.facts is not None
    assert first.facts.parameters == second.facts.parameters
    assert first.reading == second.reading
    assert third.failed.startswith("E301")
    assert seen == [(0, str(ignorant)), (1, "builtin"), (2, "./nowhere")]
    assert "ahead of" in found.why
    assert "apache-2.0" in found.why
    assert "after 24 steps" in found.why


def test_none_is_an_error(rows: Rows) -> None:
    """Where no base can be tried, the reason is the command's."""
    with pytest.raises(ModelNotFound):
        compare(["./nowhere"], rows)


def test_within_chance_the_quicker_one(rows: Rows) -> None:
    """Two rows of a hundred may be chance: of the two the one that answers sooner is taken, and it says so."""
    found = ranked([candidate("slow", 82, latency_ms=90.0), candidate("quick", 80, latency_ms=9.0)], rows)
    assert [each.base for each in found.candidates] == ["slow", "quick"]
    assert found.recommended == "quick"
    assert "as good as slow within chance, and quicker" in found.why


def test_beyond_chance_the_better_one(rows: Rows) -> None:
    """Twenty rows of a hundred are not chance, however slow it is."""
    found = ranked([candidate("quick", 60, latency_ms=1.0), candidate("slow", 80, latency_ms=90.0)], rows)
    assert found.recommended == "slow"
    assert "ahead of quick by 0.200" in found.why
    assert "names no license" in found.why


def test_the_exam_is_not_learned() -> None:
    """No text is on both sides; a quarter of the texts is the exam, 200 at most, the same whatever the order."""
    examples = tiny.examples(tuple(tiny.WORDS), each=40)
    learn, exam = parted([*examples, *examples[:30]])
    assert {row.text for row in learn}.isdisjoint(row.text for row in exam)
    texts = len({row.text for row in examples})
    assert len({row.text for row in exam}) == round(texts / 4)
    assert {row.text for row in parted(examples[::-1])[1]} == {row.text for row in exam}
    many = [Example(text=f"row {k}", target="a") for k in range(2000)]
    assert len(parted(many)[1]) == EXAMINED


def test_too_few_rows() -> None:
    """One text cannot be learned and examined."""
    with pytest.raises(NothingToTrainOn):
        parted([Example(text="a", target="b")] * 5)


def test_a_base_that_fails_has_its_reason(rows: Rows, llama: Path, tmp_path: Path) -> None:
    """Too few codes for the labels is that base's own failure, told with its code."""
    labels = tuple(f"label_{k}" for k in range(100))
    found = compare([str(llama), "builtin"], replace(rows, labels=(*rows.labels, *labels), steps=0))
    failed = [each for each in found.candidates if each.failed]
    assert all(each.failed.startswith("E3") for each in failed)
    assert [each.base for each in failed] == [str(llama)]

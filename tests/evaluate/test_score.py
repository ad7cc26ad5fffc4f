"""Outcomes per row, their means, and the fingerprint that a verdict rests on."""

import hashlib

import pytest

from homeostat.evaluate.score import (
    PairedRow,
    Row,
    by_group,
    differences,
    fingerprint,
    from_lines,
    pair,
    score,
    to_lines,
)


def rows(*values: float, group: str = "old") -> list[Row]:
    return [Row(id=f"{group}{i}", group=group, value=value) for i, value in enumerate(values)]


def test_score_has_interval_and_n() -> None:
    """The mean never comes without its interval and its n; right or wrong gets the exact interval."""
    got = score(rows(1, 1, 1, 1, 1, 1, 1, 1, 1, 0))
    assert (got.mean, got.n) == (0.9, 10)
    assert got.low == pytest.approx(0.5550, abs=1e-4)
    assert got.high == pytest.approx(0.9975, abs=1e-4)


def test_rows_that_belong_together_are_worth_fewer() -> None:
    """Rows of families of two that fare alike say as much as half of them; the count stays that of rows."""
    alone = rows(*(1.0, 1.0, 0.0, 0.0) * 50)
    families = [Row(id=row.id, group="old", value=row.value, cluster=str(k // 2)) for k, row in enumerate(alone)]
    got, whole = score(families), score(alone)
    half = score(rows(*(1.0, 0.0) * 50))
    assert (got.mean, got.n) == (whole.mean, whole.n) == (0.5, 200)
    assert got.high - got.low == pytest.approx(half.high - half.low, rel=0.05)
    assert got.high - got.low > 1.2 * (whole.high - whole.low)
    assert by_group(families) == {"old": got}


def test_by_group_keeps_the_order_of_appearance() -> None:
    """Every group has its own score, in the order in which the rows name them."""
    got = by_group(rows(1, 1, group="b") + rows(0, group="a") + rows(0, 0, group="b"))
    assert {name: (one.mean, one.n) for name, one in got.items()} == {"b": (0.5, 4), "a": (0.0, 1)}
    assert list(got) == ["b", "a"]


def test_pair_matches_by_id_whatever_the_order() -> None:
    """Candidate and champion are brought together by row id."""
    got = pair(rows(1, 0, 0.5), list(reversed(rows(0, 0, 1))))
    assert [(row.id, row.candidate, row.champion) for row in got] == [("old0", 1, 0), ("old1", 0, 0), ("old2", 0.5, 1)]
    assert differences(got).tolist() == [1.0, 0.0, -0.5]


@pytest.mark.parametrize("other", [rows(1, 1), rows(1, 1, 1, group="new"), rows(1, 1, 1) + rows(1)])
def test_pair_refuses_other_rows(other: list[Row]) -> None:
    """Two versions that answered different rows, or one row twice, are not compared."""
    with pytest.raises(ValueError, match="different rows"):
        pair(rows(1, 0, 1), other)


def test_fingerprint_is_the_hash_of_the_lines() -> None:
    """The rows survive the way to a blob and back, and the blob's content hash is the fingerprint."""
    paired = pair(rows(1, 0, 0.25, group="neü"), rows(0, 1, 0.5, group="neü"))
    text = to_lines(paired)
    assert from_lines(text) == paired
    assert fingerprint(paired) == hashlib.sha256(text.encode()).hexdigest()
    assert fingerprint(paired) != fingerprint((*paired, PairedRow(candidate=1, champion=1)))


def test_what_a_row_does_not_say_is_not_written():
    """A plain row is as short as it was: old reports keep their fingerprints."""
    plain = PairedRow(id="1", group="old", candidate=1.0, champion=0.0)
    assert to_lines([plain]) == '{"id": "1", "group": "old", "candidate": 1.0, "champion": 0.0}\n'
    full = PairedRow(
        id="2", candidate=1.0, champion=0.0, said=("a", "b"), sure=(0.5, 0.0), formed=(1.0, 0.0), cluster="0"
    )
    assert from_lines(to_lines([plain, full])) == (plain, full)

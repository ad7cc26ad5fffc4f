from __future__ import annotations

import math

import pytest

from homeostat.store.interactions import Figures
from homeostat.web.usage import MANY, STRETCHES, VALUES, usage

DAY = 86_400.0


def row(time: float, *, took: float = 10.0, version: str = "ver_1", **tags: str) -> Figures:
    return Figures("int", time, 0.9, took, 30, 4, version, tags)


def test_every_request_stands_in_its_stretch() -> None:
    """Stretches are of equal length, follow on one another without a gap, and hold all that was answered."""
    rows = [row(DAY * 100 + 37 * k * k) for k in range(300)]
    found = usage(rows)
    assert found.whole is not None
    assert sum(one.requests for one in found.stretches) == found.whole.requests == 300
    assert all(a.end == b.start for a, b in zip(found.stretches, found.stretches[1:], strict=False))
    assert len({round(one.end - one.start, 6) for one in found.stretches}) == 1
    for one in found.stretches:
        assert one.requests == sum(one.start <= r.time < one.end for r in rows)


@pytest.mark.parametrize("span", [0.0, 50.0, 3_000.0, 2 * DAY, 400 * DAY, 20_000 * DAY])
def test_there_are_never_too_many(span: float) -> None:
    """Whatever the traffic spans, with round lengths."""
    found = usage([row(1e9), row(1e9 + span)])
    assert 1 <= len(found.stretches) <= STRETCHES
    assert (found.stretches[0].end - found.stretches[0].start) % 60 == 0


def test_latencies_and_tokens_are_those_of_the_stretch() -> None:
    """Half took no longer than the median; a stretch without requests has neither; what is no number is passed over."""
    slow = [row(DAY + k, took=100.0 * k) for k in range(1, 21)]
    found = usage([row(0.0, took=5.0), *slow, row(DAY + 30, took=math.nan)])
    assert found.stretches[0].p50_ms == 5.0
    last = found.stretches[-1]
    assert last.p50_ms == pytest.approx(1050.0)
    assert last.p95_ms == pytest.approx(1905.0)
    assert (last.prompt_tokens, last.reply_tokens) == (30.0, 4.0)
    empty = [one for one in found.stretches if not one.requests]
    assert empty
    assert {(one.p50_ms, one.prompt_tokens) for one in empty} == {(None, None)}


def test_imported_rows_are_no_traffic() -> None:
    """Nobody answered them."""
    assert usage([row(1.0, version="")]).stretches == ()
    assert usage([]).whole is None


def test_shares_of_tags_move_with_the_traffic() -> None:
    """A value that half of the requests have from the second day on; the commonest values stand first."""
    rows = [row(60.0 * k, kind="old") for k in range(1440)]
    rows += [row(DAY + 60.0 * k, kind="old" if k % 2 else "new") for k in range(1440)]
    (tag,) = usage(rows).tags
    assert list(tag.values) == ["old", "new"]
    assert set(tag.values["new"][:24]) == {0.0}
    assert tag.values["new"][30] == pytest.approx(0.5, abs=0.05)


def test_names_are_no_tags() -> None:
    """A tag with a value for each request is left out; of one with some values the rarest are, and counted."""
    rows = [row(float(k), user=f"u{k}", plan=f"p{min(k % 20, 6)}") for k in range(MANY * 10)]
    (tag,) = usage(rows).tags
    assert (tag.name, len(tag.values), tag.others) == ("plan", VALUES, 7 - VALUES)
    assert next(iter(tag.values)) == "p6"

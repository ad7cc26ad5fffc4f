from __future__ import annotations

import time

import pytest

from homeostat.store import Store
from homeostat.web.newest import newest
from web import factory


def filled(store: Store, times: list[float]) -> list[str]:
    """Interactions at these times; their ids from the newest to the oldest."""
    rows = [factory.interaction(k, "x", "y", time=moment) for k, moment in enumerate(times)]
    store.interactions.add(rows)
    return [row.id for row in sorted(rows, key=lambda row: (row.time, row.id), reverse=True)]


@pytest.mark.parametrize("n", [1, 7, 100, 5_000])
def test_the_newest_come_first_however_times_are_spread(empty: Store, n: int) -> None:
    """Years of silence, a burst, equal times and a clock that is ahead change nothing."""
    now = time.time()
    times = [1e9 + k for k in range(50)] + [1.7e9] * 60 + [1.7e9 + k / 100 for k in range(400)] + [now + 1e7] * 3
    ids = filled(empty, times)
    assert [row.id for row in newest(empty, "routing", n)] == ids[:n]


def test_a_moment_and_a_version_narrow_the_search(empty: Store) -> None:
    """What comes at `until` or later, and what others answered, is not among the newest."""
    filled(empty, [1e9 + k for k in range(600)])
    found = newest(empty, "routing", 5, until=1e9 + 300, version=factory.FIRST)
    assert [row.time - 1e9 for row in found] == [299, 298, 297, 296, 295]
    assert [row.time - 1e9 for row in newest(empty, "routing", 2, version=factory.SECOND)] == [599, 598]


def test_an_empty_log_has_no_newest(empty: Store) -> None:
    """Nothing is found where there is nothing."""
    assert newest(empty, "routing", 5) == []

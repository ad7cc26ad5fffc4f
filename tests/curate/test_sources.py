"""No source gives more of a dataset than its part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.curate.sources import EVEN, FEW, SHARE, allowance, bounded
from homeostat.types.dataset import Example


def rows(*given: tuple[str, int]) -> tuple[list[Example], dict[str, str]]:
    """So many rows of each source, in turn of time, and who gave which."""
    found, sources = list[Example](), dict[str, str]()
    for source, n in given:
        for k in range(n):
            id = f"int_{source}_{k}"
            found.append(Example(text=f"{source} {k}", target="a", interaction=id, time=float(k)))
            sources[id] = source
    return found, sources


def test_a_flood_makes_no_room_for_itself() -> None:
    """Of 10,000 rows of one source beside 1,000 of 500 others eleven are left: a hundredth of what is left."""
    given = [("loud", 10_000), *((f"user{k}", 2) for k in range(500))]
    found, sources = rows(*given)
    left = bounded(found, sources)
    loud = [row for row in left if sources[row.interaction] == "loud"]
    assert (len(left), len(loud)) == (1010, 10)
    assert len(loud) / len(left) <= SHARE
    assert min(row.time for row in loud) == 9_990.0  # its newest


def test_who_is_not_bounded() -> None:
    """A desk of a few, whoever is trusted, rows of nobody, and imported rows."""
    few, of_few = rows(("desk", 900), *((f"user{k}", 1) for k in range(FEW - 2)))
    assert bounded(few, of_few) == few
    many, of_many = rows(("desk", 900), ("", 300), *((f"user{k}", 1) for k in range(100)))
    imported = Example(text="old", target="b")
    left = bounded([*many, imported], of_many, trusted=("desk",))
    assert left == [*many, imported]
    assert len(bounded(many, of_many)) < 500


@pytest.mark.slow
@given(st.lists(st.integers(1, 60), min_size=FEW, max_size=300), st.integers(0, 500))
def test_what_is_left_holds_the_bound(given: list[int], others: int) -> None:
    """Whatever they gave, no source has more than its share of what is left, or one row; and one row more of everybody
    would break it, or nobody has more.
    """
    most = allowance(given, others)
    assert most is not None
    share, left = max(SHARE, EVEN / len(given)), others + sum(min(n, most) for n in given)
    assert most <= max(1, share * left)
    if most < max(given):
        more = others + sum(min(n, most + 1) for n in given)
        assert most + 1 > share * more


def test_order_is_kept() -> None:
    """Rows come back in the order in which they were given."""
    found, sources = rows(*((f"user{k}", 1 + 3 * (k % 7)) for k in range(40)))
    left = bounded(found, sources)
    places = [found.index(row) for row in left]
    assert places == sorted(places)


@pytest.mark.parametrize("n", [0, 5, FEW - 1])
def test_few_sources(n: int) -> None:
    """Below twenty sources there is no bound."""
    assert allowance([100] * n) is None

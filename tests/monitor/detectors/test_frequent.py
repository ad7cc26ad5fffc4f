"""What comes often is kept, whatever else comes, in constant memory."""

import json

import numpy as np

from homeostat.monitor.detectors.frequent import Frequent, way_of


def taken(names, limit):
    """All of these names, one after the other, and which ones had to go."""
    kept = Frequent(limit)
    return kept, [gone for gone in map(kept.take, names) if gone]


def test_while_there_is_room_all_are_counted():
    """Nothing goes, and counts are exact."""
    kept, gone = taken(["a=1", "a=2", "a=1", "b=1"], 3)
    assert (gone, kept.state(), kept.ways, len(kept)) == ([], {"a=1": 2, "a=2": 1, "b=1": 1}, 2, 3)
    assert "a=2" in kept
    assert "b=2" not in kept


def test_what_is_common_stays_among_thousands_that_are_not():
    """Of twelve places: each value that is more than a twelfth of 20,000 rows is there, and its count is too high by at
    most a twelfth of them.
    """
    draw = np.random.default_rng(0)
    common = draw.choice(5, 20_000, p=[0.3, 0.3, 0.2, 0.1, 0.1])
    names = [f"t={c}" if draw.random() < 0.9 else f"t=u{k}" for k, c in enumerate(common.tolist())]
    kept, gone = taken(names, 12)
    true = {f"t={k}": names.count(f"t={k}") for k in range(4)}
    assert len(kept) == 12
    assert len(gone) > 1_500
    assert all(true[name] <= kept.state()[name] <= true[name] + 20_000 / 12 for name in true)


def test_a_tag_of_many_values_takes_no_place_from_another():
    """Every row has a new session; the ten replies, each a tenth of the rows, are never without a place."""
    kept = Frequent(30)
    for row in range(3_000):
        for name in (f"session={row}", f"reply={row % 10}"):
            assert not kept.take(name).startswith("reply=")
    assert sum(way_of(name) == "reply" for name in kept.state()) == 10
    assert kept.ways == 2


def test_a_way_that_comes_late_finds_its_place():
    """The rarest value of the way with most of them makes it, and a new one of another way begins with one."""
    kept, gone = taken(["a=1", "a=1", "a=2", "a=3", "a=3", "b=1"], 3)
    assert (gone, kept.state()) == (["a=2"], {"a=1": 2, "a=3": 2, "b=1": 1})


def test_it_goes_on_from_what_it_has_put_down():
    """Through JSON, in the order in which names came."""
    draw = np.random.default_rng(1)
    names = [f"{'ab'[k % 2]}={n}" for k, n in enumerate(draw.integers(0, 40, 600))]
    first, second = taken(names[:300], 20)[0], Frequent(20)
    second.load(json.loads(json.dumps(first.state())))
    assert [first.take(name) for name in names[300:]] == [second.take(name) for name in names[300:]]
    assert first.state() == second.state()
    assert first.ways == second.ways

"""The slice that explains a move is ranked first, and where nothing moved none is called certain."""

from __future__ import annotations

import numpy as np

from homeostat.monitor.naming.candidates import Candidate, Kind
from homeostat.monitor.naming.ranking import Ranked, Windows, rank, strange

N, M = 800, 300


def windows(rng: np.random.Generator, moved: np.ndarray, *, late: int = 0) -> Windows:
    """800 rows before and 300 since, of which the moved ones are stranger; the first `late` came before the alarm."""
    current = np.arange(N + M) >= N
    strangeness = rng.normal(size=(N + M, 2))
    strangeness[moved & current, 0] += 2.5
    return Windows(current, np.arange(N + M) >= N + late, strangeness)


def sets(rng: np.random.Generator, n: int = 60) -> list[Candidate]:
    """Sets of rows by lot, of a tenth to a half of them."""
    masks = (rng.random(N + M) < share for share in rng.uniform(0.1, 0.5, n))
    return [Candidate(f"tag={k}", Kind.TAG, mask, f"t{k}") for k, mask in enumerate(masks)]


def first(found: list[Candidate], seen: Windows) -> Ranked:
    return rank(found, seen, 0.05)[0]


def test_a_slice_whose_rows_turn_strange_comes_first() -> None:
    """It is no larger than before, it carries most of the move, and it is certain, in all of five draws."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        others = sets(rng)
        moved = Candidate("segment=bank", Kind.TAG, rng.random(N + M) < 0.2, "segment")
        top = first([*others, moved], windows(rng, moved.members))
        assert top.candidate.name == "segment=bank"
        assert top.sure
        assert top.carries > 0.6


def test_a_slice_that_grows_comes_first() -> None:
    """From nothing to a fifth of the requests: it has all of the move, whatever else holds its rows too."""
    rng = np.random.default_rng(1)
    new = (rng.random(N + M) < 0.2) & (np.arange(N + M) >= N)
    whole = Candidate("script=latin", Kind.SCRIPT, rng.random(N + M) < 0.95, "script")
    part = Candidate("", Kind.BOTH, new & (rng.random(N + M) < 0.5), "both")
    top = first([whole, part, *sets(rng), Candidate("script=tamil", Kind.SCRIPT, new, "script")], windows(rng, new))
    assert (top.candidate.name, top.before, top.sure) == ("script=tamil", 0.0, True)
    assert top.carries > 0.95


def test_of_two_that_explain_it_as_well_the_simpler_one() -> None:
    """A model of the provider's before the topic that holds the same rows; signs and replies last."""
    rng = np.random.default_rng(2)
    new = (rng.random(N + M) < 0.2) & (np.arange(N + M) >= N)
    kinds = (Kind.SIGN, Kind.REPLY, Kind.TOPIC, Kind.UPSTREAM)
    found = rank([Candidate(kind.value, kind, new, kind.value) for kind in kinds], windows(rng, new), 0.05)
    assert [one.candidate.kind for one in found] == [Kind.UPSTREAM, Kind.TOPIC, Kind.REPLY, Kind.SIGN]


def test_the_slice_of_the_alarm_comes_first() -> None:
    """Where the move of all requests is too small to rank by; not where another explains most of it; nor a reply."""
    named = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        few = rng.random(N + M) < 0.04
        slight = Candidate("segment=bank", Kind.TAG, few, "segment")
        seen = windows(rng, few)
        others = sets(rng)
        named += first([slight, *others], seen).candidate.name != "segment=bank"
        assert rank([slight, *others], seen, 0.05, "segment=bank")[0].candidate.name == "segment=bank"
        assert first([slight, *others], seen).candidate is rank([slight, *others], seen, 0.05, "a=b")[0].candidate
    assert named >= 5
    rng = np.random.default_rng(7)
    new = (rng.random(N + M) < 0.3) & (np.arange(N + M) >= N)
    tamil = Candidate("script=tamil", Kind.SCRIPT, new, "script")
    chance = Candidate("segment=bank", Kind.TAG, rng.random(N + M) < 0.2, "segment")
    reply = Candidate("reply=refund", Kind.REPLY, rng.random(N + M) < 0.2, "reply")
    for alarmed in ("segment=bank", "reply=refund"):
        assert rank([tamil, chance, reply], windows(rng, new), 0.05, alarmed)[0].candidate.name == "script=tamil"


def test_where_nothing_moved_hardly_any_is_certain() -> None:
    """A slice is named in at most a twentieth of 40 pairs of windows."""
    named = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        named += any(one.sure for one in rank(sets(rng, 30), windows(rng, np.zeros(N + M, bool)), 0.05))
    assert named <= 2


def test_rows_that_raised_the_alarm_bear_no_witness() -> None:
    """An alarm picks strange rows: what they have in common is ranked, and nothing is certain by them alone."""
    rng = np.random.default_rng(3)
    moved = Candidate("tag=a", Kind.TAG, rng.random(N + M) < 0.2, "a")
    seen = windows(rng, moved.members, late=M)
    found = rank([moved, *sets(rng)], seen, 0.05)
    assert found[0].candidate.name == "tag=a"
    assert not any(one.sure for one in found)
    assert rank([], seen, 0.05) == []


def test_strange_is_what_the_channel_that_moved_calls_so() -> None:
    """Also where rows have become more familiar than before; unknown ones are unremarkable."""
    rng = np.random.default_rng(4)
    seen = windows(rng, np.ones(N + M, bool))
    seen.strangeness[:5, :] = np.nan
    assert np.corrcoef(strange(seen)[5:], seen.strangeness[5:, 0])[0, 1] > 0.9
    assert (strange(seen)[:5] == 0).all()
    tamer = Windows(seen.current, seen.fresh, -seen.strangeness)
    assert strange(tamer)[seen.current].mean() > strange(tamer)[~seen.current].mean()

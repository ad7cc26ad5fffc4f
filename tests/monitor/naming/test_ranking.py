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


# ── what is no property of a request ────────────────────────────────────────────────────────────────────────────────


def test_what_came_of_requests_is_first_where_nothing_of_them_explains_the_move() -> None:
    """A fifth of the replies is slow and strange, whatever was asked: first, and certain, in all of five draws."""
    for seed in range(5):
        rng = np.random.default_rng([seed, 4])
        slow = (rng.random(N + M) < 0.2) & (np.arange(N + M) >= N)
        seen = windows(rng, slow)
        top = first([*sets(rng), Candidate("latency of 1 s or more", Kind.LATENCY, slow, "latency")], seen)
        assert top.candidate.kind is Kind.LATENCY
        assert top.sure
        assert top.carries > 0.8


def test_a_cause_stands_before_what_came_of_it() -> None:
    """Requests in another language are refused: the language is first, the refusals are told beside it."""
    rng = np.random.default_rng(5)
    new = (rng.random(N + M) < 0.2) & (np.arange(N + M) >= N)
    language = Candidate("language=de", Kind.LANGUAGE, new, "language")
    refusal = Candidate("replies that refuse", Kind.REFUSAL, new & (rng.random(N + M) < 0.95), "refusal")
    found = rank([refusal, language, *sets(rng)], windows(rng, new), 0.05)
    assert [one.candidate.name for one in found[:2]] == ["language=de", "replies that refuse"]


def test_latencies_that_rise_for_all_explain_nothing() -> None:
    """Half of the replies take longer since the change, whether strange or not; the segment that moved stays first."""
    rng = np.random.default_rng(6)
    moved = Candidate("segment=bank", Kind.TAG, rng.random(N + M) < 0.2, "segment")
    slower = Candidate(
        "latency of 100 ms or more", Kind.LATENCY, rng.random(N + M) < np.where(np.arange(N + M) < N, 0.1, 0.6), "l"
    )
    ranked = rank([slower, moved, *sets(rng)], windows(rng, moved.members), 0.05)
    assert ranked[0].candidate.name == "segment=bank"
    (there,) = [one for one in ranked if one.candidate.kind is Kind.LATENCY]
    assert there.score < 0.2
    assert there.sure  # its share has certainly moved


def hours(name: str, members: np.ndarray) -> Candidate:
    """A part of the week."""
    return Candidate(name, Kind.HOUR, members, "hour")


def test_that_it_is_another_day_now_is_no_move() -> None:
    """All requests since the change came on one day, on which none came before: nothing grows more than that, and it is
    neither first nor certain.
    """
    rng = np.random.default_rng(7)
    moved = Candidate("segment=bank", Kind.TAG, rng.random(N + M) < 0.2, "segment")
    later = np.arange(N + M) >= N
    ranked = rank([hours("on Mondays", later), moved, *sets(rng)], windows(rng, moved.members), 0.05)
    (day,) = [one for one in ranked if one.candidate.kind is Kind.HOUR]
    assert ranked[0].candidate.name == "segment=bank"
    assert not day.sure
    assert day.score < 0.1


def test_what_moves_by_night_alone_is_named_so() -> None:
    """A third of the requests come by night, before and since; since the change those are strange."""
    rng = np.random.default_rng(8)
    night = hours("from 0 to 4 UTC", rng.random(N + M) < 0.33)
    day = hours("from 8 to 12 UTC", ~night.members & (rng.random(N + M) < 0.5))
    top = first([day, night, *sets(rng)], windows(rng, night.members))
    assert top.candidate.name == "from 0 to 4 UTC"
    assert top.sure


def test_where_nothing_moved_no_hour_is_certain() -> None:
    """Forty windows, fourteen parts of the week, of which some come more often now: at most what chance allows."""
    named = 0
    for seed in range(40):
        rng = np.random.default_rng([seed, 11])
        later = np.arange(N + M) >= N
        parts = [
            hours(f"h{k}", rng.random(N + M) < np.where(later, now, before))
            for k, (before, now) in enumerate(rng.uniform(0.05, 0.5, (14, 2)))
        ]
        still = Windows(later, later, rng.normal(size=(N + M, 2)))
        named += any(one.sure for one in rank(parts, still, 0.05))
    assert named <= 4

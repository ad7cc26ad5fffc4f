"""What every store does with the nouns of a turn and the small things beside them."""

import math
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.types.alert import Alert, Remedy, Severity
from homeostat.types.dataset import Dataset
from homeostat.types.decision import Action, Alternative, Decision
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome, Report, Score, Verdict
from homeostat.types.signal import Moved, Signal
from homeostat.types.silence import Silence
from homeostat.types.turn import Turn
from homeostat.types.version import State, Version

SCORE = Score(mean=0.9, low=0.85, high=0.95, n=100)
NOUNS: dict[str, Any] = {
    "signals": Signal(
        id="sig_1",
        task="t",
        time=1.0,
        moved=Moved.MIX,
        detector="ks",
        statistic=9.5,
        threshold=4.0,
        n=300,
        since=0.5,
        slice="segment=business",
        examples=("int_1", "int_2"),
    ),
    "decisions": Decision(
        id="dec_1",
        task="t",
        time=2.0,
        action=Action.RETRAIN,
        because="it pays",
        gain=0.05,
        gain_interval=(0.01, 0.09),
        cost=3.0,
        alternatives=(Alternative(action="wait", gain=0.0, cost=0.0),),
        signals=("sig_1",),
    ),
    "datasets": Dataset(
        id="dst_1",
        task="t",
        time=3.0,
        blob="",
        counts={"selected": 9, "labeled": 5, "mixed": 7},
        labels=("refund", "order status"),
        parents=("dst_0",),
    ),
    "versions": Version(
        id="ver_1",
        task="t",
        time=4.0,
        base="builtin",
        labels=("refund", "naïve \x00 \ud800"),
        prior=(-0.5, math.inf),
        parent="ver_0",
        dataset="dst_1",
        recipe={"lr": 2e-3, "adapt": "lora", "layers": [1, 2], "warm": True, "none": None},
        cost={"flops": 1e18, "steps": 40},
        state=State.SHADOW,
        config="c" * 64,
    ),
    "reports": Report(
        id="rep_1",
        task="t",
        time=5.0,
        candidate="ver_1",
        champion="ver_0",
        metric="accuracy",
        candidate_score=SCORE,
        champion_score=SCORE,
        difference=replace(SCORE, mean=0.0),
        groups={"old": SCORE, "new": replace(SCORE, n=3)},
        gated=("old",),
    ),
    "verdicts": Verdict(
        id="vdt_1",
        task="t",
        time=6.0,
        report="rep_1",
        candidate="ver_1",
        outcome=Outcome.UNSURE,
        because="60 rows do not decide",
        tests={"superiority": 0.2},
    ),
    "releases": Release(
        id="rel_1",
        task="t",
        time=7.0,
        stage=Stage.CANARY,
        champion="ver_0",
        candidate="ver_1",
        share=0.2,
        because="the gate passed it",
        shares={"ver_2": 0.1},
    ),
    "turns": Turn(
        id="trn_1", task="t", time=8.0, state="open", because="a signal", diary={"decide": "dec_1", "train": "ver_1"}
    ),
    "alerts": Alert(
        id="alr_1",
        task="t",
        time=9.0,
        kind="mix",
        severity=Severity.CRITICAL,
        says="it moved",
        about="sig_1",
        remedy=Remedy.ROLLBACK,
        slice="segment=business",
        key="t|mix|segment=business",
        count=3,
        last=9.5,
        told=2,
        told_at=9.4,
        told_as=Severity.WARNING,
        silence="sil_1",
        resolved=9.9,
        because="it is over",
    ),
    "silences": Silence(id="sil_1", task="t", time=9.0, until=99.0, why="known", kind="mix", slice="segment=business"),
}


# ── nouns ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("part", NOUNS)
def test_noun_comes_back_as_it_was(store: Store, part: str) -> None:
    """Every field of every noun is kept, of the type it had."""
    getattr(store, part).put(NOUNS[part])
    assert getattr(store, part).get(NOUNS[part].id) == NOUNS[part]


@pytest.mark.parametrize("part", NOUNS)
def test_nouns_are_listed_as_they_came(store: Store, part: str) -> None:
    """Oldest first by arrival, per task or for all; a limit keeps the newest; putting again replaces in place."""
    nouns, one = getattr(store, part), NOUNS[part]
    first, second = replace(one, id=one.id + "a", time=9.0), replace(one, id=one.id + "b", time=1.0)
    other = replace(one, id=one.id + "c", task="other")
    for noun in (first, second, other):
        nouns.put(noun)
    changed = replace(first, time=99.0)
    nouns.put(changed)
    assert nouns.list() == [changed, second, other]
    assert nouns.list("t") == [changed, second]
    assert nouns.list("t", limit=1) == [second]
    assert nouns.latest("t") == second
    assert nouns.latest("nothing") is None


def test_state_of_a_version(store: Store) -> None:
    """A version's state changes and nothing else does."""
    store.versions.put(NOUNS["versions"])
    store.versions.set_state("ver_1", State.LIVE)
    assert store.versions.get("ver_1") == replace(NOUNS["versions"], state=State.LIVE)
    with pytest.raises(NotFound):
        store.versions.set_state("ver_2", State.LIVE)


def test_release_in_force_is_the_last_one_stored(store: Store) -> None:
    """A rollback counts from the moment it is stored, also when its clock is behind."""
    assert store.releases.current("t") is None
    store.releases.put(NOUNS["releases"])
    back = replace(NOUNS["releases"], id="rel_2", time=0.0, stage=Stage.ROLLBACK)
    store.releases.put(back)
    assert store.releases.current("t") == back


@pytest.mark.parametrize(
    ("part", "id", "said"),
    [
        ("versions", "ver_01jd8m", "did you mean ver_01jd8m3k7q or ver_01jd8m9999?"),
        ("versions", "ver_01jd8m3k7x", "did you mean ver_01jd8m3k7q?"),
        ("versions", "rep_1", "begins with rep_ is a report's"),
        ("versions", "veer_1", "its id begins with ver_"),
        ("turns", "trn_9", "no turn 'trn_9'"),
    ],
)
def test_unknown_id(store: Store, part: str, id: str, said: str) -> None:
    """An id that is not there is answered with those that may have been meant."""
    for known in ("ver_01jd8m3k7q", "ver_01jd8m9999"):
        store.versions.put(replace(NOUNS["versions"], id=known))
    with pytest.raises(NotFound) as caught:
        getattr(store, part).get(id)
    assert said in str(caught.value)


# ── the small parts ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_aliases(store: Store) -> None:
    """An alias names one version of a task, the last it was set to."""
    store.aliases.set("t", "champion", "ver_1")
    store.aliases.set("t", "champion", "ver_2")
    store.aliases.set("other", "champion", "ver_9")
    store.aliases.set("t", "challenger", "ver_3")
    assert store.aliases.get("t", "champion") == "ver_2"
    assert store.aliases.get("t", "nobody") is None
    assert store.aliases.all("t") == {"challenger": "ver_3", "champion": "ver_2"}


def test_lineage(store: Store) -> None:
    """Edges are found from both ends, each once however often it was said."""
    store.lineage.link("ver_1", "dst_1", "learned from")
    store.lineage.link_all([("ver_1", "dst_1", "learned from"), ("ver_2", "dst_1", "learned from")])
    assert store.lineage.parents("ver_1") == [("learned from", "dst_1")]
    assert store.lineage.children("dst_1") == [("learned from", "ver_1"), ("learned from", "ver_2")]


@pytest.mark.parametrize(
    ("part", "parents"),
    [
        ("signals", [("moved by", "int_1"), ("moved by", "int_2")]),
        ("decisions", [("rests on", "sig_1")]),
        ("datasets", [("replays", "dst_0")]),
        ("versions", [("continues", "ver_0"), ("learned from", "dst_1")]),
        ("reports", [("compares with", "ver_0"), ("measures", "ver_1")]),
        ("verdicts", [("judges", "rep_1")]),
        ("releases", [("keeps", "ver_0"), ("tries", "ver_1"), ("tries", "ver_2")]),
        ("turns", [("follows", "dec_1")]),
        ("alerts", [("tells of", "sig_1"), ("was kept quiet by", "sil_1")]),
        ("silences", []),
    ],
)
def test_nouns_link_themselves(store: Store, part: str, parents: list[tuple[str, str]]) -> None:
    """Storing a noun, even twice, links it to what its own fields name."""
    for _ in range(2):
        getattr(store, part).put(NOUNS[part])
    assert store.lineage.parents(NOUNS[part].id) == parents


def test_turn_is_where_its_nouns_came_from(store: Store) -> None:
    """What a turn left after its decision came of the turn; several ids of one step count each, other words do not."""
    diary = {"watch": "sig_1 sig_2", "train": "ver_1", "gate": "not_needed", "end": "done", "advance": ""}
    store.turns.put(replace(NOUNS["turns"], diary=diary))
    assert store.lineage.parents("trn_1") == [("follows", "sig_1"), ("follows", "sig_2")]
    assert store.lineage.parents("ver_1") == [("left by train of", "trn_1")]
    assert store.lineage.children("trn_1") == [("left by train of", "ver_1")]


def test_events(store: Store) -> None:
    """Events of a subject come in order, and only those after the last one seen."""
    before = time.time()
    for step in range(3):
        store.events.append("ver_1", "loss", {"step": step, "loss": 1.5 - step, "nan": math.nan})
    store.events.append("ver_2", "loss", {})
    found = store.events.list("ver_1")
    assert [event.values["step"] for event in found] == [0, 1, 2]
    assert (found[0].subject, found[0].name) == ("ver_1", "loss")
    assert before <= found[0].time <= time.time()
    assert math.isnan(found[0].values["nan"])
    assert [event.seq for event in store.events.list("ver_1", after=found[1].seq)] == [found[2].seq]


def test_state_under_a_key(store: Store) -> None:
    """The last value put under a key is the one that is got."""
    assert store.state.get("watch/t") is None
    assert store.state.get("watch/t", {"n": 0}) == {"n": 0}
    store.state.put("watch/t", {"n": 1, "log": [0.1, -math.inf], "seen": ("a",)})
    store.state.put("watch/t", {"n": 2, "log": [0.2, -math.inf], "seen": ("b",)})
    assert store.state.get("watch/t") == {"n": 2, "log": [0.2, -math.inf], "seen": ["b"]}
    store.state.put("none", None)
    assert store.state.get("none", 5) is None


def test_configs(store: Store) -> None:
    """A configuration is found by its hash, and put as often as one likes."""
    for _ in range(2):
        store.configs.put("abc", "{}")
    assert store.configs.get("abc") == "{}"
    with pytest.raises(NotFound):
        store.configs.get("def")


def test_a_value_is_changed_by_one_at_a_time(store: Store) -> None:
    """Eight threads add to a number that was not there, twenty times each, and none of them is lost."""

    def count() -> None:
        for _ in range(20):
            store.state.change("n", lambda n: (n or 0) + 1)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.state.get("n") == 160


def test_a_turn_is_changed_by_one_at_a_time(store: Store) -> None:
    """Of eight who approve a turn one is heard, and what others write in its diary meanwhile is not lost."""
    store.turns.put(Turn(id="trn_1", task="t", time=1.0, state="awaiting approval"))
    heard: list[int] = []

    def answer(who: int) -> None:
        def change(turn: Turn) -> Turn:
            if turn.state != "open":
                heard.append(who)
            return replace(turn, state="open", diary={**turn.diary, f"step{who}": "done"})

        store.turns.change("trn_1", change)

    threads = [threading.Thread(target=answer, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 1
    assert set(store.turns.get("trn_1").diary) == {f"step{who}" for who in range(8)}
    with pytest.raises(NotFound):
        store.turns.change("trn_2", lambda turn: turn)

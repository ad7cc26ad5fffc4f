"""What every store does, whichever database it is on."""

import math
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeostat.errors import NotFound
from homeostat.store import Store
from homeostat.types import ids
from homeostat.types.dataset import Dataset
from homeostat.types.decision import Action, Alternative, Decision
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome, Report, Score, Verdict
from homeostat.types.signal import Moved, Signal
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
}


def asked(number: int, **changes: Any) -> Interaction:
    """The interaction of a number: later numbers come later."""
    plain = Interaction(
        id=f"int_{number:04d}",
        task="t",
        time=float(number),
        text=f"where is parcel {number}?",
        reply="a",
        version="ver_1",
    )
    return replace(plain, **changes)


def told(number: int, interaction: int, value: str = "b", time: float = 50.0, **changes: Any) -> Feedback:
    """A label for the interaction of a number."""
    plain = Feedback(
        id=f"fbk_{number}", interaction=asked(interaction).id, kind=FeedbackKind.LABEL, value=value, time=time
    )
    return replace(plain, **changes)


def numbers(found: list[Interaction]) -> list[int]:
    """The numbers of interactions made by `asked`."""
    return [int(one.id.removeprefix("int_")) for one in found]


# ── interactions ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_interaction_comes_back_as_it_was(store: Store) -> None:
    """Every field of an interaction is kept, whatever is in it."""
    full = Interaction(
        id=ids.new("int"),
        task="t",
        time=1_700_000_000.123456,
        text="NUL \x00, half an emoji \ud83d, private \ue000, ‘quotes’ ' \" ; -- 🌱\n",
        reply="",
        version="ver_1",
        role=Role.SHADOW,
        of="int_0",
        episode="e",
        probability=0.2,
        confidence=math.inf,
        entropy=1e-300,
        prompt_tokens=7,
        reply_tokens=3,
        latency_ms=0.1,
        tags={"segment": "business", "ключ": "\x00"},
        embedding=bytes(range(256)),
        config="c" * 64,
    )
    store.interactions.add([full])
    assert store.interactions.get(full.id) == full


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.floats(allow_nan=False), st.dictionaries(st.text(), st.text(), max_size=3), st.binary())
def test_any_text_number_and_bytes_come_back(
    store: Store, text: str, number: float, tags: dict[str, str], content: bytes
) -> None:
    """No text, number, tag or bytes is changed by being stored."""
    one = asked(0, id=ids.new("int"), text=text, reply=text, confidence=number, tags=tags, embedding=content)
    store.interactions.add([one])
    assert store.interactions.get(one.id) == one


def test_not_a_number_comes_back(store: Store) -> None:
    """A confidence that is not a number, as a broken model gives it, neither is lost nor takes others with it."""
    assert store.interactions.add([asked(1, confidence=math.nan), asked(2)]) == 2
    assert math.isnan(store.interactions.get("int_0001").confidence)


def test_adding_again_changes_nothing(store: Store) -> None:
    """An id that is there already is passed over, so a step that runs twice leaves what it left the first time."""
    assert store.interactions.add([asked(1), asked(2)]) == 2
    assert store.interactions.add([asked(2, reply="other"), asked(3), asked(3)]) == 1
    assert store.interactions.add([]) == 0
    assert store.interactions.get("int_0002").reply == "a"
    assert store.interactions.count("t") == 3


def test_all_or_nothing(store: Store) -> None:
    """A row that cannot be stored takes the rest of its batch with it, so nothing is half acknowledged."""
    with pytest.raises(Exception, match="not JSON"):
        store.interactions.add([asked(1), asked(2, tags={"a": object()})])
    assert store.interactions.count("t") == 0


def test_pages(store: Store) -> None:
    """Pages that begin after the last row of the one before give every row once, in order of time and then id."""
    store.interactions.add([asked(number, time=float(number // 3)) for number in reversed(range(10))])
    pages: list[list[int]] = []
    after = None
    while found := store.interactions.list("t", after=after, limit=4):
        pages.append(numbers(found))
        after = (found[-1].time, found[-1].id)
    assert pages == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_which(store: Store) -> None:
    """Task, half-open window, role and version say which interactions are meant, in lists and in counts alike."""
    store.interactions.add([asked(number) for number in range(5)])
    store.interactions.add([asked(10, task="other"), asked(11, role=Role.SHADOW, of="int_0001", version="ver_2")])
    assert numbers(store.interactions.list("t")) == [0, 1, 2, 3, 4]
    assert numbers(store.interactions.list("t", since=1.0, until=3.0)) == [1, 2]
    assert numbers(store.interactions.list("t", role=Role.SHADOW)) == [11]
    assert numbers(store.interactions.list("t", role=None, since=4.0)) == [4, 11]
    assert numbers(store.interactions.list("t", role=None, version="ver_2")) == [11]
    assert store.interactions.count("t", since=1.0, until=3.0) == 2
    assert store.interactions.count("nothing") == 0
    assert store.interactions.copies("int_0001") == ("int_0011",)


def test_newest_truth_counts(store: Store) -> None:
    """Of several labels and corrections the newest counts, by time and then by arrival; ratings and comments never."""
    store.interactions.add([asked(number) for number in range(5)])
    store.feedback.add(
        [
            told(1, 1, "late", time=60.0),
            told(2, 1, "early", time=50.0),
            told(3, 2, "first"),
            told(4, 2, "second", kind=FeedbackKind.CORRECTION),
            told(5, 3, "0.5", kind=FeedbackKind.RATING),
            told(6, 4, "truth"),
            told(7, 4, "hm", kind=FeedbackKind.COMMENT, time=90.0),
        ]
    )
    found = store.interactions.labeled("t")
    assert [(one.id, said.value) for one, said in found] == [
        ("int_0001", "late"),
        ("int_0002", "second"),
        ("int_0004", "truth"),
    ]
    assert found[0][0] == asked(1)
    assert found[0][1] == told(1, 1, "late", time=60.0)


def test_labels_known_at_a_time(store: Store) -> None:
    """What is said later is not known earlier; the window is the interactions' own."""
    store.interactions.add([asked(number) for number in range(4)])
    store.feedback.add([told(1, 1, "old", time=10.0), told(2, 1, "new", time=20.0), told(3, 2, time=20.0)])
    assert [said.value for _, said in store.interactions.labeled("t", feedback_until=10.0)] == ["old"]
    assert [said.value for _, said in store.interactions.labeled("t", feedback_until=20.0)] == ["new", "b"]
    assert numbers([one for one, _ in store.interactions.labeled("t", since=2.0, until=3.0)]) == [2]
    assert store.interactions.labeled("t", version="ver_9") == []
    assert store.interactions.labeled("t", role=Role.SHADOW) == []


def test_shadows(store: Store) -> None:
    """Each request that a candidate saw too comes with both replies, and with the truth where it is known."""
    store.interactions.add([asked(number) for number in range(4)])
    copies = [asked(n + 10, of=f"int_{n:04d}", role=Role.SHADOW, version="ver_2", reply="c") for n in (1, 2)]
    store.interactions.add([*copies, asked(20, of="int_0003", role=Role.SHADOW, version="ver_3")])
    store.feedback.add([told(1, 2)])
    found = store.interactions.shadows("t", "ver_2")
    assert found == [(asked(1), copies[0], None), (asked(2), copies[1], told(1, 2))]
    assert store.interactions.shadows("t", "ver_2", since=2.0, feedback_until=1.0) == [(asked(2), copies[1], None)]
    assert store.interactions.shadows("t", "ver_2", until=1.0) == []


def test_thousand_rows_are_quick(store: Store) -> None:
    """A thousand interactions with embeddings are durable in well under a second."""
    rows = [asked(number, text="word " * 60, embedding=b"x" * 512) for number in range(1000)]
    started = time.perf_counter()
    assert store.interactions.add(rows) == 1000
    assert time.perf_counter() - started < 1.0


# ── feedback ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_feedback_comes_back(store: Store) -> None:
    """Feedback is found by its id, by its interactions and by its time, in the order in which it was said."""
    store.interactions.add([asked(1), asked(2), asked(3, task="other")])
    said = [told(1, 1, time=30.0, source="agent"), told(2, 2, "\x00", time=10.0), told(3, 1, time=20.0)]
    assert store.feedback.add([*said, told(4, 3)]) == 4
    assert store.feedback.get("fbk_1") == said[0]
    assert store.feedback.of(["int_0001"]) == [said[2], said[0]]
    assert store.feedback.of([]) == []
    assert store.feedback.list("t") == [said[1], said[2], said[0]]
    assert store.feedback.list("t", 10.0, 30.0) == [said[1], said[2]]


def test_feedback_again_changes_nothing(store: Store) -> None:
    """An id that is there already is passed over."""
    store.interactions.add([asked(1)])
    assert store.feedback.add([told(1, 1, "b"), told(1, 1, "c")]) == 1
    assert store.feedback.add([told(1, 1, "d")]) == 0
    assert store.feedback.add([]) == 0
    assert store.feedback.get("fbk_1").value == "b"


def test_feedback_about_nothing(store: Store) -> None:
    """Feedback about an interaction that is not there is refused with its id, and the rest of its batch too."""
    store.interactions.add([asked(1)])
    with pytest.raises(NotFound, match="1 unknown interaction: 'int_0009'"):
        store.feedback.add([told(1, 1), told(2, 9)])
    assert store.feedback.list("t") == []


def test_many_ids(store: Store) -> None:
    """More interactions can be asked about at once than a statement may carry values."""
    store.interactions.add([asked(number) for number in range(12)])
    store.feedback.add([told(number, number) for number in range(12)])
    wanted = [f"int_{number:04d}" for number in range(70_000)]
    assert len(store.feedback.of(wanted)) == 12


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
        ("versions", "vre_1", "did you mean 'ver'"),
        ("interactions", "int_0", "did you mean int_0001?"),
        ("feedback", "fbk_", "no feedback 'fbk_'"),
    ],
)
def test_unknown_id(store: Store, part: str, id: str, said: str) -> None:
    """An id that is not there is answered with those that may have been meant."""
    for known in ("ver_01jd8m3k7q", "ver_01jd8m9999"):
        store.versions.put(replace(NOUNS["versions"], id=known))
    store.interactions.add([asked(1)])
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
        ("releases", [("keeps", "ver_0"), ("tries", "ver_1")]),
        ("turns", [("follows", "dec_1")]),
    ],
)
def test_nouns_link_themselves(store: Store, part: str, parents: list[tuple[str, str]]) -> None:
    """Storing a noun, even twice, links it to what its own fields name."""
    for _ in range(2):
        getattr(store, part).put(NOUNS[part])
    assert store.lineage.parents(NOUNS[part].id) == parents


def test_turn_is_where_its_nouns_came_from(store: Store) -> None:
    """What a turn left after its decision came of the turn; words in a diary that are no ids are passed over."""
    store.turns.put(replace(NOUNS["turns"], diary={"train": "ver_1", "gate": "not_needed", "end": "done"}))
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
    assert store.events.list("ver_1", after=found[1].seq) == found[2:] or math.isnan(found[2].values["nan"])
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


# ── many at once ────────────────────────────────────────────────────────────────────────────────────────────────────

WRITER = """
import sys
from homeostat.store import Store
from homeostat.types.interaction import Interaction
url, blobs, name = sys.argv[1:]
with Store.open(url, blobs) as store:
    for number in range(40):
        id = f"int_{name}{number}"
        store.interactions.add([Interaction(id=id, task="t", time=number, text="", reply="", version="")])
        store.state.put("last", name)
        store.events.append("all", name, {"number": number})
"""


def test_processes_write_at_once(url: str, tmp_path: Path) -> None:
    """Two processes that make one store and write to it together lose nothing and never fail."""
    command = [sys.executable, "-c", WRITER, url, str(tmp_path / "blobs")]
    running = [subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True) for name in "ab"]
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert ended == [("", 0), ("", 0)]
    with Store.open(url, tmp_path / "blobs") as store:
        assert store.interactions.count("t") == 80
        assert len(store.events.list("all")) == 80
        assert store.verify() == []


def test_threads_write_at_once(store: Store) -> None:
    """Threads that read and write through one store lose nothing and never fail."""
    store.versions.put(NOUNS["versions"])
    failures: list[Exception] = []

    def work(name: int) -> None:
        try:
            for number in range(15):
                store.interactions.add([asked(name * 100 + number)])
                store.versions.set_state("ver_1", State.LIVE)
                store.interactions.count("t")
        except Exception as problem:
            failures.append(problem)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.interactions.count("t") == 120


def test_opening_again(url: str, tmp_path: Path) -> None:
    """What was stored is there when the store is opened again."""
    with Store.open(url, tmp_path / "blobs") as store:
        store.interactions.add([asked(1)])
        hash = store.blobs.put_text("hello")
    with Store.open(url, tmp_path / "blobs") as store:
        assert store.interactions.list("t") == [asked(1)]
        assert store.blobs.text(hash) == "hello"

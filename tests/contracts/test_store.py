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
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.version import State, Version


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
        disagreement=0.25,
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


def test_figures_are_those_of_the_newest(store: Store) -> None:
    """The newest few, oldest first, narrowed as lists are, each with what its row holds and no words."""
    rows = [asked(number, latency_ms=2.5 * number, tags={"a": "b\ud800"}, prompt_tokens=number) for number in range(5)]
    store.interactions.add([*rows, asked(10, task="other"), asked(11, role=Role.SHADOW, of="int_0001")])
    found = store.interactions.figures("t", 2, until=4.0)
    assert [one.id for one in found] == ["int_0002", "int_0003"]
    assert (found[1].latency_ms, found[1].prompt_tokens, found[1].tags) == (7.5, 3, {"a": "b\ud800"})
    assert [one.time for one in store.interactions.figures("t", 9)] == [
        row.time for row in store.interactions.list("t")
    ]


def test_keys_of_states_begin_as_asked(store: Store) -> None:
    """In order, capitals and wildcards taken for what they are."""
    for key in ("up:b", "up:a", "UP:c", "up%", "other"):
        store.state.put(key, 1)
    assert store.state.keys("up:") == ["up:a", "up:b"]
    assert store.state.keys("up%") == ["up%"]
    assert store.state.keys("_") == []


def test_the_newest_of_a_task(store: Store) -> None:
    """The time of its newest request, and of the newest thing said of any; 0 where there is nothing."""
    assert (store.interactions.newest("t"), store.feedback.newest("t")) == (0.0, 0.0)
    store.interactions.add([asked(1), asked(2), asked(3, task="other")])
    store.feedback.add([told(1, 1, time=70.0), told(2, 2, time=60.0), told(3, 3, time=90.0)])
    mine = asked(1).task
    assert store.interactions.newest(mine) == max(asked(1).time, asked(2).time)
    assert (store.feedback.newest(mine), store.feedback.newest("other")) == (70.0, 90.0)


def test_the_last_ones(store: Store) -> None:
    """The newest of those that are meant, oldest first; fewer where there are fewer."""
    store.interactions.add([asked(number, version=f"ver_{number % 2}") for number in range(6)])
    assert numbers(store.interactions.last("t", 2)) == [4, 5]
    assert numbers(store.interactions.last("t", 2, version="ver_0", until=4.0)) == [0, 2]
    assert numbers(store.interactions.last("t", 9)) == [0, 1, 2, 3, 4, 5]


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
    """A thousand interactions with embeddings are durable together, and not one after the other."""
    rows = [asked(number, text="word " * 60, embedding=b"x" * 512) for number in range(1000)]
    started = time.perf_counter()
    assert store.interactions.add(rows) == 1000
    assert time.perf_counter() - started < 10.0  # alone each would wait for the disk; a busy machine is none of it


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


def test_statements_with_what_they_are_about(store: Store) -> None:
    """In their order, several of one interaction too; what is said of one that is gone meanwhile is left out."""
    store.interactions.add([asked(1), asked(2), asked(3)])
    said = [told(5, 2), told(6, 1), told(7, 2), told(8, 3)]
    store.feedback.add(said)
    store.erasure.forget(store.erasure.traces("", ["int_0003"]))
    assert store.interactions.about(said) == [(asked(2), said[0]), (asked(1), said[1]), (asked(2), said[2])]
    assert store.interactions.about([]) == []


def test_many_ids(store: Store) -> None:
    """More interactions can be asked about at once than a statement may carry values."""
    store.interactions.add([asked(number) for number in range(12)])
    store.feedback.add([told(number, number) for number in range(12)])
    wanted = [f"int_{number:04d}" for number in range(70_000)]
    assert len(store.feedback.of(wanted)) == 12


@pytest.mark.parametrize(
    ("id", "said"),
    [
        ("int_0", "did you mean int_0001?"),
        ("int_0009", "did you mean int_0001?"),
        ("xyz_1", "no interaction 'xyz_1'"),
        ("fbk_1", "begins with fbk_ is a feedback's"),
    ],
)
def test_unknown_id(store: Store, id: str, said: str) -> None:
    """An id that is not there is answered with the nearest one, or with what its letters stand for."""
    store.interactions.add([asked(1)])
    with pytest.raises(NotFound) as caught:
        store.interactions.get(id)
    assert said in str(caught.value)
    with pytest.raises(NotFound, match="no feedback 'fbk_9'"):
        store.feedback.get("fbk_9")


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
    store.versions.put(Version(id="ver_1", task="t", time=0.0, base="b"))
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

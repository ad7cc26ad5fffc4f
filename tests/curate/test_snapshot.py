"""From a real store to a dataset and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from homeostat.config.schema import Curate
from homeostat.curate.build import build
from homeostat.curate.snapshot import ancestry, as_lines, examples, from_line, gather, left_of, store_dataset, without
from homeostat.errors import NotFound, NothingToTrainOn
from homeostat.store import Store
from homeostat.types.dataset import Dataset, Example, Origin
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind, Task
from homeostat.types.version import Version

ROUTING = Task(name="routing", labels=("lamp",))
REPLIES = Task(name="replies", kind=Kind.TEXT)
WORDS = ("lamp is dark", "pump hums loudly", "seeds do not grow", "card was charged twice", "app forgets my box")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path}/a.db", tmp_path / "blobs") as opened:
        yield opened


def say(store: Store, id: str, value: str, time: float, *, kind: FeedbackKind = FeedbackKind.LABEL) -> None:
    feedback = Feedback(id=f"fbk_{id}_{time}", interaction=f"int_{id}", kind=kind, value=value, time=time)
    store.feedback.add([feedback])


def ask(store: Store, id: str, text: str, time: float, task: str = "routing") -> None:
    store.interactions.add(
        [Interaction(id=f"int_{id}", task=task, time=time, text=text, reply="Thanks!", version="ver_1")]
    )


def curated(store: Store, champion: Version | None, *, turn: str, now: float) -> Dataset:
    made = build(gather(store, ROUTING, champion=champion, evaluation=["evaluate me"], until=now), Curate())
    parents = (champion.dataset,) if champion else ()
    return store_dataset(store, made, task="routing", turn=turn, now=now, parents=parents)


def champion_of(dataset: Dataset) -> Version:
    return Version(
        id="ver_2", task="routing", time=dataset.time, base="builtin", labels=dataset.labels, dataset=dataset.id
    )


def first_weeks(store: Store) -> Dataset:
    for number, text in enumerate(WORDS):
        ask(store, str(number), text, float(number))
        say(store, str(number), text.split()[0], 10.0)
    ask(store, "fenced", "Evaluate me!", 6.0)
    say(store, "fenced", "lamp", 10.0)
    return curated(store, None, turn="trn_1", now=20.0)


def test_first_dataset(store: Store) -> None:
    """Without a champion everything labeled is new, and the dataset reads back as it was written."""
    dataset = first_weeks(store)
    rows = examples(store, dataset.id)
    assert [(row.text, row.target, row.interaction) for row in rows] == [
        (text, text.split()[0], f"int_{number}") for number, text in enumerate(WORDS)
    ]
    assert dataset.labels == ("lamp", "pump", "seeds", "card", "app")
    assert dataset.counts["selected"] == 6
    assert dataset.counts["fenced"] == dataset.counts["total"] == 5
    assert store.datasets.get(dataset.id) == dataset
    assert list(store.datasets.get(dataset.id).counts) == list(dataset.counts)


def test_next_dataset(store: Store) -> None:
    """The next one learns what was said since, replays what its ancestors learned, and names its parent."""
    first = first_weeks(store)
    ask(store, "new", "tower will not pair", 25.0)
    say(store, "new", "pairing", 26.0)
    second = curated(store, champion_of(first), turn="trn_2", now=30.0)
    rows = examples(store, second.id)
    assert [row.target for row in rows if row.origin is Origin.NEW] == ["pairing"]
    assert {row.target for row in rows if row.origin is Origin.REPLAY} == {"lamp", "pump", "seeds", "card", "app"}
    assert second.parents == (first.id,)
    assert second.labels == (*first.labels, "pairing")


def test_late_and_corrected_labels(store: Store) -> None:
    """A label that comes late is learned in the next turn; one that is corrected replaces the row that was learned."""
    ask(store, "late", "box arrived broken", 3.0)
    first = first_weeks(store)
    say(store, "late", "damage", 25.0)
    say(store, "1", "noise", 26.0)
    rows = examples(store, curated(store, champion_of(first), turn="trn_2", now=30.0).id)
    assert [(row.text, row.target) for row in rows if row.origin is Origin.NEW] == [
        ("pump hums loudly", "noise"),
        ("box arrived broken", "damage"),
    ]
    assert [row.target for row in rows if row.text == "pump hums loudly"] == ["noise"]


def test_grandparents(store: Store) -> None:
    """Memory reaches back over all ancestors, whatever each turn replayed of them."""
    dataset = first_weeks(store)
    for turn in range(2, 5):
        ask(store, f"t{turn}", f"question number {turn} of a customer", 10.0 * turn + 5)
        say(store, f"t{turn}", f"topic{turn}", 10.0 * turn + 6)
        dataset = curated(store, champion_of(dataset), turn=f"trn_{turn}", now=10.0 * turn + 10)
    line = ancestry(store, dataset.id)
    assert [one.time for one in line] == [20.0, 30.0, 40.0, 50.0]
    offered = gather(store, ROUTING, champion=champion_of(dataset), evaluation=[], until=99.0)
    assert {row.target for row in offered.memory} == {
        "lamp",
        "pump",
        "seeds",
        "card",
        "app",
        "topic2",
        "topic3",
        "topic4",
    }
    assert offered.since == 50.0


def test_run_twice(store: Store) -> None:
    """The step run again writes the same dataset, blob and edges, even though feedback has come in between."""
    first = first_weeks(store)
    say(store, "2", "changed", 21.0)
    again = curated(store, None, turn="trn_1", now=20.0)
    assert again == first
    assert store.datasets.list("routing") == [first]
    assert len(store.lineage.parents(first.id)) == 5


def test_lineage(store: Store) -> None:
    """Every row is tied to its interaction, learned or repeated, so that it can be explained and forgotten."""
    first = first_weeks(store)
    ask(store, "new", "tower will not pair", 25.0)
    say(store, "new", "pairing", 26.0)
    second = curated(store, champion_of(first), turn="trn_2", now=30.0)
    assert ("learns", "int_new") in store.lineage.parents(second.id)
    assert ("repeats", "int_0") in store.lineage.parents(second.id)
    assert ("replays", first.id) in store.lineage.parents(second.id)
    assert store.lineage.children("int_0") == [("learns", first.id), ("repeats", second.id)]


def test_ratings(store: Store) -> None:
    """Of a text task corrections and well rated replies are learned, whichever came last."""
    for number, text in enumerate(WORDS[:4]):
        ask(store, str(number), text, float(number), task="replies")
    say(store, "0", "0.9", 5.0, kind=FeedbackKind.RATING)
    say(store, "1", "0.2", 5.0, kind=FeedbackKind.RATING)
    say(store, "2", "Please write to us.", 5.0, kind=FeedbackKind.CORRECTION)
    say(store, "2", "1.0", 6.0, kind=FeedbackKind.RATING)
    say(store, "3", "1.0", 50.0, kind=FeedbackKind.RATING)
    made = build(gather(store, REPLIES, champion=None, evaluation=[], until=20.0), Curate())
    assert [(row.interaction, row.target) for row in made.examples] == [
        ("int_0", "Thanks!"),
        ("int_2", "Please write to us."),
    ]


def test_nothing_to_train_on(store: Store) -> None:
    """A dataset without rows is refused, with the counts that say why, and nothing is stored."""
    with pytest.raises(NothingToTrainOn, match="rows left after each step"):
        curated(store, None, turn="trn_1", now=20.0)
    assert store.datasets.list("routing") == []


def test_unknown_dataset(store: Store) -> None:
    """Asking for rows of a dataset that is not there says so."""
    with pytest.raises(NotFound):
        examples(store, "dst_none")


def test_lines() -> None:
    """Any row survives its line, line separators and quotes included."""
    row = Example(text='a\u2028"b"\nc', target="é", task="t", origin=Origin.REPLAY, interaction="int_1", time=0.1)
    line = as_lines([row])
    assert line.count("\n") == 1
    assert from_line(line) == row


def test_a_reply_that_was_liked_less_is_kept_and_otherwise_leaves_no_trace() -> None:
    """Rows with two replies come back with both; the line of a row with one is what it was before there were two."""
    plain = Example(text="where is it", target="on its way", task="replies")
    assert "rejected" not in as_lines([plain])
    both = Example(text="where is it", target="on its way", task="replies", rejected="no idea")
    assert [from_line(line) for line in as_lines([plain, both]).splitlines()] == [plain, both]


def test_a_rating_stands_in_its_row_and_nowhere_else() -> None:
    """Zero too comes back; the line of a row that nobody rated is, byte by byte, what it was before there were any."""
    plain = Example(text="where is it", target="on its way", task="replies")
    rows = [plain, *(replace(plain, value=value) for value in (0.0, 0.25, 1.0))]
    lines = as_lines(rows).splitlines()
    assert [from_line(line) for line in lines] == rows
    assert lines[0] == (
        '{"interaction": "", "origin": "new", "target": "on its way", "task": "replies", "text": "where is it", '
        '"time": 0.0, "weight": 1.0}'
    )


def test_a_dataset_without_erased_rows(store: Store) -> None:
    """The old one points to the new one, whose rows are read in its place, as often as that is done; parents are those
    that are left; every row is counted; doing it again writes the same.
    """
    first = first_weeks(store)
    rows = examples(store, first.id)
    child = Dataset(
        id="dst_child", task="routing", time=20.0, blob=first.blob, labels=("lamp", "pump"), parents=(first.id,)
    )
    store.datasets.put(child)
    once = without(store, first, rows[1:], ("pump",))
    assert without(store, first, rows[1:], ("pump",)) == once
    again = without(store, once, rows[2:], ("pump",))
    assert examples(store, first.id) == examples(store, again.id) == rows[2:]
    assert left_of(store, first.id) == again
    assert (once.counts["erased"], once.counts["left"], once.labels) == (1, len(rows) - 1, ("pump",))
    assert without(store, child, rows, child.labels).parents == (again.id,)
    assert ("leaves erased rows out of", first.id) in store.lineage.parents(once.id)
    learned = {id for relation, id in store.lineage.parents(again.id) if relation == "learns"}
    assert learned == {row.interaction for row in rows[2:]}

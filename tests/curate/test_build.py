"""The whole of curation on a log like the built-in one."""

from __future__ import annotations

import random
import time
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.config.schema import Curate
from homeostat.curate.build import Curated, Inputs, build
from homeostat.curate.fence import Fence
from homeostat.curate.snapshot import as_lines
from homeostat.types.dataset import Dataset, Example, Origin
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind, Task

TASK = Task(name="routing")
WORDS = tuple(
    """lamp pump tray pods app phone order parcel refund address card invoice leak noise light plant seed mold box
    account login street monday berlin oslo broken late twice wrong small large please cancel send change""".split()  # noqa: SIM905
)
COMPOUNDS = tuple(first + second for first in WORDS for second in WORDS)


def sentence(rng: random.Random, words: tuple[str, ...] = WORDS) -> str:
    return " ".join(rng.sample(words, rng.randint(5, 11)))


def log(n: int, labels: str, *, start: float, seed: int) -> list[tuple[Interaction, Feedback]]:
    """Labeled requests, one a second, the label said ten seconds later; tags carry what nobody should learn."""
    rng = random.Random(seed)
    pairs = []
    for number in range(n):
        at = start + number
        request = Interaction(
            id=f"int_{seed}_{number:06}",
            task="routing",
            time=at,
            text=sentence(rng),
            reply="a",
            version="ver_1",
            tags={"truth": "SECRET", "segment": "SECRET"},
        )
        label = Feedback(
            id=f"fbk_{seed}_{number}",
            interaction=request.id,
            kind=FeedbackKind.LABEL,
            value=rng.choice(labels),
            time=at + 10,
        )
        pairs.append((request, label))
    return pairs


def remembered(n: int, labels: str, seed: int = 9) -> list[Example]:
    rng = random.Random(seed)
    return [Example(text=sentence(rng), target=rng.choice(labels), time=float(k)) for k in range(n)]


def inputs(n: int = 300, **changes: object) -> Inputs:
    given = Inputs(
        task=TASK,
        pairs=log(n, "abxy", start=1000.0, seed=1),
        memory=remembered(400, "abc"),
        evaluation=[sentence(random.Random(77)) for _ in range(5)],
        labels=("a", "b", "c"),
        since=1000.0,
    )
    return replace(given, **changes)  # type: ignore[arg-type]


def test_counts() -> None:
    """Every step is counted, in order, and the counts add up."""
    pairs = log(300, "abxy", start=1000.0, seed=1)
    evaluation = [pairs[5][0].text, pairs[6][0].text.upper() + "!"]
    empty = (replace(pairs[7][0], text=" \u200b"), pairs[7][1])
    comment = (pairs[8][0], replace(pairs[8][1], kind=FeedbackKind.COMMENT))
    rated = (pairs[9][0], replace(pairs[9][1], kind=FeedbackKind.RATING, value="1"))
    again = (replace(pairs[10][0], id="int_again", time=2000.0), replace(pairs[10][1], value="z"))
    same = (replace(pairs[11][0], id="int_same", time=2000.0), pairs[11][1])
    made = build(
        inputs(pairs=[*pairs[:7], empty, comment, rated, *pairs[10:], again, same], evaluation=evaluation), Curate()
    )
    assert list(made.counts.items())[:9] == [
        ("held", 0),
        ("selected", 301),
        ("targeted", 300),
        ("cleaned", 299),
        ("shared", 299),
        ("settled", 298),
        ("deduplicated", 297),
        ("fenced", 295),
        ("new", 295),
    ]
    assert list(made.counts)[9:] == ["remembered", "superseded", "replayable", "replayed", "recalled", "total"]
    assert made.counts["total"] == len(made.examples) == made.counts["new"] + made.counts["replayed"]
    assert made.counts["recalled"] == 0


def test_labels() -> None:
    """The champion's labels keep their places; new ones follow in the order of their first request."""
    made = build(inputs(), Curate())
    first = next(row.target for row in made.examples if row.target in "xy")
    assert made.labels == ("a", "b", "c", first, "xy".replace(first, ""))
    assert build(inputs(task=Task(name="replies", kind=Kind.TEXT)), Curate()).labels == ()


def test_order_of_rows() -> None:
    """New rows come first, oldest first, then replayed rows, oldest first."""
    made = build(inputs(), Curate())
    keys = [(row.origin is Origin.REPLAY, row.time) for row in made.examples]
    assert keys == sorted(keys)


@pytest.mark.parametrize("ratio", [0.0, 0.25, 1.0])
def test_replay_ratio(ratio: float) -> None:
    """Replayed rows per new row come out as configured, to within a percent."""
    assert build(inputs(), Curate(replay=ratio)).replay == pytest.approx(ratio, abs=0.01)


def test_little_news() -> None:
    """With very few new rows every old label is still replayed once."""
    made = build(inputs(n=2), Curate(replay=0.5))
    assert {row.target for row in made.examples if row.origin is Origin.REPLAY} == {"a", "b", "c"}


def test_each_turn_replays_other_rows_than_the_one_before() -> None:
    """What was learned in one turn is remembered in the next, which meets another part of what was known before."""
    once = [row.text for row in build(inputs(), Curate(replay=0.5)).examples if row.origin is Origin.REPLAY]
    later = [*remembered(400, "abc"), *remembered(40, "y", seed=10)]
    turned = build(inputs(memory=later), Curate(replay=0.5)).examples
    again = [row.text for row in turned if row.origin is Origin.REPLAY and row.target in "abc"]
    by_chance = len(again) / 400
    assert len(set(once) & set(again)) < 1.5 * by_chance * len(once) < 0.8 * min(len(once), len(again))


def test_what_is_not_replayed_is_recalled() -> None:
    """If so wanted, every old row comes that is true and not among the others, marked, within the limit on rows."""
    made = build(inputs(recall=True), Curate(replay=0.5))
    recalled = [row for row in made.examples if row.origin is Origin.RECALL]
    assert len(recalled) == made.counts["recalled"] == made.counts["replayable"] - made.counts["replayed"] > 0
    assert not {row.text for row in recalled} & {row.text for row in made.examples if row.origin is not Origin.RECALL}
    assert made.counts["total"] == len(made.examples)
    most = made.counts["total"] - len(recalled) + 7
    few = build(inputs(recall=True), Curate(replay=0.5, max_rows=most))
    assert few.counts["total"] <= most
    assert build(inputs(n=0, recall=True), Curate()).examples == ()
    text = Task(name="replies", kind=Kind.TEXT)
    said = [(row, replace(told, kind=FeedbackKind.CORRECTION)) for row, told in log(300, "abxy", start=1000.0, seed=1)]
    assert build(inputs(task=text, pairs=said, recall=True), Curate()).counts["recalled"] > 0
    assert build(inputs(task=text, pairs=said), Curate()).counts["recalled"] == 0


def test_no_news() -> None:
    """Without new rows there is nothing to learn, and nothing is replayed."""
    assert build(inputs(n=0), Curate()).examples == ()


def test_most_rows() -> None:
    """The dataset stays within its limit, with room for replay, and keeps the newest rows."""
    made = build(inputs(), Curate(max_rows=100, replay=1.0))
    assert (made.counts["new"], made.counts["total"]) == (50, 100)
    assert min(row.time for row in made.examples if row.origin is Origin.NEW) > 1200.0


def test_policy_change_is_not_replayed() -> None:
    """After a text was given another label no replayed row teaches the old one."""
    text = "can I send back a lamp that I have opened and used for a week"
    old = [Example(text=text + "s" * k, target="a", time=float(k)) for k in range(3)]
    request, label = log(1, "b", start=1000.0, seed=3)[0]
    given = inputs(pairs=[(replace(request, text=text), label)], memory=[*old, *remembered(50, "abc")])
    made = build(given, Curate(replay=100.0))
    assert made.counts["superseded"] == 3
    assert [row.target for row in made.examples if row.text.startswith(text)] == ["b"]


def test_superseded_by_a_row_behind_the_fence() -> None:
    """A new row that may not be learned still tells that the policy has changed."""
    old = [Example(text="where is my lamp", target="a", time=1.0)]
    request, label = log(1, "b", start=1000.0, seed=3)[0]
    pairs = [(replace(request, text="where is my lamp"), label), *log(5, "ab", start=1001.0, seed=4)]
    made = build(inputs(pairs=pairs, memory=old, evaluation=["Where is my lamp?"]), Curate())
    assert "where is my lamp" not in {row.text for row in made.examples}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(list(Kind)), st.floats(0.0, 2.0))
def test_evaluation_texts_never_pass(seed: int, kind: Kind, ratio: float) -> None:
    """Whatever the log, the imports and memory hold, no row of the dataset is or resembles an evaluation text."""
    rng = random.Random(seed)
    pairs, old = log(40, "ab", start=0.0, seed=seed), remembered(40, "ab", seed=seed + 1)
    corrected = [(one, replace(said, kind=FeedbackKind.CORRECTION)) for one, said in pairs]
    texts = [one.text for one, _ in pairs] + [row.text for row in old]
    evaluation = [rng.choice([str.upper, str.title, "{}s ".format])(text) for text in rng.sample(texts, 30)]
    made = build(
        Inputs(
            task=Task(name="t", kind=kind),
            pairs=corrected if kind is Kind.TEXT else pairs,
            imported=remembered(10, "ab", seed=seed + 2) + old[:5],
            memory=old,
            evaluation=evaluation,
        ),
        Curate(replay=ratio),
    )
    fence = Fence(evaluation)
    assert made.examples
    assert not any(fence.stops(row.text) for row in made.examples)


def test_same_bytes() -> None:
    """The same inputs, in whatever order they come, give byte-identical rows and the same labels."""
    given = inputs()
    rng = random.Random(2)
    shuffled = replace(
        given,
        pairs=rng.sample(given.pairs, len(given.pairs)),
        memory=rng.sample(given.memory, len(given.memory)),
        evaluation=list(reversed(list(given.evaluation))),
    )
    one, other = build(given, Curate()), build(shuffled, Curate())
    assert as_lines(one.examples) == as_lines(other.examples)
    assert (one.counts, one.labels) == (other.counts, other.labels)


def test_imported_history() -> None:
    """The history that the first champion learns goes through the same steps."""
    history = [*remembered(20, "ab"), Example(text="  ", target="a")]
    made = build(Inputs(task=TASK, imported=history), Curate())
    assert (made.counts["selected"], made.counts["cleaned"], made.counts["total"]) == (21, 20, 20)
    assert set(made.labels) == {"a", "b"}


@pytest.mark.parametrize("noun", [Interaction, Feedback, Example, Dataset, Inputs, Curated])
def test_no_field_for_truth(noun: type) -> None:
    """No noun that curation reads or writes has a field for what scoring alone may know."""
    names = {field.name for field in fields(noun)}
    assert not {"truth", "split", "domain", "phase"} & names


def test_tags_are_not_learned() -> None:
    """Nothing that a request's tags carry reaches the rows."""
    assert "SECRET" not in as_lines(build(inputs(), Curate()).examples)


def test_tags_that_rows_are_weighed_by_are_kept() -> None:
    """Those that are named, on new rows, replayed and recalled ones; nothing else of a request's tags is."""
    tags, rng = {"language": "de", "account": "SECRET"}, random.Random(3)
    texts = [sentence(rng, COMPOUNDS) for _ in range(40)]
    rows = [Example(text=text, target="ab"[k % 2], time=float(k), tags=tags) for k, text in enumerate(texts)]
    given = Inputs(task=TASK, imported=rows[20:], memory=rows[:20], tags=("language",), recall=True)
    made = build(given, Curate(replay=0.3))
    assert {row.origin for row in made.examples} == set(Origin)
    assert all(row.tags == {"language": "de"} for row in made.examples)
    assert "SECRET" not in as_lines(made.examples)
    assert all(not row.tags for row in build(replace(given, tags=()), Curate()).examples)


@pytest.mark.slow
def test_speed() -> None:
    """Ten thousand new rows beside ten thousand old ones and a thousand evaluation texts take seconds of computing."""
    rng = random.Random(4)
    rows = [Example(text=sentence(rng, COMPOUNDS), target=rng.choice("abcdefgh"), time=float(n)) for n in range(20_000)]
    texts = [sentence(rng, COMPOUNDS) for _ in range(1000)]
    begun = time.process_time()
    made = build(Inputs(task=TASK, imported=rows[10_000:], memory=rows[:10_000], evaluation=texts), Curate(replay=1.0))
    assert made.counts["total"] > 19_000
    assert time.process_time() - begun < 15


def test_what_is_held_back_teaches_nothing_and_overturns_nothing() -> None:
    """A newer statement about a text that is remembered, and about one that was labeled, takes their places; where it
    is held back, they stay.
    """
    (asked, said), *_ = pairs = log(20, "ab", start=1000.0, seed=1)
    other = "b" if said.value == "a" else "a"
    old = replace(remembered(1, "a")[0], target="a")
    lie = replace(asked, id="int_lie", time=2000.0, text=asked.text), replace(said, id="fbk_lie", value=other)
    again = replace(asked, id="int_old", time=2001.0, text=old.text), replace(said, id="fbk_old", value="b")
    again = again[0], replace(again[1], interaction="int_old")
    lie = lie[0], replace(lie[1], interaction="int_lie")
    given = inputs(pairs=[*pairs, lie, again], memory=[old, *remembered(30, "ab")[1:]], evaluation=())
    bare = build(given, Curate())
    kept = build(replace(given, held=frozenset({"fbk_lie", "fbk_old"})), Curate())

    def taught(made: Curated) -> dict[str, str]:
        return {row.text: row.target for row in made.examples}

    assert (taught(bare)[asked.text], taught(kept)[asked.text]) == (other, said.value)
    assert (bare.counts["superseded"], kept.counts["superseded"]) == (1, 0)
    assert (bare.counts["held"], kept.counts["held"], kept.counts["selected"]) == (0, 2, 20)


def rated(value: object, text: str, number: int, reply: str = "Who knows.") -> tuple[Interaction, Feedback]:
    """A request whose reply was rated."""
    asked = Interaction(id=f"int_r{number}", task="replies", time=2000.0 + number, text=text, reply=reply, version="v")
    id, kind = f"fbk_r{number}", FeedbackKind.RATING
    return asked, Feedback(id=id, interaction=asked.id, kind=kind, value=str(value), time=3000.0 + number)


def test_bad_replies_are_there_for_who_learns_from_ratings_alone() -> None:
    """Whoever does gets them, new and remembered; nobody else does, neither for new, nor replayed, nor afresh."""
    pairs = [rated(k % 2, sentence(random.Random(500 + k)), k) for k in range(20)]
    bad = [replace(row, target="No.", value=0.0) for row in remembered(10, "a", seed=3)]
    fine = [replace(row, target="Yes.") for row in remembered(10, "a", seed=4)]
    given = inputs(task=Task(name="replies", kind=Kind.TEXT), pairs=pairs, memory=[*bad, *fine], labels=())
    for some in (given, given.afresh()):
        values = [row.value for row in build(some, Curate()).examples]
        assert values.count(1.0) == 10
        assert values.count(None) == len(values) - 10 > 0
        values = [row.value for row in build(replace(some, rated=True), Curate()).examples]
        assert values.count(0.0) > values.count(1.0) == 10


def test_bad_replies_are_cleaned_deduplicated_and_fenced() -> None:
    """As every other row: of one reply to a request the newest rating holds, tests are not learned, texts are tidy."""
    exam, text = sentence(random.Random(77)), sentence(random.Random(1))
    pairs = [
        rated(1, text, 1),
        rated(0, text.upper(), 2),
        rated(0, exam, 3),
        rated(0, f" {text}\u200b", 4, "\u200b No. "),
    ]
    given = inputs(task=Task(name="replies", kind=Kind.TEXT), pairs=pairs, memory=(), evaluation=[exam], rated=True)
    made = build(given, Curate())
    assert [(row.target, row.value) for row in made.examples] == [("Who knows.", 0.0), ("No.", 0.0)]
    assert (made.counts["targeted"], made.counts["deduplicated"], made.counts["fenced"]) == (4, 3, 2)


def test_no_source_gives_more_than_its_part() -> None:
    """Whoever labels half of everything teaches a hundredth of the new rows, or all where they are trusted; what is
    too much does not overturn what others say either.
    """
    pairs = log(1000, "ab", start=1000.0, seed=1)
    told = [(asked, replace(said, source="loud" if k % 2 else f"user{k}")) for k, (asked, said) in enumerate(pairs)]
    made = build(inputs(pairs=told, evaluation=()), Curate())
    of = {asked.id: said.source for asked, said in told}
    new = [of[row.interaction] for row in made.examples if row.origin is Origin.NEW]
    assert 0 < new.count("loud") <= 0.01 * len(new)
    assert made.counts["cleaned"] - made.counts["shared"] == 495
    assert build(inputs(pairs=told, evaluation=()), Curate(trusted=("loud",))).counts["shared"] == 1000

"""The watcher says what moved and when, shows examples of it, sees nothing it must not, and survives a restart."""

import json
from dataclasses import replace

import numpy as np
import pytest

from homeostat.config.schema import Monitor
from homeostat.errors import Tampered
from homeostat.monitor.watch import Watcher
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.signal import Moved

HIDDEN = 16
SETTINGS = Monitor(min_reference=50)
CENTERS = np.random.default_rng(99).normal(size=(7, HIDDEN))


def traffic(seed, rows, *, start=0, topics=(0, 1, 2, 3), doubt=0.0):
    """Requests on some topics; `doubt` lowers the log-odds of the replies' confidence."""
    rng = np.random.default_rng([seed, start])
    topic = rng.choice(topics, rows)
    x = (CENTERS[topic] + rng.normal(scale=0.5, size=(rows, HIDDEN))).astype(np.float16)
    sure = np.round(1 / (1 + np.exp(-rng.normal(2.5 - doubt, 1.0, rows))), 3)
    return [
        Interaction(
            id=f"int_{start + i:06d}", task="routing", time=1000.0 + start + i, text=f"request {i}", reply="a",
            version="ver_1", confidence=float(sure[i]), embedding=x[i].tobytes(), tags={"topic": str(topic[i])},
        )
        for i in range(rows)
    ]  # fmt: skip


def index(seed=7, rows=200):
    """Embeddings that share no row with any traffic."""
    rng = np.random.default_rng([seed, 123])
    return CENTERS[rng.choice(4, rows)] + rng.normal(scale=0.5, size=(rows, HIDDEN))


def started(seed=0, settings=SETTINGS, **more):
    """A watcher calibrated on 400 requests."""
    return Watcher.start("routing", index(), traffic(seed, 400, start=900_000), settings, **more)


def labels(rows, wrong, *, seed=0):
    """A label for each interaction, of which a share is not the reply."""
    missed = np.random.default_rng(seed).random(len(rows)) < wrong
    return [(row, label(row, "b" if miss else "a")) for row, miss in zip(rows, missed, strict=True)]


def label(row, value):
    """Somebody's label of an interaction, a minute later."""
    return Feedback(id=f"fbk_{row.id}", interaction=row.id, kind=FeedbackKind.LABEL, value=value, time=row.time + 60)


def test_nothing_moves_and_nothing_is_said():
    """Twelve thousand requests like the calibration: no signal, though the statistic has been moving all the time."""
    watcher = started()

    assert watcher.update(traffic(0, 12_000)) == []
    assert max(max(point.values) for point in watcher.trace) < np.log10(SETTINGS.false_alarm_every)
    assert min(point.values[0] for point in watcher.trace) != max(point.values[0] for point in watcher.trace)


def test_new_topics_with_less_confidence_are_novelty_with_examples_of_them():
    """A third of the traffic turns to unknown topics: novelty, dated near the change, shown by the new kind."""
    watcher = started()
    watcher.update(traffic(0, 2000))
    rng = np.random.default_rng(0)
    old, new = traffic(0, 500, start=2000), traffic(1, 500, start=2000, topics=(4, 5, 6), doubt=3.0)
    mixed = [n if rng.random() < 0.33 else o for o, n in zip(old, new, strict=True)]

    signal = watcher.update(mixed)[0]
    shown = [row for row in mixed if row.id in signal.examples]

    assert signal.moved is Moved.NOVELTY
    assert abs(signal.since - 3000.0) < 60
    assert signal.time - 3000.0 < 150
    assert signal.statistic >= signal.threshold == 500_000
    assert len(shown) >= 5
    assert np.mean([row.tags["topic"] in "456" for row in shown]) >= 0.8


def test_farther_requests_with_the_same_confidence_are_mix():
    """The neighbor channel alone: in nine of ten runs the label does not pretend that the model is less sure."""
    moved = []
    for seed in range(20):
        watcher = started(seed)
        watcher.update(traffic(seed, 1000))
        moved.append(watcher.update(traffic(seed, 500, start=1000, topics=(4, 5, 6)))[0].moved)

    assert moved.count(Moved.MIX) >= 18


def test_rising_confidence_is_mix_and_shows_the_most_confident():
    """Easier traffic moves the confidence channel without being novel."""
    watcher = started()
    watcher.update(traffic(0, 1000))
    easier = traffic(1, 800, start=1000, doubt=-2.0)

    signal = watcher.update(easier)[0]
    shown = [row.confidence for row in easier if row.id in signal.examples]

    assert signal.moved is Moved.MIX
    assert min(shown) > np.median([row.confidence for row in easier])


def test_more_wrong_labels_are_performance():
    """Errors rise from 10 % to 45 % with the same requests: only the labels tell, and they show wrong replies."""
    watcher = started()
    rows = traffic(0, 800)
    before, pairs = labels(rows[:400], 0.1), labels(rows[400:], 0.45, seed=1)
    quiet = watcher.update(rows) + watcher.update_labels(before)

    signal = watcher.update_labels(pairs)[0]
    wrong = {row.id for row, feedback in before + pairs if feedback.value != row.reply}

    assert quiet == []
    assert signal.moved is Moved.PERFORMANCE
    assert signal.examples
    assert set(signal.examples) <= wrong
    assert abs(signal.since - 1400.0) < 40


def test_a_policy_that_changes_for_one_label_is_named():
    """Requests answered `a` are a tenth of the traffic; from some day on most belong to `b`: the signal says so."""
    rows = [replace(row, reply="a" if k % 10 == 0 else "b") for k, row in enumerate(traffic(0, 6000))]
    pairs = [
        (row, label(row, "b" if row.reply == "a" and k >= 3000 and k % 50 else row.reply)) for k, row in enumerate(rows)
    ]
    watcher = started(labels=("a", "b"))
    assert watcher.update_labels(pairs[:3000]) == []

    signal = watcher.update_labels(pairs[3000:])[0]

    assert (signal.moved, signal.slice) == (Moved.PERFORMANCE, "reply=a")
    assert signal.n < 3600
    assert {row.reply for row in rows if row.id in signal.examples} == {"a"}


GERMAN = "das Paket ist leider noch nicht angekommen, wann kommt es denn endlich"
ENGLISH = "my parcel has not arrived yet, when will it finally come to my house"


@pytest.mark.parametrize("fallen", ["segment=7", "language=de"])
def test_a_fall_in_one_tag_or_one_language_is_named(fallen):
    """A twelfth of the labeled requests, of one segment or in one language, is answered wrong from some day on: the
    signal names them, shows wrong replies of theirs, and says since when.
    """
    rng, rows = np.random.default_rng(0), traffic(0, 1600)
    places = [(str(rng.integers(12)), rng.random() < 1 / 12) for _ in rows]
    rows = [
        replace(row, text=GERMAN if german else ENGLISH, tags={"segment": segment})
        for row, (segment, german) in zip(rows, places, strict=True)
    ]
    inside = [segment == "7" if fallen == "segment=7" else german for segment, german in places]
    wrong = [rng.random() < (0.8 if k >= 800 and hit else 0.1) for k, hit in enumerate(inside)]
    pairs = [(row, label(row, "b" if miss else "a")) for row, miss in zip(rows, wrong, strict=True)]
    watcher = started(labels=("a", "b"))
    assert watcher.update_labels(pairs[:800]) == []

    signal = watcher.update_labels(pairs[800:])[0]

    assert (signal.moved, signal.detector, signal.slice) == (Moved.PERFORMANCE, "loss", fallen)
    shown = [k for k, row in enumerate(rows) if row.id in signal.examples]
    assert shown
    assert all(inside[k] and wrong[k] for k in shown)
    assert abs(signal.since - 1800.0) < 300


def test_a_tag_that_says_the_language_is_believed():
    """Each request counts once in each way to slice, under what its tag says."""
    watcher, row = started(), replace(traffic(0, 1)[0], text=GERMAN, tags={"language": "en", "empty": ""})
    watcher.update_labels([(row, label(row, "a"))])

    assert list(watcher.state()["loss"]["slices"]) == ["language=en"]


def test_a_change_in_one_segment_is_named():
    """One of sixteen segments asks about something else: the signal is of slices, names it, and shows its requests."""
    rng = np.random.default_rng(0)
    rows = [replace(r, tags={"segment": str(rng.integers(16))}) for r in traffic(0, 7000)]
    other = traffic(1, 7000, topics=(4, 5, 6), doubt=1.0)
    moved = [
        replace(new, id=old.id, tags=old.tags) if k > 3000 and old.tags["segment"] == "7" else old
        for k, (old, new) in enumerate(zip(rows, other, strict=True))
    ]

    signal = started().update(moved)[0]
    shown = [row.tags["segment"] for row in moved if row.id in signal.examples]

    assert (signal.detector, signal.slice) == ("slices", "segment=7")
    assert signal.statistic >= signal.threshold == 500_000
    assert set(shown) == {"7"}
    assert abs(signal.since - 4000.0) < 300


def test_copies_are_counted_once():
    """A request that is sent five hundred times in a row, the strangest of all: no signal, and the cursor moves on."""
    watcher = started()
    strange = traffic(1, 1, start=1000, topics=(5,), doubt=5.0)[0]
    copies = [replace(strange, id=f"int_{k}", time=strange.time + k) for k in range(500)]

    assert watcher.update([*traffic(0, 1000), *copies]) == []
    assert watcher.cursor == (copies[-1].time, copies[-1].id)


def test_traffic_of_few_requests_is_normal_as_it_was_calibrated():
    """Two hundred requests, the stranger the more often, again and again: what is not counted live was not before."""
    pool, rng = traffic(0, 200), np.random.default_rng(0)
    often = np.argsort(np.argsort([row.confidence for row in pool])) < 20
    drawn = rng.choice(200, 6000, p=np.where(often, 5.0, 1.0) / np.where(often, 5.0, 1.0).sum())
    rows = [replace(pool[k], id=f"int_{n}", time=1000.0 + n) for n, k in enumerate(drawn)]
    watcher = Watcher.start("routing", index(), rows[:500], SETTINGS)

    assert watcher.update(rows[500:]) == []


def test_a_given_baseline_needs_no_first_labels():
    """With a loss from the report, the very first bad labels count."""
    watcher = started(baseline_loss=0.12)

    assert watcher.update_labels(labels(traffic(0, 90), 0.6))


def test_comments_are_passed_over():
    """Feedback without a right or wrong moves nothing but the cursor."""
    watcher, row = started(), traffic(0, 1)[0]
    comment = Feedback(id="fbk_9", interaction=row.id, kind=FeedbackKind.COMMENT, value="hm", time=5.0)
    before = watcher.state()["loss"]

    assert watcher.update_labels([(row, comment)]) == []
    assert watcher.state()["loss"] == before
    assert watcher.feedback_cursor == (5.0, "fbk_9")


def test_only_confidence_embedding_and_tags_are_read():
    """Requests and replies, where answers might hide, can be anything: not one number changes. Tags name slices."""
    rows = traffic(0, 600)
    blind = [replace(r, text="x", reply="y", entropy=9.0) for r in rows]
    without = [replace(r, tags={}) for r in blind]
    states = []
    for some in (rows, blind, without):
        watcher = started()
        watcher.update(some)
        states.append(watcher.state())
    for state in states[1:]:
        assert json.dumps(states[0] | {"traffic": {}, "sliced": {}}) == json.dumps(
            state | {"traffic": {}, "sliced": {}}
        )

    assert json.dumps(states[0]) == json.dumps(states[1])
    assert {k for k, v in states[0]["traffic"].items() if v != states[2]["traffic"][k]} == {"sliced"}


@pytest.mark.parametrize("size", [1, 33])
def test_batches_do_not_matter(size):
    """The same requests by ones or by thirty-threes: the same signals."""
    rows = traffic(0, 300) + traffic(1, 300, start=300, topics=(4, 5), doubt=2.0)
    expected = started().update(rows)
    watcher = started()

    found = [s for i in range(0, len(rows), size) for s in watcher.update(rows[i : i + size])]

    assert [(s.id, s.n, s.since, s.examples) for s in found] == [(s.id, s.n, s.since, s.examples) for s in expected]
    assert len(found) >= 1


@pytest.mark.parametrize("cut", [20, 450, 640])
def test_a_restart_changes_nothing(cut):
    """State through JSON in the middle, calibration or change included: signals with the same ids as undisturbed."""
    rows = traffic(0, 600) + traffic(1, 300, start=600, topics=(4, 5), doubt=2.0)
    settings = replace(SETTINGS, min_reference=430)
    expected = started(settings=settings).update(rows)
    first = started(settings=settings)
    found = first.update(rows[:cut])

    second = Watcher.restore(json.loads(json.dumps(first.state(), allow_nan=False)), index())
    found += second.update(rows[cut:])

    assert [(s.id, s.examples) for s in found] == [(s.id, s.examples) for s in expected]
    assert second.cursor == (rows[-1].time, rows[-1].id)
    assert second.settings == settings


def test_a_restart_with_another_index_is_refused():
    """Distances to other rows are other numbers."""
    state = started().state()

    with pytest.raises(Tampered, match="index"):
        Watcher.restore(state, index(seed=8))


def test_state_does_not_grow_with_traffic():
    """Forty thousand requests leave a state hardly longer than two thousand do."""
    watcher = started(settings=replace(SETTINGS, false_alarm_every=10**9))
    watcher.update(traffic(0, 4000))
    early = len(json.dumps(watcher.state()))
    for start in range(4000, 40_000, 4000):
        watcher.update(traffic(0, 4000, start=start))

    assert len(json.dumps(watcher.state())) < 1.5 * early


def test_without_calibration_the_first_requests_are_normal():
    """It watches from `min_reference` requests on, and counts from there."""
    settings = replace(SETTINGS, min_reference=300)
    watcher = Watcher.start("routing", index(), [], settings)

    assert watcher.update(traffic(0, 300)) == []
    assert watcher.trace == ()
    watcher.update(traffic(0, 10, start=300))
    assert len(watcher.trace) == 10


def test_a_model_without_embeddings_is_watched_by_confidence():
    """One channel, and it still alarms."""
    rows = [replace(r, embedding=b"") for r in traffic(0, 800) + traffic(1, 300, start=800, doubt=3.0)]
    watcher = Watcher.start("routing", np.empty((0, 0)), rows[:300], SETTINGS)

    signals = watcher.update(rows[300:])

    assert watcher.channels == ("confidence",)
    assert signals[0].moved is Moved.NOVELTY


def test_rows_without_embeddings_among_others_do_not_alarm():
    """Every second request lost its embedding: its confidence counts, and nothing else happens."""
    rows = [replace(r, embedding=b"") if i % 2 else r for i, r in enumerate(traffic(0, 4000))]

    assert started().update(rows) == []


def test_another_models_embeddings_are_refused_and_nothing_is_taken():
    """A batch with the wrong width changes neither counts nor cursor."""
    watcher = started()
    before = json.dumps(watcher.state())
    wrong = [replace(r, embedding=np.ones(4, np.float16).tobytes()) for r in traffic(0, 3)]

    with pytest.raises(ValueError, match="not the same model"):
        watcher.update(wrong)

    assert json.dumps(watcher.state()) == before


def test_an_empty_batch_is_nothing():
    """No rows, no change."""
    watcher = started()
    before = json.dumps(watcher.state())

    assert watcher.update([]) == []
    assert watcher.update_labels([]) == []
    assert json.dumps(watcher.state()) == before

"""The loss detector hears of wrong replies only, rarely without a cause and soon with one."""

import json

import numpy as np
import pytest

from homeostat.monitor.detectors.loss import (
    EDGES,
    SHARES,
    STAKES,
    TAILS,
    TOLERATED,
    UNKNOWN,
    WATCHED,
    LossDetector,
    loss,
    surprise,
)
from homeostat.monitor.reference import Histogram
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction


def said(kind, value):
    """What somebody said about a reply."""
    return Feedback(id="fbk_1", interaction="int_1", kind=kind, value=value, time=0.0)


def replied(reply):
    """An interaction with this reply."""
    return Interaction(id="int_1", task="t", time=0.0, text="", reply=reply, version="ver_1")


def rows_to_alarm(detector, losses, slices=None):
    """Rows until the first alarm, or None."""
    names = slices or [()] * len(losses)
    return next((i + 1 for i, x in enumerate(losses) if detector.update(float(x), float(i), names[i])), None)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (FeedbackKind.LABEL, "refund ", 0.0),
        (FeedbackKind.LABEL, "billing", 1.0),
        (FeedbackKind.CORRECTION, "refund", 0.0),
        (FeedbackKind.CORRECTION, "xyz", 1.0),
        (FeedbackKind.RATING, "0.25", 0.75),
        (FeedbackKind.RATING, "seven", None),
        (FeedbackKind.RATING, "5", None),
        (FeedbackKind.RATING, "nan", None),
        (FeedbackKind.COMMENT, "thanks", None),
    ],
)
def test_loss_of_each_kind_of_feedback(kind, value, expected):
    """Labels are right or wrong, corrections far or near, ratings good or bad; the rest says nothing."""
    assert loss(replied("refund"), said(kind, value)) == expected


def test_a_small_correction_is_a_small_loss():
    """One word changed costs less than another text."""
    reply = replied("We will send the refund tomorrow.")
    near = loss(reply, said(FeedbackKind.CORRECTION, "We will send the refund today."))
    far = loss(reply, said(FeedbackKind.CORRECTION, "Please unplug the lamp."))

    assert 0 < near < 0.5 < far <= 1


@pytest.mark.slow
def test_alarms_are_as_rare_as_promised_at_the_baseline():
    """100,000 losses with a mean exactly at the baseline, c = 1,000: at most the 100 alarms that c allows, and some."""
    rng = np.random.default_rng(0)
    detector = LossDetector(1000, baseline=0.15)

    total = sum(bool(detector.update(float(x), 0.0)) for x in rng.random(100_000) < 0.15)

    assert 20 <= total <= 110


def test_more_wrong_replies_are_noticed_soon():
    """Errors rise from 10 % to 30 %: at the default threshold the median alarm comes within 130 labels."""
    delays = [
        rows_to_alarm(LossDetector(500_000, baseline=0.1), np.random.default_rng(s).random(1000) < 0.3)
        for s in range(40)
    ]

    assert np.median(delays) < 130


def test_fewer_wrong_replies_never_alarm():
    """Improvement is no cause for alarm."""
    detector = LossDetector(500, baseline=0.3)

    assert rows_to_alarm(detector, np.random.default_rng(0).random(5000) < 0.05) is None


@pytest.mark.slow
def test_alarms_are_as_rare_as_promised_without_a_baseline():
    """100,000 losses of three sorts that nothing moves, c = 1,000: at most the 100 alarms that c allows, and some."""
    sorts = np.random.default_rng(0).choice([0.0, 1.0, UNKNOWN], size=100_000, p=[0.7, 0.29, 0.01])
    detector = LossDetector(1000, seed=7)

    total = sum(bool(detector.update(float(x), 0.0)) for x in sorts)

    assert 10 <= total <= 110


def test_a_rise_is_noticed_without_a_baseline():
    """After 400 labels with 10 % errors come 35 %: at the default threshold the median alarm comes within 120 more."""
    delays = []
    for seed in range(30):
        draw, detector = np.random.default_rng(seed), LossDetector(500_000, seed=1000 + seed)
        assert rows_to_alarm(detector, draw.random(400) < 0.1) is None
        delays.append(rows_to_alarm(detector, draw.random(600) < 0.35) or 600)

    assert np.median(delays) < 120


def test_a_surer_error_is_a_greater_surprise():
    """Among errors confidence decides, and more of it is stranger up to 0.9999; a right reply never surprises; what
    nobody could know stays above all.
    """
    errors = [surprise(1.0, p) for p in (0.0, 0.5, 0.9, 0.99, 0.9999)]

    assert errors == sorted(set(errors))
    assert 0.5 <= errors[0] < errors[-1] <= 1.0
    assert surprise(1.0, 1.0) == 1.0
    assert surprise(0.0, 1.0) == 0.0
    assert surprise(0.2, 0.99) < surprise(1.0, 0.99)
    assert surprise(UNKNOWN, 0.3) == UNKNOWN


def changed_policy(seed):
    """Losses and confidences of a calibrated model; from label 800 on, what was right is wrong for 15 % of them."""
    draw = np.random.default_rng(seed)
    sure = draw.beta(2.0, 0.4, 2_000)
    moved = (np.arange(2_000) >= 800) & (draw.random(2_000) < 0.15)
    return ((draw.random(2_000) > sure) | moved).astype(float), sure


def test_a_change_of_what_is_right_shows_in_sure_replies_first():
    """At the default threshold the median alarm comes in less than half of the labels that errors alone take."""
    delays = {True: [], False: []}
    for seed in range(5):
        losses, sure = changed_policy(seed)
        for known, found in delays.items():
            detector = LossDetector(500_000, seed=seed)
            told = (detector.update(x, 0.0, (), p if known else 0.0) for x, p in zip(losses, sure, strict=True))
            first = next((row for row, alarm in enumerate(told) if alarm), 2_000)
            assert first >= 800
            found.append(first - 800)

    assert np.median(delays[True]) < np.median(delays[False]) / 2


@pytest.mark.slow
def test_alarms_are_as_rare_as_promised_where_confidence_says_something():
    """100,000 losses of a calibrated model that nothing moves, c = 1,000: at most the 100 alarms that c allows."""
    draw, detector = np.random.default_rng(0), LossDetector(1000, seed=7)
    sure = draw.beta(2.0, 0.4, 100_000)
    losses = (draw.random(100_000) > sure).astype(float)

    total = sum(bool(detector.update(x, 0.0, (), p)) for x, p in zip(losses, sure, strict=True))

    assert 10 <= total <= 110


@pytest.mark.slow
def test_labels_nobody_knew_are_noticed_first():
    """A fifth of the requests becomes of a new kind where a quarter was wrong before: named so, it takes a third of
    the labels that it takes as mere errors.
    """
    delays = {UNKNOWN: [], 1.0: []}
    for wrong, seen in delays.items():
        for seed in range(20):
            draw, detector = np.random.default_rng(seed), LossDetector(500_000, seed=1000 + seed)
            before = (draw.random(300) < 0.25).astype(float)
            after = np.where(draw.random(2000) < 0.2, wrong, draw.random(2000) < 0.25)
            assert rows_to_alarm(detector, before) is None
            seen.append(rows_to_alarm(detector, after) or 2000)

    assert np.median(delays[UNKNOWN]) < 70
    assert np.median(delays[UNKNOWN]) < np.median(delays[1.0]) / 3


def first_alarm(detector, losses, slices):
    """Row and alarm of the first one."""
    for row, (value, name) in enumerate(zip(losses, slices, strict=True)):
        told = detector.update(float(value), float(row), name)
        if told:
            return row, told[0]
    raise AssertionError("no alarm")


@pytest.mark.slow
def test_a_change_in_one_slice_is_noticed_there():
    """Of 20 slices one of 5 % goes from a tenth wrong to four fifths: the slice is named within some hundred labels.
    Where rows are not told apart, 3,000 labels mostly do not show it.
    """
    told, untold, onsets = [], 0, []
    for seed in range(10):
        draw = np.random.default_rng(seed)
        slices = draw.integers(0, 20, 4000)
        losses = draw.random(4000) < np.where((slices == 7) & (np.arange(4000) >= 1000), 0.8, 0.1)
        row, alarm = first_alarm(LossDetector(500_000, seed=seed), losses, [(f"s={k}",) for k in slices])
        assert (alarm.slice, alarm.n) == ("s=7", row + 1)
        told.append(row - 1000)
        onsets.append(alarm.since_row)
        untold += rows_to_alarm(LossDetector(500_000, seed=seed), losses) is not None

    assert min(told) > 0
    assert np.median(told) < 700
    assert untold < 5
    assert 800 < np.median(onsets) < 1300


@pytest.mark.slow
def test_alarms_are_as_rare_as_promised_in_slices():
    """40,000 losses of 40 slices, each with its own share of errors, c = 400: at most the 100 alarms that c allows."""
    draw, detector = np.random.default_rng(0), LossDetector(400, seed=7)
    slices, shares = draw.integers(0, 40, 40_000), draw.random(40) * 0.6

    total = sum(
        bool(detector.update(float(x), 0.0, (f"s={k}",)))
        for x, k in zip(draw.random(40_000) < shares[slices], slices, strict=True)
    )

    assert 10 <= total <= 110


def test_a_label_the_version_does_not_know():
    """It is told from one that is merely wrong, if it is said which labels the version knows."""
    said_lamp = said(FeedbackKind.LABEL, "lamp ")
    assert loss(replied("pump"), said_lamp) == 1.0
    assert loss(replied("pump"), said_lamp, {"pump", "lamp"}) == 1.0
    assert loss(replied("pump"), said_lamp, {"pump"}) == UNKNOWN
    assert loss(replied("pump"), said(FeedbackKind.LABEL, "pump"), {"pump"}) == 0.0


@pytest.mark.parametrize("baseline", [0.0, 1.0])
def test_extreme_baselines_stay_finite(baseline):
    """A perfect or a hopeless version can be watched: no division by zero, no ruin."""
    detector = LossDetector(1e9, baseline=baseline)
    for value in (0.0, 1.0, 0.5):
        detector.update(value, 0.0)

    assert np.isfinite(detector.state()["all"]["evidence"]["held"]).all()


@pytest.mark.parametrize("cut", [40, 300])
def test_state_goes_through_json_and_goes_on(cut):
    """Interrupted at any time, it alarms where the undisturbed one does."""
    losses = np.random.default_rng(3).random(900) < np.where(np.arange(900) < 400, 0.1, 0.4)
    names = [(f"s={k}",) for k in np.random.default_rng(4).integers(0, 3, 900)]
    expected = rows_to_alarm(LossDetector(10_000), losses, names)
    first, second = LossDetector(10_000), LossDetector(10_000)
    assert rows_to_alarm(first, losses[:cut], names) is None
    second.load(json.loads(json.dumps(first.state())))

    assert cut + rows_to_alarm(second, losses[cut:], names[cut:]) == expected


def test_the_level_is_what_an_alarm_compares_with_the_threshold():
    """It rises to what an alarm reports and begins anew there; the highest stays, through JSON too."""
    losses = np.random.default_rng(3).random(900) < np.where(np.arange(900) < 400, 0.1, 0.4)
    names = [(f"s={k}",) for k in np.random.default_rng(4).integers(0, 3, 900)]
    detector = LossDetector(10_000)
    assert detector.level == detector.highest == -np.inf
    row, alarm = first_alarm(detector, losses, names)

    assert alarm.log_statistic == detector.highest >= np.log(10_000)
    assert detector.level == -np.inf
    detector.update(0.0, row + 1.0, names[0])
    assert detector.level < detector.highest
    again = LossDetector(10_000)
    again.load(json.loads(json.dumps(detector.state())))
    assert (again.level, again.highest) == (detector.level, detector.highest)


def test_a_state_from_before_the_highest_was_kept_goes_on():
    """It is taken from the level at hand."""
    detector = LossDetector(10_000)
    for row in range(20):
        detector.update(float(row % 2), float(row))
    state = {key: value for key, value in detector.state().items() if key != "highest"}
    again = LossDetector(10_000)
    again.load(state)

    assert again.highest == again.level == detector.level


# ── slices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def dealt(draw, rows, segments=10):
    """For each row a reply, a segment and a language."""
    dice = draw.integers(0, 4, rows), draw.integers(0, segments, rows), draw.integers(0, 2, rows)
    return [
        (f"reply={a}", f"segment={b}", f"language={c}") for a, b, c in zip(*(d.tolist() for d in dice), strict=True)
    ]


def by_the_book(losses, places, c):
    """The definition written out: M of all rows and of each slice, row by row, and weighted e-d-BH after each."""
    known, m, found = {}, {}, []
    pairs = [(tail, share) for tail in TAILS for share in SHARES]
    for row, (value, names) in enumerate(zip(losses, places, strict=True)):
        for name in ("", *names):
            tie = np.random.PCG64([0, 2 if name else 1])
            tie.advance(row)
            p = known.setdefault(name, Histogram(EDGES)).rank(
                np.array([surprise(value, 0.0)]), 1.0 - np.random.Generator(tie).random(1)
            )[0]
            f = [(t + s * (1 - t)) / t if p <= t else 1 - s for t, s in pairs]
            f += [] if name else [1 + stake / TOLERATED * (float(value == UNKNOWN) - TOLERATED) for stake in STAKES]
            m[name] = (m.get(name, np.zeros(len(f))) + 1) * np.array(f)
        weights = {name: 1 / 6 if name else 1 / 2 for name in m}
        height = {name: weights[name] * m[name].mean() for name in m}
        falling = sorted(height, key=lambda name: -height[name])
        k = max((k for k, name in enumerate(falling, 1) if height[name] >= c / k), default=0)
        if k:
            found.append((row, tuple(falling[:k])))
            m = {}
    return found


def test_what_is_told_of_is_the_definition():
    """Two slices that overlap get worse at once, a low threshold: told of at the same rows, in the same order."""
    draw = np.random.default_rng(0)
    places = dealt(draw, 700, 5)
    moved = np.array(["segment=3" in names or "reply=1" in names for names in places]) & (np.arange(700) >= 300)
    losses = (draw.random(700) < np.where(moved, 0.8, 0.2)).astype(float)
    detector, found = LossDetector(25), []
    for row, (value, names) in enumerate(zip(losses, places, strict=True)):
        if told := detector.update(value, float(row), names):
            found.append((row, tuple(alarm.slice for alarm in told)))
            assert all(alarm.log_statistic >= np.log(25) for alarm in told)

    assert found == by_the_book(losses, places, 25)
    assert {"segment=3", "reply=1"} <= {name for _, names in found for name in names}
    assert max(len(names) for _, names in found) > 1


@pytest.mark.slow
def test_a_fall_in_one_value_of_a_tag_is_told_of_there():
    """Of twenty segments one goes from a tenth wrong to a half: it is told of in all of five streams, and nothing else,
    within a median of 900 labels; by reply alone it takes three times as many.
    """
    delays, alone, told = [], [], []
    for seed in range(5):
        draw = np.random.default_rng([seed, 9])
        places = dealt(draw, 5000, 20)
        moved = np.array(["segment=7" in names for names in places]) & (np.arange(5000) >= 1500)
        losses = draw.random(5000) < np.where(moved, 0.5, 0.1)
        first = LossDetector(500_000, seed=seed)
        each = zip(range(5000), losses, places, strict=True)
        heard = ((row, first.update(float(x), 0.0, names)) for row, x, names in each)
        row, alarms = next((row, alarms) for row, alarms in heard if alarms)
        delays.append(row - 1500)
        told += [alarm.slice for alarm in alarms]
        second = LossDetector(500_000, seed=seed)
        alone.append(rows_to_alarm(second, losses, [names[:1] for names in places]) or 5000)

    assert set(told) == {"segment=7"}
    assert min(delays) > 0
    assert np.median(delays) < 900
    assert np.median(alone) - 1500 > 3 * np.median(delays)


@pytest.mark.slow
def test_of_what_is_told_little_has_not_moved():
    """Forty falls in one segment at a threshold of 2,000: of all that is told of at the first alarm at most a tenth is
    something else, and false alarms before it are as rare as promised.
    """
    told, wrong, early = 0, 0, 0
    for seed in range(40):
        draw, detector = np.random.default_rng([seed, 5]), LossDetector(2_000, seed=seed)
        places = dealt(draw, 1200, 6)
        moved = np.array(["segment=2" in names for names in places]) & (np.arange(1200) >= 400)
        losses = draw.random(1200) < np.where(moved, 0.7, 0.15)
        for row, (value, names) in enumerate(zip(losses.tolist(), places, strict=True)):
            if alarms := detector.update(float(value), float(row), names):
                names_told = {alarm.slice for alarm in alarms}
                early += row < 400
                told += len(names_told)
                wrong += len(names_told - {"segment=2", ""}) if row >= 400 else len(names_told)
                break

    assert told >= 36
    assert wrong <= 0.1 * told
    assert early <= 40 * 400 / 2_000 + 3


def test_slices_are_limited_and_the_frequent_stay():
    """A tag that is another one for every row: WATCHED slices, all replies and languages among them, and what is put
    down stays as large as it is.
    """
    detector, sizes = LossDetector(1e9), []
    for row in range(3 * WATCHED):
        detector.update(float(row % 7 == 0), 0.0, (f"reply={row % 20}", f"user={row}", f"language={row % 3}"))
        if row in (2 * WATCHED, 3 * WATCHED - 1):
            sizes.append(len(json.dumps(detector.state())))
    names = set(detector.names)

    assert len(names) == WATCHED
    assert {f"reply={k}" for k in range(20)} | {f"language={k}" for k in range(3)} < names
    assert sizes[1] < 1.2 * sizes[0]


def test_a_state_from_before_slices_were_limited_goes_on():
    """Which slices come often is told by their references."""
    detector, again = LossDetector(1e9), LossDetector(1e9)
    for row in range(50):
        detector.update(float(row % 2), 0.0, (f"reply={row % 3}",))
    again.load({key: value for key, value in detector.state().items() if key != "frequent"})

    assert again.state() == detector.state()

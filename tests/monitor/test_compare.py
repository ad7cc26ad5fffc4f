"""Two windows compared: what really moved stands first, where nothing moved nothing is said, bad windows are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from homeostat.errors import BadWindow, UnknownPlugin
from homeostat.monitor.compare import (
    HOURS,
    KINDS,
    LEAST,
    Line,
    Question,
    Verdict,
    compare,
    halves,
    ranked,
    require_apart,
)
from homeostat.monitor.detectors.batch.comparison import Comparison
from homeostat.monitor.detectors.batch.ks import Ks
from homeostat.monitor.features.feature import Shape
from homeostat.monitor.features.text import RARITY
from homeostat.monitor.hours import Hours
from homeostat.stats.intervals import upper_bound
from monitor.desk import manual, said, windows

HIDDEN = 16
DAY = 86400.0


def answered(seed: int, rows: int, *, first: int = 0, doubt: float = 0.0, center: float = 0.0, **more) -> list:
    """Requests with everything a served model leaves: confidence, entropy, latency, tokens, embedding, tags."""
    rng = np.random.default_rng([seed, first])
    sure = np.clip(rng.beta(8, 2, rows) - doubt, 0.01, 0.99)
    x = (center + rng.normal(size=(rows, HIDDEN))).astype(np.float16)
    word = rng.choice(["parcel", "refund", "lamp", "pod", "invoice"], (rows, 8))
    return [
        said(
            first + k, " ".join(word[k]), reply=f"label_{rng.integers(4)}", confidence=float(sure[k]),
            entropy=float(1 - sure[k]), latency_ms=float(rng.gamma(9, 2)), prompt_tokens=int(rng.integers(20, 40)),
            reply_tokens=2, embedding=x[k].tobytes(), tags={"segment": str(rng.choice(["home", "school"]))},
            time=1_700_000_000.0 + 60 * (first + k), **more,
        )
        for k in range(rows)
    ]  # fmt: skip


def line(feature: str, p: float | None, statistic: float = 1.0, threshold: float | None = None) -> Line:
    """A line with this p-value."""
    found = Comparison(
        name="t", feature=feature, statistic=statistic, p_value=p, effect=0.0, n_reference=9, n_current=9,
        threshold=threshold,
    )  # fmt: skip
    return Line(comparison=found, shape=Shape.NUMBER, unit="")


# ── what moved ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_another_domain_is_seen_in_its_words() -> None:
    """A tenth of 900 real messages is replaced by sentences about a programming library: the rarity of words moved
    most, and what stood still is not called moved.
    """
    reference, current = windows(0, 900, foreign=0.1)
    report = compare(reference, current, Question())
    first = report.lines[0]
    assert first.comparison.feature in ("rarity", "novelty")
    assert first.verdict is Verdict.MOVED
    assert (first.low > 0, first.after > first.before) == (True, True)
    still = {"tag:channel", "tag:segment", "tag:register", "reply"}
    assert not [one for one in report.lines if one.comparison.feature in still and one.verdict is Verdict.MOVED]


def test_the_most_novel_texts_are_of_the_other_domain() -> None:
    """A tenth of the rows is planted, and of the thirty examples that three reports show at least twice that share."""
    planted, shown = set(manual()), 0
    for seed in range(3):
        novel = compare(*windows(seed, 600, foreign=0.1), Question(features=("characters",), detectors=())).novel
        assert len({one.text for one in novel}) == 10
        assert [one.distance for one in novel] == sorted((one.distance for one in novel), reverse=True)
        shown += sum(one.text in planted for one in novel)
    assert shown >= 6


@pytest.mark.parametrize(
    ("feature", "change"),
    [
        ("confidence", lambda row, k: replace(row, confidence=max(0.01, row.confidence - 0.15))),
        ("latency", lambda row, k: replace(row, latency_ms=row.latency_ms + 10)),
        ("words", lambda row, k: replace(row, text=row.text + " please answer me soon thank you kindly")),
        ("refusal", lambda row, k: replace(row, reply="I'm sorry, but no") if k % 8 == 0 else row),
        ("tag:segment", lambda row, k: replace(row, tags={"segment": "school" if k % 3 else "home"})),
        ("script", lambda row, k: replace(row, text="где моя посылка и счет") if k % 8 == 0 else row),
        ("tokens", lambda row, k: replace(row, prompt_tokens=row.prompt_tokens + 20)),
        ("language", lambda row, k: replace(row, text="¿dónde está mi paquete? no ha llegado") if k % 8 == 0 else row),
        ("toxicity", lambda row, k: replace(row, text=row.text + " you idiots") if k % 8 == 0 else row),
        ("reply_toxicity", lambda row, k: replace(row, reply="you are an idiot") if k % 8 == 0 else row),
        ("fragmentation", lambda row, k: replace(row, prompt_tokens=int(1.5 * row.prompt_tokens))),
        ("request_perplexity", lambda row, k: replace(row, text=row.text[::-1]) if k % 2 else row),
    ],
)
def test_what_was_changed_is_found(feature: str, change) -> None:
    """One thing is changed in the current window: its feature has moved."""
    reference, current = answered(0, 400), answered(0, 400, first=1000)
    moved = [change(row, k) for k, row in enumerate(current)]
    lines = {one.comparison.feature: one for one in compare(reference, moved, Question()).lines}
    assert lines[feature].verdict is Verdict.MOVED
    assert lines[feature].q is not None
    assert lines[feature].q < 1e-4


def test_replies_in_another_language_and_labels_that_compete_are_found() -> None:
    """A tenth of the replies come in German; two labels are about as likely where one was, at the same confidence."""
    reference, current = answered(3, 300), answered(3, 300, first=1000)
    english, german = "your parcel is on its way and will be there soon", "das Paket ist leider noch nicht angekommen"

    def spread(row, reply: str, rivals: int):
        """What is left of the confidence is shared evenly by so many labels."""
        left = 1 - row.confidence
        entropy = -row.confidence * np.log(row.confidence) - left * np.log(left / rivals)
        return replace(row, reply=reply, reply_tokens=1, entropy=float(entropy))

    reference = [spread(row, english, 30) for row in reference]
    current = [spread(row, german if k % 10 == 0 else english, 1) for k, row in enumerate(current)]
    asked = Question(features=("reply_language", "margin", "confidence"))
    lines = {one.comparison.feature: one for one in compare(reference, current, asked).lines}
    assert (lines["reply_language"].verdict, lines["reply_language"].value) == (Verdict.MOVED, "de")
    assert lines["margin"].verdict is Verdict.MOVED
    assert lines["margin"].after < lines["margin"].before
    assert lines["confidence"].verdict is Verdict.STEADY


def test_what_says_the_same_twice_is_compared_only_if_it_is_named() -> None:
    """Cost is latency at a price, and the perplexity of a reply its confidence: not asked by default, and with the same
    p-value as their twins where they are; the price is the one that was given.
    """
    reference, current = answered(0, 300), answered(0, 300, first=1000)
    reference, current = ([replace(row, reply_tokens=9) for row in rows] for rows in (reference, current))
    current = [replace(row, latency_ms=row.latency_ms + 3, confidence=0.9 * row.confidence) for row in current]
    whole = {one.comparison.feature for one in compare(reference, current, Question()).lines}
    assert not whole & {"cost", "perplexity"}
    named = Question(features=("cost", "latency", "perplexity", "confidence"), an_hour=7.2)
    lines = {one.comparison.feature: one for one in compare(reference, current, named).lines}
    for one, twin in (("cost", "latency"), ("perplexity", "confidence")):
        assert lines[one].comparison.p_value == pytest.approx(lines[twin].comparison.p_value)
    assert lines["cost"].after == pytest.approx(lines["latency"].after * 7.2 / 3600)
    assert "7.2 an hour" in lines["cost"].unit


def test_a_change_is_told_in_the_features_own_unit() -> None:
    """Means with the interval of their difference, and for labels the one that moved most with its shares."""
    reference, current = answered(1, 300), answered(1, 500, first=1000)
    current = [replace(row, latency_ms=row.latency_ms + 7, tags={"segment": "bank"}) for row in current]
    lines = {one.comparison.feature: one for one in compare(reference, current, Question()).lines}
    latency, segment = lines["latency"], lines["tag:segment"]
    assert latency.after - latency.before == pytest.approx(7, abs=1.0)
    assert latency.low < 7 < latency.high
    assert latency.comparison.effect == pytest.approx(latency.after - latency.before)
    assert (segment.value, segment.before, segment.after) == ("bank", 0.0, 1.0)


def test_vectors_are_told_by_their_tests() -> None:
    """Embeddings that moved a little in every direction are told apart by the classifier and by the kernel."""
    reference, current = answered(2, 300), answered(2, 300, first=1000, center=0.4)
    report = compare(reference, current, Question(features=("embedding",), tests=("classifier", "mmd", "energy")))
    assert {one.comparison.name for one in report.lines} == {"classifier", "mmd", "energy"}
    assert all(one.verdict is Verdict.MOVED for one in report.lines)
    assert all(np.isnan(one.before) and one.unit for one in report.lines)


# ── what did not ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
def test_where_nothing_moved_no_line_is_called_moved() -> None:
    """Of 60 pairs of windows of real messages cut by lot, at most a twentieth, or hardly more, has any line called
    moved; bare p-values below 0.05 are in several times as many.
    """
    wrong, bare = 0, 0
    for seed in range(60):
        found = compare(*windows(seed, 120), Question(detectors=())).lines
        wrong += any(one.verdict is Verdict.MOVED for one in found)
        bare += any((one.comparison.p_value or 1) <= 0.05 for one in found)
    assert wrong / 60 <= upper_bound(3, 60)
    assert bare > 2 * wrong
    assert bare > 10


def test_the_answer_is_the_same_twice() -> None:
    """The same windows and the same seed: the same report, down to the last digit."""
    reference, current = answered(3, 80), answered(3, 90, first=1000)
    question = Question(tests=("ks", "mmd_random", "wasserstein", "classifier"))
    assert repr(compare(reference, current, question)) == repr(compare(reference, current, question))


# ── how lines are judged ────────────────────────────────────────────────────────────────────────────────────────────


def test_verdicts_follow_from_all_lines_together() -> None:
    """One of twenty at 0.002 is moved; at 0.004 with a neighbor at 0.005 both are perhaps; alone at 0.03 neither."""
    rest = [line(f"f{k}", 0.5 + k / 40) for k in range(18)]
    (strong, *_) = ranked([line("a", 0.002), line("b", 0.9), *rest], 0.05)
    assert (strong.comparison.feature, strong.verdict) == ("a", Verdict.MOVED)
    pair = ranked([line("a", 0.005), line("b", 0.004), *rest], 0.05)[:2]
    assert [(one.comparison.feature, one.verdict) for one in pair] == [("b", Verdict.PERHAPS), ("a", Verdict.PERHAPS)]
    assert ranked([line("a", 0.03), line("b", 0.9), *rest], 0.05)[0].verdict is Verdict.STEADY
    assert ranked([line("a", 0.03)], 0.05)[0].verdict is Verdict.MOVED


def test_lines_without_a_p_value_stand_last_beside_their_limit() -> None:
    """They count for no correction, and are above or below."""
    lines = ranked([line("a", None, 0.1, 0.2), line("b", None, 0.3, 0.2), line("c", 0.04)], 0.05)
    assert [(one.comparison.feature, one.verdict) for one in lines] == [
        ("c", Verdict.MOVED),
        ("b", Verdict.ABOVE),
        ("a", Verdict.BELOW),
    ]
    assert lines[1].q is None


# ── what cannot be compared ─────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_left_out_says_why() -> None:
    """Features that nobody knows, that never change, or that are texts."""
    reference = [said(k, "hello there", reply=f"your parcel number {k} is late") for k in range(150)]
    current = [said(500 + k, "hello there again", reply=f"your parcel number {k} is early") for k in range(150)]
    report = compare(reference, current, Question())
    assert report.left_out["confidence"] == "known of no row of a window"
    assert report.left_out["script"] == "the same in all rows"
    assert report.left_out["reply"] == f"{300} different values, so it is a text"
    assert KINDS < 300
    assert "words" in {one.comparison.feature for one in report.lines}


def test_embeddings_of_two_models_are_left_out() -> None:
    """Widths that differ between the windows, or within one: that is said, and all other features are compared."""
    reference = [said(k, f"row {k % 7}", embedding=bytes(8)) for k in range(60)]
    current = [said(500 + k, f"a row {k % 7}", embedding=bytes(12)) for k in range(60)]
    report = compare(reference, current, Question())
    assert report.left_out["embedding"] == "4 columns before and 6 now: not the same model"
    assert {"words", "novelty"} <= {one.comparison.feature for one in report.lines}
    mixed = compare([*reference, *current[:5]], current[5:], Question())
    assert "2 different widths" in mixed.left_out["embedding"]


def test_tests_that_do_not_fit_are_told() -> None:
    """A test of numbers alone leaves labels out; where nothing is left, an error lists why."""
    reference, current = windows(4, 60)
    report = compare(reference, current, Question(features=("words", "tag:channel"), tests=("ks",)))
    assert report.left_out == {"tag:channel": "no test that was asked for takes a label"}
    with pytest.raises(BadWindow, match=r"nothing can be compared: tag:channel: no test"):
        compare(reference, current, Question(features=("tag:channel",), tests=("ks",)))


def test_unknown_names_are_told() -> None:
    """Of features, tags, tests and detectors, before anything is computed."""
    reference, current = windows(5, 40)
    for question in (
        Question(features=("wrds",)),
        Question(features=("tag:chanel",)),
        Question(tests=("k",)),
        Question(detectors=("adwn",)),
    ):
        with pytest.raises(UnknownPlugin, match="did you mean"):
            compare(reference, current, question)


def test_windows_must_be_large_enough_and_apart() -> None:
    """None, too few, and shared rows are three different errors, which name the window."""
    rows = windows(6, 100)[0]
    with pytest.raises(BadWindow, match="the reference window has no rows"):
        require_apart([], rows)
    with pytest.raises(BadWindow, match=f"the current window has 29 rows; {LEAST}"):
        require_apart(rows[:50], rows[60:89])
    with pytest.raises(BadWindow, match="overlap: 20 rows are in both"):
        require_apart(rows[:60], rows[40:])


def test_half_of_the_reference_is_what_is_known() -> None:
    """Two halves by lot that share nothing, in the order of time, the same for the same seed."""
    rows = windows(7, 101)[0]
    known, rest = halves(rows, 0)
    assert (len(known), len(rest)) == (50, 51)
    assert sorted([*known, *rest], key=rows.index) == rows
    assert known == [row for row in rows if row in known]
    assert halves(rows, 0) == (known, rest)
    assert halves(rows, 1)[0] != known


def test_rows_that_were_known_would_seem_familiar() -> None:
    """The trap that the halves avoid: measured against itself, a reference is so much less rare than rows from the same
    source that any test cries wolf.
    """
    reference, current = windows(8, 400)
    honest = compare(reference, current, Question(features=("rarity",))).lines[0].comparison
    known, rest = halves(reference, 0)
    trapped = Ks()(RARITY.of(known, known), RARITY.of(current, known))
    assert (honest.n_reference, len(rest)) == (200, 200)
    assert (honest.p_value or 0) > 0.01
    assert (trapped.p_value or 0) < 1e-6


# ── cautions ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_other_hours_and_other_versions_are_cautions() -> None:
    """Day beside night, and a release between the windows: both are said, and the hour is no line unless asked for."""
    reference = answered(9, 120)
    current = [replace(row, version="ver_2", time=row.time + 11 * 3600) for row in answered(9, 120, first=1000)]
    report = compare(reference, current, Question(detectors=()))
    assert len(report.cautions) == 2
    assert "hours of the week" in report.cautions[0]
    assert "ver_1; then ver_2" in report.cautions[1]
    assert HOURS not in {one.comparison.feature for one in report.lines}
    assert compare(reference, current, Question(features=(HOURS,))).lines[0].verdict is Verdict.MOVED


def test_whole_weeks_of_one_version_need_no_caution() -> None:
    """A week beside the week after it."""
    weeks = [
        [replace(row, time=1_700_000_000.0 + 7 * DAY * week + k * 7 * DAY / 168) for k, row in enumerate(rows)]
        for week, rows in enumerate((answered(10, 168), answered(10, 168, first=1000)))
    ]
    assert compare(*weeks, Question(detectors=())).cautions == ()


# ── hours ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def by_the_clock(days: range, first: int, lower: float = 0.0) -> list:
    """Thirty requests a day; at night a model is less sure, takes longer, and is asked by schools."""
    rows = answered(11, 30 * len(days), first=first)
    found = []
    for k, row in enumerate(rows):
        day, hour = days[k // 30], (k % 30) * 24 / 30
        night = hour < 8
        found.append(
            replace(
                row,
                time=1_699_920_000.0 + day * DAY + hour * 3600,
                confidence=max(0.01, row.confidence - 0.2 * night - lower),
                latency_ms=row.latency_ms + 20 * night,
                tags={"segment": "school" if night and k % 3 else "home"},
            )
        )
    return found


def test_traffic_that_follows_the_clock_has_not_moved() -> None:
    """Three weeks beside the nights of the next three days: all that differs is the hour. Compared as they are, three
    lines have moved; with their hours matched, none, and it is said how many requests are left.
    """
    reference = by_the_clock(range(21), 0)
    current = [row for row in by_the_clock(range(21, 27), 1000) if row.time % DAY < 8 * 3600]
    features = ("confidence", "latency", "tag:segment", "characters")
    plain = compare(reference, current, Question(features=features, hours=Hours.ANY))
    alike = compare(reference, current, Question(features=features))
    moved = {line.comparison.feature for line in plain.lines if line.verdict is Verdict.MOVED}
    assert moved == {"confidence", "latency", "tag:segment"}
    assert "other hours of the week" in plain.cautions[0]
    assert (plain.hours, plain.says, plain.n_reference) == (Hours.ANY, "", 630)
    assert not [line for line in alike.lines if line.verdict is Verdict.MOVED]
    assert (alike.hours, alike.cautions) == (Hours.WEEK, ())
    assert (alike.n_reference, alike.n_current) == (180, 60)
    assert "180 of 630 requests before and 60 of 60 now" in alike.says


def test_what_moved_within_the_hours_is_still_found() -> None:
    """The same nights, in which the model has become less sure."""
    reference = by_the_clock(range(21), 0)
    current = [row for row in by_the_clock(range(21, 27), 1000, lower=0.25) if row.time % DAY < 8 * 3600]
    lines = compare(reference, current, Question(features=("confidence", "characters"))).lines
    verdicts = {line.comparison.feature: line.verdict for line in lines}
    assert verdicts == {"confidence": Verdict.MOVED, "characters": Verdict.STEADY}


def test_hours_are_not_matched_where_they_are_asked_for() -> None:
    """As a feature they would be the same on both sides by force. Who insists gets that, or is told why not."""
    reference = by_the_clock(range(21), 0)
    current = [row for row in by_the_clock(range(21, 27), 1000) if row.time % DAY < 8 * 3600]
    asked = Question(features=(HOURS,))
    assert compare(reference, current, asked).hours is Hours.ANY
    assert compare(reference, current, replace(asked, hours=Hours.WEEK)).n_reference == 180
    with pytest.raises(BadWindow, match="hours of the week of 0% of the current ones only"):
        compare(reference[:30], current[-30:], Question(hours=Hours.WEEK))

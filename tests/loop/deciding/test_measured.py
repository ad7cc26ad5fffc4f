"""The metrics of objectives, read from a real store and computed a second time by other programs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    equal_opportunity_difference,
    equalized_odds_difference,
)
from rouge_score.rouge_scorer import RougeScorer
from scipy import stats
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from homeostat.config.schema import Config, Decide, Model, Tasks
from homeostat.decide.stated import read
from homeostat.loop.deciding.measured import LEVEL, Span, measured
from homeostat.store import Store
from homeostat.types.feedback import PICKED, Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role
from homeostat.types.report import Score
from homeostat.types.task import Kind

NAMES = ("refund", "delivery", "invoice", "other")
N = 600
EVER = Span(since=0.0, until=1e9, version="ver_1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as opened:
        yield opened


def value(store: Store, objective: dict[str, Any], kind: Kind = Kind.LABEL, span: Span = EVER) -> Score | None:
    """What an objective's metric is."""
    wanted = read("it", {"at_most" if "at_least" not in objective else "at_least": 0.5, **objective}, kind)
    config = Config(tasks={"desk": Tasks(kind=kind)}, model=Model(threads=2), decide=Decide(price_per_cpu_hour=0.36))
    return measured(config, store, "desk", wanted, span)


def known(store: Store, objective: dict[str, Any], kind: Kind = Kind.LABEL, span: Span = EVER) -> Score:
    """The same where it must be known."""
    found = value(store, objective, kind, span)
    assert found is not None
    assert found.low <= found.mean <= found.high
    return found


def row(k: int, **more: Any) -> Interaction:
    """A request a minute after the one before."""
    given = {"id": f"int_{k:05}", "task": "desk", "time": 60.0 * k, "text": "x", "reply": "a", "version": "ver_1"}
    return Interaction(**{**given, **more})


def say(of: Interaction, value: str, kind: FeedbackKind = FeedbackKind.LABEL, **more: Any) -> Feedback:
    """Somebody says something of a request."""
    given = {"id": f"fbk_{of.id}{kind}{value}{more.get('time', 0)}", "time": of.time + 5.0, "source": "user"}
    return Feedback(**{**given, "interaction": of.id, "kind": kind, "value": value, **more})


@pytest.fixture
def desk(store: Store) -> list[tuple[Interaction, str]]:
    """Replies with labels, confidences and languages, worse in one of them; rare labels fare worst."""
    rng = np.random.default_rng(7)
    pairs = []
    for k in range(N):
        target = NAMES[rng.choice(4, p=(0.5, 0.3, 0.15, 0.05))]
        language = ("de", "en", "fr")[rng.choice(3, p=(0.5, 0.3, 0.2))]
        right = rng.random() < (0.9 if language != "fr" else 0.7) - 0.1 * NAMES.index(target)
        reply = target if right else NAMES[rng.integers(4)]
        sure = float(rng.uniform(0.3, 1.0))
        pairs.append((row(k, reply=reply, confidence=sure, tags={"language": language}), target))
    store.interactions.add([one for one, _ in pairs])
    store.feedback.add(
        Feedback(id=f"fbk_{one.id}", interaction=one.id, kind=FeedbackKind.LABEL, value=target, time=one.time + 5.0)
        for one, target in pairs
    )
    return pairs


Desk = list[tuple[Interaction, str]]


def sides(desk: Desk) -> tuple[list[str], list[str], list[str]]:
    return [one.reply for one, _ in desk], [target for _, target in desk], [one.tags["language"] for one, _ in desk]


@pytest.mark.parametrize(("metric", "place"), [("precision", 0), ("recall", 1), ("f1", 2)])
def test_macro_figures_are_those_of_scikit_learn(store: Store, desk: Desk, metric: str, place: int) -> None:
    """Over all labels, for one of them, and in a slice."""
    said, wanted, language = sides(desk)
    every = precision_recall_fscore_support(wanted, said, average="macro", zero_division=0)
    found = known(store, {"metric": metric, "at_least": 0.5})
    assert found.mean == pytest.approx(every[place])
    assert found.n == N
    assert found.low < found.mean < found.high
    one = precision_recall_fscore_support(wanted, said, labels=["invoice"], average=None, zero_division=0)
    of_one = known(store, {"metric": metric, "label": "invoice", "at_least": 0.5})
    assert of_one.mean == pytest.approx(one[place][0])
    rows = {
        "precision": said.count("invoice"),
        "recall": wanted.count("invoice"),
        "f1": sum("invoice" in pair for pair in zip(said, wanted, strict=True)),
    }
    assert of_one.n == rows[metric]
    inside = [k for k, name in enumerate(language) if name == "fr"]
    sliced = precision_recall_fscore_support(
        [wanted[k] for k in inside], [said[k] for k in inside], average="macro", zero_division=0
    )
    french = known(store, {"metric": metric, "slice": {"language": "fr"}, "at_least": 0.5})
    assert (french.mean, french.n) == (pytest.approx(sliced[place]), len(inside))


def test_the_recall_of_a_label_has_an_exact_interval(store: Store, desk: Desk) -> None:
    """Clopper and Pearson's, at 99 %, of the rows that have the label; too few of them say nothing."""
    said, wanted, _ = sides(desk)
    n = wanted.count("delivery")
    k = sum(pair == ("delivery", "delivery") for pair in zip(said, wanted, strict=True))
    exact = stats.binomtest(k, n).proportion_ci(LEVEL, method="exact")
    found = known(store, {"metric": "recall", "label": "delivery", "at_least": 0.5})
    assert (found.low, found.high) == (pytest.approx(exact.low), pytest.approx(exact.high))
    assert value(store, {"metric": "recall", "label": "nobody's", "at_least": 0.5}) is None
    few = {"metric": "recall", "label": "other", "slice": {"language": "fr"}, "at_least": 0.5}
    assert value(store, few) is None


def test_calibration_error_is_the_mean_gap_over_bins(store: Store, desk: Desk) -> None:
    """Fifteen bins of equal width, weighted by their rows; a row whose confidence nobody measured is none."""
    sure, right = np.array([one.confidence for one, _ in desk]), np.array([o.reply == t for o, t in desk], float)
    wanted = 0.0
    for low in np.arange(15) / 15:
        inside = (sure > low) & (sure <= low + 1 / 15)
        if inside.any():
            wanted += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    found = known(store, {"metric": "calibration_error"})
    assert (found.mean, found.n) == (pytest.approx(wanted), N)
    unsure = row(N + 1, confidence=0.0)
    store.interactions.add([unsure])
    store.feedback.add([say(unsure, "refund")])
    assert known(store, {"metric": "calibration_error"}) == found


@pytest.mark.parametrize(
    ("metric", "theirs"),
    [
        ("demographic_parity_gap", demographic_parity_difference),
        ("equal_opportunity_gap", equal_opportunity_difference),
        ("equalized_odds_gap", equalized_odds_difference),
    ],
)
def test_gaps_are_those_of_fairlearn(store: Store, desk: Desk, metric: str, theirs: Any) -> None:
    """Between values of a tag, for one label, and the widest over all of them."""
    said, wanted, language = sides(desk)

    def of(label: str) -> float:
        sides_of = ([int(one == label) for one in side] for side in (wanted, said))
        return float(theirs(*sides_of, sensitive_features=language))

    asked = {"metric": metric, "tag": "language"}
    found = known(store, {**asked, "label": "refund"})
    assert (found.mean, found.n) == (pytest.approx(of("refund")), N)
    # The rarest label has too few rows in a language, where those rows are what is compared.
    common = NAMES if metric == "demographic_parity_gap" else NAMES[:3]
    assert known(store, asked).mean >= max(of(label) for label in common) - 1e-12
    assert known(store, asked).high >= found.high


def test_the_gap_in_accuracy(store: Store, desk: Desk) -> None:
    """French fares worse, and surely so; a language of few rows is left out, and one language alone is no gap."""
    said, wanted, language = sides(desk)
    frame = MetricFrame(metrics=accuracy_score, y_true=wanted, y_pred=said, sensitive_features=language)
    found = known(store, {"metric": "accuracy_gap", "tag": "language"})
    assert found.mean == pytest.approx(frame.difference())
    assert found.low > 0.0
    odd = [row(N + k, tags={"language": "odd"}, reply="never") for k in range(9)]
    store.interactions.add(odd)
    store.feedback.add(say(one, "refund") for one in odd)
    assert known(store, {"metric": "accuracy_gap", "tag": "language"}).mean == found.mean
    assert value(store, {"metric": "accuracy_gap", "tag": "language", "slice": {"language": "de"}}) is None
    assert value(store, {"metric": "accuracy_gap", "tag": "nowhere"}) is None


def test_texts_are_compared_as_the_field_does(store: Store) -> None:
    """Exact match but for case, articles and punctuation; ROUGE-L as rouge-score has it."""
    replies = ["The parcel is late.", "the parcel is late", "a parcel was lost", "we pay it back today"] * 15
    right = ["The parcel is late", "A parcel is late!", "The parcel was lost on its way", "we will pay back"] * 15
    rows = [row(k, reply=reply) for k, reply in enumerate(replies)]
    store.interactions.add(rows)
    pairs = zip(rows, right, strict=True)
    store.feedback.add(say(one, target, FeedbackKind.CORRECTION) for one, target in pairs)
    scorer = RougeScorer(["rougeL"])
    wanted = np.mean([scorer.score(t, r)["rougeL"].fmeasure for r, t in zip(replies, right, strict=True)])
    assert known(store, {"metric": "rouge", "at_least": 0.5}, Kind.TEXT).mean == pytest.approx(wanted)
    exact = known(store, {"metric": "exact_match", "at_least": 0.5}, Kind.TEXT)
    interval = stats.binomtest(30, 60).proportion_ci(LEVEL, method="exact")
    assert (exact.mean, exact.low, exact.n) == (0.5, pytest.approx(interval.low), 60)


def test_labels_that_were_asked_for_measure_nothing(store: Store, desk: Desk) -> None:
    """What the model was unsure of is wrong more often: labels of it change no metric."""
    asked = [{"metric": "f1", "at_least": 0.5}, {"metric": "calibration_error"}, {"metric": "corrected"}]
    asked += [{"metric": "equalized_odds_gap", "tag": "language"}, {"metric": "satisfaction", "at_least": 0.5}]
    before = [known(store, one) for one in asked]
    unsure = [row(N + k, reply="refund", confidence=0.2, tags={"language": "fr"}) for k in range(100)]
    store.interactions.add(unsure)
    store.feedback.add(say(one, "delivery", source=f"{PICKED}margin") for one in unsure)
    after = [known(store, one) for one in asked]
    assert after[0] == before[0]
    assert after[1] == before[1]
    assert (after[2].n, after[2].mean) == (N + 100, pytest.approx(before[2].mean * N / (N + 100)))
    assert after[3:] == before[3:]


def test_a_label_counts_once_it_is_known(store: Store, desk: Desk) -> None:
    """A span that has ended knows no label that came later, whatever it says."""
    early = Span(since=0.0, until=60.0 * N)
    before = known(store, {"metric": "f1", "at_least": 0.5}, span=early)
    store.feedback.add(say(one, "other", time=60.0 * N + 1.0) for one, _ in desk)
    assert known(store, {"metric": "f1", "at_least": 0.5}, span=early) == before
    assert known(store, {"metric": "recall", "label": "other", "at_least": 0.5}).mean < 0.2


def test_slow_replies_are_told_by_the_slowest_in_twenty(store: Store) -> None:
    """The least latency that 95 % do not exceed, with an interval by order statistics; mean and cost beside it."""
    took = np.random.default_rng(1).lognormal(5.0, 1.0, 1000)
    store.interactions.add(
        [row(k, latency_ms=float(ms), prompt_tokens=100, reply_tokens=10) for k, ms in enumerate(took)]
    )
    found = known(store, {"metric": "latency_p95_ms"})
    assert found.mean == pytest.approx(np.quantile(took, 0.95, method="inverted_cdf"))
    assert found.low < np.exp(5.0 + stats.norm.ppf(0.95)) < found.high
    assert known(store, {"metric": "latency_ms"}).mean == pytest.approx(took.mean())
    prices = {"read": 3.0, "written": 15.0}
    assert known(store, {"metric": "cost", "prices": prices}).mean == pytest.approx((100 * 3.0 + 10 * 15.0) / 1e6)
    own = known(store, {"metric": "cost"}).mean  # two threads at 0.36 an hour
    assert own == pytest.approx(2 * 0.36 / 3600 * took.mean() / 1000)


def test_requests_that_failed_are_a_share_of_all(store: Store) -> None:
    """Of this version, in this slice; a copy that nobody waited for is no request."""
    rows = [row(k, role=Role.FAILED if k % 20 == 0 else Role.PRIMARY, tags={"tier": "ab"[k % 2]}) for k in range(400)]
    rows += [row(1000 + k, role=Role.SHADOW, of="int_00001") for k in range(50)]
    rows += [row(2000 + k, role=Role.FAILED, version="ver_0") for k in range(50)]
    store.interactions.add(rows)
    found = known(store, {"metric": "error_rate"})
    interval = stats.binomtest(20, 400).proportion_ci(LEVEL, method="exact")
    assert (found.mean, found.n, found.low) == (0.05, 400, pytest.approx(interval.low))
    assert known(store, {"metric": "error_rate", "slice": {"tier": "a"}}).mean == pytest.approx(0.1)
    assert known(store, {"metric": "error_rate"}, span=Span(since=0.0, until=1e9)).mean == pytest.approx(70 / 450)
    assert known(store, {"metric": "corrected"}).n == 380


def test_satisfaction_is_how_episodes_ended(store: Store) -> None:
    """The last reply of each that people said something of: what they wanted otherwise is 0, what they confirmed is 1,
    and else it is as good as they rated it; judges are not asked.
    """
    rows, told = [row(k, episode=f"e{k // 3}") for k in range(180)], list[Feedback]()
    store.interactions.add(rows)
    for k, last in enumerate(rows[2::3]):
        said = [say(rows[3 * k], "0.0", FeedbackKind.RATING)]
        match k % 5:
            case 0:
                said += [say(last, "0.8", FeedbackKind.RATING)]
            case 1:
                said += [say(last, "another", FeedbackKind.CORRECTION), say(last, "1.0", FeedbackKind.RATING)]
            case 2:
                said += [say(last, " a ", FeedbackKind.LABEL)]
            case 3:
                said += [say(last, "1.0", FeedbackKind.RATING, source="judge:a")]
            case _:
                said += [say(last, "fine", FeedbackKind.COMMENT)]
        told += said
    store.feedback.add(told)
    found = known(store, {"metric": "satisfaction", "at_least": 0.5})
    assert (found.mean, found.n) == (pytest.approx((0.8 + 0.0 + 1.0 + 0.0 + 0.0) / 5), 60)


def test_requests_of_one_user_count_as_what_they_are(store: Store) -> None:
    """Fifty users, of whom each is always right or always wrong, say no more than fifty replies do."""
    rows = [row(k, tags={"user": f"u{k % 50}"}) for k in range(500)]
    store.interactions.add(rows)
    store.feedback.add(say(one, "a" if k % 50 < 35 else "b") for k, one in enumerate(rows))
    alone = stats.binomtest(70, 100).proportion_ci(LEVEL, method="exact")
    for metric in ("wrong", "corrected"):
        found = known(store, {"metric": metric})
        assert found.mean == pytest.approx(0.3)
        assert found.high - found.low > 1.2 * (alone.high - alone.low)
    macro = known(store, {"metric": "f1", "at_least": 0.5})
    assert macro.high - macro.low > 0.1

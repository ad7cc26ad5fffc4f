"""Every figure of a version's replies, beside the programs that the field uses."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu
from sklearn import metrics

from homeostat.evaluate.figures import Told, figures, form, scores, well_formed
from homeostat.stats.clustered import clusters_of
from homeostat.stats.intervals import proportion
from homeostat.types.report import Score
from homeostat.types.task import Kind


def told(pairs: list[tuple[str, str]], **more: object) -> list[Told]:
    """Rows of (right, said)."""
    return [Told(target=target, said=said, **more) for target, said in pairs]  # type: ignore[arg-type]


def scored(kind: Kind, rows: list[Told], **more: object) -> dict[str, Score]:
    """Every figure, each row alone unless it has a cluster."""
    return scores(figures(kind, rows, **more), clusters_of([row.cluster for row in rows]))  # type: ignore[arg-type]


def test_labels() -> None:
    """Accuracy is exact; macro precision, recall and F1 are scikit-learn's, a class of two rows counting as much as one
    of ninety; each lies in its interval.
    """
    rng = np.random.default_rng(0)
    target = ["often"] * 90 + ["some"] * 30 + ["rare"] * 2
    said = [t if rng.random() < 0.8 else str(rng.choice(["often", "some", "other"])) for t in target]
    rows = [Told(target=t, said=s, sure=0.5 + 0.4 * (s == t)) for t, s in zip(target, said, strict=True)]
    found = scored(Kind.LABEL, rows)
    right = sum(s == t for s, t in zip(said, target, strict=True))
    assert found["accuracy"] == proportion(right, 122)
    peer = metrics.precision_recall_fscore_support(target, said, average="macro", zero_division=0.0)[:3]
    assert [found[f"macro {name}"].mean for name in ("precision", "recall", "F1")] == pytest.approx(peer)
    assert found["Brier score"].mean == pytest.approx(np.mean([(r.sure - (r.said == r.target)) ** 2 for r in rows]))
    assert found["calibration error"].mean == pytest.approx((0.1 * right + 0.5 * (122 - right)) / 122)
    assert all(score.low <= score.mean <= score.high and score.n == 122 for score in found.values())


def test_texts() -> None:
    """BLEU and chrF are sacrebleu's; perplexity is over tokens, and only where likelihoods are known."""
    pairs = [
        ("the parcel is on its way", "the parcel is on the way"),
        ("you get your money back", "you will get it back"),
    ] * 6
    rows = [Told(target=t, said=s, logs=-4.0 if k else 0.0, tokens=8 if k else 0) for k, (t, s) in enumerate(pairs)]
    found = scored(Kind.TEXT, rows)
    replies, references = [s for _, s in pairs], [[t for t, _ in pairs]]
    assert found["BLEU"].mean == pytest.approx(sacrebleu.corpus_bleu(replies, references).score)
    assert found["chrF"].mean == pytest.approx(sacrebleu.corpus_chrf(replies, references).score)
    assert found["perplexity"].mean == pytest.approx(np.exp(0.5))
    assert found["perplexity"].n == 11
    assert "form" not in found
    assert found["exact match"] == proportion(0, 12)


def test_numbers_and_tags() -> None:
    """Errors of the replies that are numbers, how many are, and F1 of tags."""
    found = scored(Kind.TEXT, told([("1.5", "1.0"), ("2", "3"), ("4", "dunno"), ("8", "8")]))
    assert found["form"] == proportion(3, 4)
    assert (found["mean error"].mean, found["mean error"].n) == (0.5, 3)
    assert found["root mean squared error"].mean == pytest.approx((1.25 / 3) ** 0.5)
    assert "BLEU" not in found
    found = scored(Kind.TEXT, told([('["a", "b"]', '["a"]'), ('["b"]', '["b"]'), ("[]", "nothing")]))
    assert found["micro F1"].mean == pytest.approx(0.8)
    assert found["macro F1"].mean == pytest.approx((1.0 + 2 / 3) / 2)


def test_no_interval_goes_beyond_what_a_figure_can_be() -> None:
    """Of few rows near an end Student's interval does; a difference may have any sign."""
    rows = [Told(target="a", said="a", sure=sure) for sure in (0.999, 0.99, 0.7)]
    brier = scored(Kind.LABEL, rows)["Brier score"]
    assert (brier.low, brier.high > brier.mean > 0.0) == (0.0, True)
    words = scored(Kind.TEXT, told([("one two", "one two"), ("one two", "one two"), ("one two", "one six")]))
    assert (words["token F1"].high, words["ROUGE-1"].high, words["agreement"].high <= 1.0) == (1.0, 1.0, True)
    errors = scored(Kind.TEXT, told([("1", "1"), ("2", "2"), ("3", "9")]))["mean error"]
    assert (errors.low, errors.high > 6.0) == (0.0, True)
    clusters = clusters_of([""] * 3)
    surer = figures(Kind.LABEL, [Told(target="a", said="a", sure=1.0)] * 3)
    assert scores(surer, clusters, figures(Kind.LABEL, rows))["Brier score"].low < 0.0


def test_form() -> None:
    """What a right reply is, and whether another one is of that form."""
    assert [form(text) for text in ("4.2", '["a"]', '{"a": 1}', "words")] == ["number", "tags", "json", None]
    assert [well_formed(reply, '{"a": 1}') for reply in ('{"b": 2}', "no", "```json\n[1]\n```")] == [1.0, 0.0, 1.0]
    assert (well_formed(" ", "words"), well_formed("said", "words"), well_formed("x", "4")) == (0.0, 1.0, 0.0)
    rows = told([("words", '{"a": 1}'), ("words", "no")])
    assert scored(Kind.TEXT, rows, schema=lambda reply: reply.startswith("{"))["schema"] == proportion(1, 2)


def test_users_are_counted_and_not_their_requests() -> None:
    """Ten rows each of twelve users, all right or all wrong: intervals are as wide as of twelve rows."""
    alone = [Told(target="a", said="ab"[k % 3 == 0], sure=0.9) for k in range(12)]
    together = [
        Told(target=r.target, said=r.said, sure=r.sure, cluster=f"user {k}")
        for k, r in enumerate(alone)
        for _ in range(10)
    ]
    for name in ("accuracy", "macro F1", "Brier score"):
        few, many = scored(Kind.LABEL, alone)[name], scored(Kind.LABEL, together)[name]
        assert many.high - many.low >= 0.85 * (few.high - few.low)


def test_differences_are_paired() -> None:
    """Two versions that err on the same rows but for one: the difference is far surer than either figure."""
    mine, theirs = (
        [Told(target="ab"[k % 2], said="ab"[(k + (k % 5 == 0)) % 2] if k != odd else "b", sure=0.8) for k in range(100)]
        for odd in (2, -1)
    )
    one, other = figures(Kind.LABEL, mine), figures(Kind.LABEL, theirs)
    clusters = clusters_of([""] * 100)
    apart, alone = scores(one, clusters, other), scores(one, clusters)
    assert set(apart) == set(alone)
    assert apart["accuracy"].mean == pytest.approx(-0.01)
    assert apart["macro F1"].mean == pytest.approx(alone["macro F1"].mean - scores(other, clusters)["macro F1"].mean)
    for name in ("accuracy", "macro F1"):
        assert apart[name].high - apart[name].low < 0.6 * (alone[name].high - alone[name].low)


def test_no_rows_no_figures() -> None:
    """Nothing is told of nothing."""
    assert figures(Kind.LABEL, []) == {}


def test_what_only_one_version_has_is_not_compared() -> None:
    """Errors are compared on the rows where both replies are numbers; where no row is left, nothing is told."""
    mine = figures(Kind.TEXT, told([("1", "2"), ("2", "dunno"), ("4", "4")]))
    theirs = figures(Kind.TEXT, told([("1", "1"), ("2", "2"), ("4", "none")]))
    apart = scores(mine, clusters_of([""] * 3), theirs)
    assert (apart["mean error"].mean, apart["mean error"].n) == (1.0, 1)
    assert apart["form"].mean == 0.0
    silent = figures(Kind.TEXT, told([("1", "a"), ("2", "b"), ("4", "c")]))
    assert "mean error" not in scores(mine, clusters_of([""] * 3), silent)
    assert "form" in scores(mine, clusters_of([""] * 3), silent)


def test_labels_of_another_version_count_for_neither() -> None:
    """A label that only the other one says is no class of this one: its macro F1 is what it is alone."""
    rows = told([("a", "a"), ("b", "b"), ("b", "a")], sure=0.5)
    alone, wide = scored(Kind.LABEL, rows), scored(Kind.LABEL, rows, labels=["z", "y"])
    assert alone["macro F1"].mean == wide["macro F1"].mean


def test_tags_of_both_versions_are_compared() -> None:
    """A tag that only one of them tells is a mistake of that one."""
    mine, theirs = told([('["a"]', '["a"]')] * 12), told([('["a"]', '["a", "z"]')] * 12)
    said = [row.said for row in (*mine, *theirs)]
    one, other = (figures(Kind.TEXT, side, labels=said) for side in (mine, theirs))
    apart = scores(one, clusters_of([""] * 12), other)
    assert apart["micro F1"].mean == pytest.approx(1.0 - 2 / 3)
    assert apart["macro F1"].mean == pytest.approx(1.0 - 0.5)


def test_a_surer_reader_has_a_lower_perplexity() -> None:
    """Per token and not per row: a long reply weighs more than a short one."""
    rows = [Told(target="x", said="x", logs=-1.0, tokens=1), Told(target="y", said="y", logs=-1.0, tokens=9)]
    found = scored(Kind.TEXT, rows * 10)["perplexity"]
    assert found.mean == pytest.approx(np.exp(0.2))
    assert found.low < found.mean < found.high

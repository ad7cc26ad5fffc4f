"""F1 of sets of tags, beside scikit-learn's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.preprocessing import MultiLabelBinarizer

from homeostat.metrics.tags import f1_of_tags, macro_f1_of_tags, micro_f1, tag_sums

SETS = st.frozensets(st.sampled_from("abcd"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SETS, SETS), min_size=1, max_size=20))
def test_as_the_reference_counts(pairs: list[tuple[frozenset[str], frozenset[str]]]) -> None:
    """Micro and macro F1 are scikit-learn's over the tags that occur."""
    told, wanted = zip(*pairs, strict=True)
    tags = sorted(frozenset().union(*told, *wanted))
    if not tags:
        assert micro_f1(told, wanted) == macro_f1_of_tags(told, wanted) == 1.0
        return
    hot = MultiLabelBinarizer(classes=tags)
    one, other = hot.fit_transform(wanted), hot.transform(told)
    each = [metrics.f1_score(a, b, zero_division=0.0) for a, b in zip(one.T, other.T, strict=True)]
    assert macro_f1_of_tags(told, wanted) == pytest.approx(sum(each) / len(each))
    assert micro_f1(told, wanted) == pytest.approx(metrics.f1_score(one.ravel(), other.ravel(), zero_division=0.0))


def test_rare_tags_count_as_much_in_the_macro_mean() -> None:
    """A tag that is never told, wanted once among ten that are right, costs a little of one and half of the other."""
    told, wanted = [{"a"}] * 10, [*[{"a"}] * 9, {"a", "b"}]
    assert micro_f1(told, wanted) == pytest.approx(20 / 21)
    assert macro_f1_of_tags(told, wanted) == 0.5


def test_what_has_no_answer() -> None:
    """No rows and unequal lengths are refused."""
    for score in (micro_f1, macro_f1_of_tags):
        with pytest.raises(ValueError, match="no rows"):
            score([], [])
        with pytest.raises(ValueError, match="targets"):
            score([{"a"}], [])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(SETS, SETS), min_size=1, max_size=12))
def test_sums_say_what_the_rows_say(pairs: list[tuple[frozenset[str], frozenset[str]]]) -> None:
    """Micro and macro F1 from sums over rows."""
    told, wanted = zip(*pairs, strict=True)
    micro, macro = f1_of_tags(tag_sums(told, wanted, "abcd").sum(0))
    assert (micro, macro) == pytest.approx((micro_f1(told, wanted), macro_f1_of_tags(told, wanted)))

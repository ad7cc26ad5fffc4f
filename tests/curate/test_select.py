"""Which feedback makes a row of a dataset."""

from __future__ import annotations

from math import inf

from homeostat.curate.select import corrected, newest, select
from homeostat.types.dataset import Example
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction, Role

LABEL, CORRECTION, RATING, COMMENT = FeedbackKind


def asked(id: str, time: float = 1.0, role: Role = Role.PRIMARY) -> Interaction:
    return Interaction(id=id, task="t", time=time, text=id, reply="r", version="ver_1", role=role)


def said(about: Interaction, value: str, time: float, kind: FeedbackKind = LABEL) -> tuple[Interaction, Feedback]:
    return about, Feedback(id=f"fbk_{value}", interaction=about.id, kind=kind, value=value, time=time)


def values(*pairs: tuple[Interaction, Feedback], since: float = -inf, until: float = inf) -> list[str]:
    return [feedback.value for _, feedback in select(pairs, since=since, until=until)]


def test_newest_wins() -> None:
    """Of several labels of one interaction the newest counts, in whatever order they come."""
    a = asked("int_a")
    assert values(said(a, "old", 2), said(a, "new", 5), said(a, "middle", 3)) == ["new"]
    assert values(said(a, "b", 2), said(a, "a", 2)) == values(said(a, "a", 2), said(a, "b", 2)) == ["b"]


def test_what_was_corrected_by_the_last_word() -> None:
    """Another label or text says that the reply was wrong; the reply itself does not, whatever was said before it and
    however it is spaced, and neither does a rating.
    """
    a, b, c, d, e = (asked(f"int_{name}") for name in "abcde")
    back = [said(a, "x", 2), said(a, "r", 5)]
    wrong = [said(b, "y", 2), said(c, "no, z", 2, CORRECTION)]
    pairs = [*back, *wrong, said(d, " r\u200b ", 2, CORRECTION), said(e, "1.0", 2, RATING)]
    assert corrected(select(pairs, since=-inf, until=inf)) == wrong


def test_statement_beats_rating() -> None:
    """A rating counts only where nobody said what the reply should have been; a comment never does."""
    a, b, c = asked("int_a"), asked("int_b"), asked("int_c")
    pairs = [said(a, "right", 2, CORRECTION), said(a, "1.0", 5, RATING), said(b, "0.9", 2, RATING)]
    assert values(*pairs, said(b, "0.1", 3, RATING), said(c, "nice", 3, COMMENT)) == ["right", "0.1"]


def test_window_is_of_the_feedback() -> None:
    """A label that came late for an old request is new; one from before the champion's dataset is not."""
    old, new = asked("int_old", time=1.0), asked("int_new", time=20.0)
    assert values(said(old, "late", 15), said(new, "early", 21), since=10, until=20) == ["late"]
    assert values(said(old, "used", 10), said(new, "now", 20), since=10, until=20) == ["now"]


def test_relabeled_after_the_dataset() -> None:
    """An interaction that was learned before comes again when somebody corrects its label."""
    a = asked("int_a")
    assert values(said(a, "first", 5), said(a, "second", 15), since=10) == ["second"]
    assert values(said(a, "second", 5), said(a, "first", 3), since=4) == ["second"]


def test_shadows_stay_out() -> None:
    """Replies nobody got are not learned from."""
    assert values(said(asked("int_a", role=Role.SHADOW), "x", 2)) == []


def test_order() -> None:
    """Rows come in the order of the requests."""
    assert values(
        said(asked("int_b", 2), "b", 3), said(asked("int_c", 2), "c", 1), said(asked("int_a", 1), "a", 9)
    ) == [
        "a",
        "b",
        "c",
    ]


def test_newest_rows() -> None:
    """The newest rows are kept, per label too, in the order they came in."""
    rows = [Example(text=str(n), target="ab"[n % 2], time=float(-n)) for n in range(10)]
    assert [row.text for row in newest(rows, most=4)] == ["0", "1", "2", "3"]
    assert [row.text for row in newest(rows, most=9, most_per_label=2)] == ["0", "1", "2", "3"]
    assert [row.text for row in newest(rows, most=3, most_per_label=1)] == ["0", "1"]
    assert newest(rows, most=100) == rows

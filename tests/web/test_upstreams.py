from __future__ import annotations

from homeostat.loop.noticing.upstream import look
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.web.upstreams import judges, models
from web import factory

MODEL = "https://models.example/v1#large"


def test_a_model_elsewhere_stands_with_every_look(store: Store) -> None:
    """Its evidence against the threshold, look by look; from the alarm on, since when it is another."""
    for k in range(6):
        look(store, "routing", MODEL, {"hello": ["good day"] * 8, "bye": ["so long"] * 8}, 1e9 + k)
    (one,) = models(store, "routing")
    assert (one["name"], one["looks"], one["changed"], len(one["trace"])) == (MODEL, 6, None, 6)
    assert max(height for _, height in one["trace"]) < 2.5
    for k in range(6, 12):
        look(store, "routing", MODEL, {"hello": ["what now"] * 8, "bye": ["leave me"] * 8}, 1e9 + k)
    assert models(store, "routing")[0]["changed"] is not None
    assert models(store, "replies") == []


def test_judges_stand_with_their_ratings(store: Store) -> None:
    """By name, with how many of their ratings stand beside what people said."""
    rating = Feedback(
        id="fbk_judge", interaction="int_00000000000000000003", kind=FeedbackKind.RATING, value="0.5",
        time=factory.START, source="judge:large",
    )  # fmt: skip
    store.feedback.add([rating])
    (one,) = judges(store, "routing")
    assert (one["judge"], one["ratings"], one["changed"]) == ("judge:large", 1, None)

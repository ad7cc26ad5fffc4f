"""Frames around a request: the request stays whole, and the frame is the same for the same words."""

from __future__ import annotations

import pytest

from homeostat.evaluate.suites.disturb import disturbed

TEXTS = [f"My parcel number {k} has not arrived" for k in range(40)]


@pytest.mark.parametrize("name", ["overruled", "forged", "denying", "indirect"])
def test_a_frame_keeps_the_request_and_is_one_of_several(name: str) -> None:
    """Every text stands whole in its frame; forty texts get three frames or more, the same ones again."""
    framed = [disturbed(text, name) for text in TEXTS]
    assert all(text in other and text != other for text, other in zip(TEXTS, framed, strict=True))
    assert framed == [disturbed(text, name) for text in TEXTS]
    assert len({other.replace(text, "") for text, other in zip(TEXTS, framed, strict=True)}) >= 3


def test_orders_come_from_where_they_claim_to() -> None:
    """What overrules comes before the request, what was forged after it."""
    assert all(disturbed(text, "overruled").endswith(text) for text in TEXTS)
    assert all(disturbed(text, "forged").startswith(text) for text in TEXTS)

"""Addresses and problems are named without what is secret in them."""

from __future__ import annotations

import urllib.error

import pytest

from homeostat.alert.channels.way import masked, reason

SECRET = "T0FFEE"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://hooks.slack.com/services/{SECRET}/B1/x", "https://hooks.slack.com/…"),
        (f"https://example.com:8443/?token={SECRET}", "https://example.com:8443/…"),
        (f"https://{SECRET}@example.com", "https://example.com"),
        (f"smtp://{SECRET}@mail.example.com:587", "smtp://mail.example.com:587"),
        ("http://127.0.0.1:9/", "http://127.0.0.1:9"),
    ],
)
def test_an_address_is_named_by_its_host_alone(url: str, expected: str) -> None:
    """User, path and query may each be the secret."""
    assert masked(url) == expected
    assert SECRET not in masked(url)


def test_problems_are_said_in_the_systems_words() -> None:
    """The cause behind wrappers, and never the text of an exception, which may hold an address."""
    refused = urllib.error.URLError(ConnectionRefusedError(111, "Connection refused"))
    assert reason(refused) == "ConnectionRefusedError Connection refused"
    assert reason(TimeoutError("x")) == "no answer in time"
    assert reason(urllib.error.URLError(TimeoutError())) == "no answer in time"
    assert reason(ValueError(f"bad url {SECRET}")) == "ValueError"

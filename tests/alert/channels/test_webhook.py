"""Webhooks against a real HTTP server on this machine."""

from __future__ import annotations

import logging
import time

import pytest

from alert.told import delivery
from homeostat.alert.channels.way import NotTaken
from homeostat.alert.channels.webhook import Webhook
from homeostat.alert.signature import verify
from receiver import RESET, SILENT, free_port, receiving

SECRET = b"s3cret"


def test_a_message_arrives_signed_with_its_key() -> None:
    """One POST: JSON that begins with the key, the key as a header, and a signature that holds for the very bytes."""
    with receiving() as receiver:
        hook = Webhook(url=f"{receiver.address}/hook?a=1", timeout_s=5, secret=SECRET)
        assert hook.send(delivery()) == ""
    (met,) = receiver.met
    assert met.path == "/hook?a=1"
    assert met.headers["content-type"] == "application/json"
    assert met.key == met.json["id"] == "dlv_1"
    assert met.json["alert"]["id"] == "alr_1"
    assert verify(SECRET, met.body, met.headers["homeostat-signature"], time.time())


def test_every_try_says_the_same_and_is_signed_anew() -> None:
    """The bytes and the key stay, so that a receiver can tell a repetition; the signature's moment moves."""
    with receiving() as receiver:
        hook = Webhook(url=receiver.address, timeout_s=5, secret=SECRET)
        hook.send(delivery())
        time.sleep(1.1)
        hook.send(delivery())
    first, second = receiver.met
    assert (first.body, first.key) == (second.body, second.key)
    assert first.headers["homeostat-signature"] != second.headers["homeostat-signature"]


def test_without_a_secret_nothing_is_signed() -> None:
    """No header that would look like a signature and be none."""
    with receiving() as receiver:
        Webhook(url=receiver.address, timeout_s=5).send(delivery())
    assert "homeostat-signature" not in receiver.met[0].headers


@pytest.mark.parametrize("status", [201, 202, 204])
def test_any_2xx_is_taken(status: int) -> None:
    """Created, accepted, no content."""
    with receiving(after=status) as receiver:
        Webhook(url=receiver.address, timeout_s=5).send(delivery())


@pytest.mark.parametrize("status", [302, 307, 400, 401, 404, 429, 500, 503])
def test_anything_else_is_not(status: int) -> None:
    """Redirects are not followed: a signed message goes where it was meant to go."""
    with receiving(after=status) as receiver, pytest.raises(NotTaken, match=f"HTTP {status}"):
        Webhook(url=receiver.address, timeout_s=5).send(delivery())
    assert [met.path for met in receiver.met] == ["/"]


@pytest.mark.parametrize(("what", "said"), [(RESET, "Connection|Remote"), (SILENT, "no answer in time")])
def test_a_torn_or_silent_connection_is_not_taken(what: int, said: str) -> None:
    """And costs no more than the timeout."""
    with receiving(what) as receiver:
        began = time.monotonic()
        with pytest.raises(NotTaken, match=said):
            Webhook(url=receiver.address, timeout_s=0.3).send(delivery())
        assert time.monotonic() - began < 2.0


def test_nobody_there(caplog: pytest.LogCaptureFixture) -> None:
    """The reason is said; what is secret in the address is said nowhere, neither in the reason nor in any log."""
    address = f"http://127.0.0.1:{free_port()}/services/T0FFEE?x=T0FFEE"
    with caplog.at_level(logging.DEBUG), pytest.raises(NotTaken) as caught:
        Webhook(url=address, timeout_s=1).send(delivery())
    assert "refused" in str(caught.value)
    assert "T0FFEE" not in str(caught.value) + caplog.text
    assert caught.value.__suppress_context__

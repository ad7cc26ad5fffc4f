"""Trying the channels."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cli.conftest import Run
from homeostat.alert.signature import verify
from homeostat.errors import MissingVariable, UnknownKey, WrongType
from mailserver import MailServer, taking_mail
from receiver import free_port, receiving


def configure(shop: Path, channels: str) -> None:
    """Give the project channels, as a flow mapping."""
    shop.write_text(f"{shop.read_text()}alerts: {{timeout_s: 2, channels: {channels}}}\n")


def test_every_channel_is_tried(homeostat: Run, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A webhook, two chats and a mail: each gets a message that says that it is a test, and nothing is stored."""
    monkeypatch.setenv("KEY", "s3cret")
    with receiving() as receiver, taking_mail(MailServer()) as server:
        mail = f"{{kind: email, url: 'smtp://localhost:{server.port}', sender: h@example.com, to: [a@example.com]}}"
        hooks = ", ".join(f"{kind}: {{kind: {kind}, url: {receiver.address}/{kind}}}" for kind in ("slack", "teams"))
        configure(shop, f"{{hook: {{url: {receiver.address}, secret_from: KEY}}, {hooks}, mail: {mail}}}")
        ran = homeostat("alerts", "test", "--config", shop)
    assert ran.code == 0
    assert ran.out.count("yes") == 4
    signed, slack, teams = receiver.met
    assert verify(b"s3cret", signed.body, signed.headers["homeostat-signature"], time.time())
    assert signed.json["event"] == "test"
    assert slack.json["text"].startswith("*[test] shop: ")
    assert "[test] shop" in str(teams.json)
    assert server.mails[0]["Subject"].startswith("[test] shop: ")
    assert not (shop.parent / ".homeostat").exists()


def test_a_channel_that_fails_is_told_beside_those_that_do_not(homeostat: Run, shop: Path) -> None:
    """Exit code 1, and the reason; the address's path, which may be a secret, is nowhere."""
    with receiving(503) as receiver:
        away = f"{{url: 'http://127.0.0.1:{free_port()}/T0FFEE', kind: slack}}"
        configure(shop, f"{{ops: {{url: {receiver.address}/T0FFEE}}, away: {away}, fine: {{url: {receiver.address}}}}}")
        ran = homeostat("alerts", "test", "--config", shop, "--json")
    assert ran.code == 1
    found = {one["channel"]: (one["arrived"], one["problem"]) for one in ran.json["channels"]}
    assert found["ops"] == (False, "HTTP 503")
    assert found["fine"] == (True, "")
    assert "refused" in found["away"][1]
    assert "T0FFEE" not in ran.out + ran.err


def test_one_channel(homeostat: Run, shop: Path) -> None:
    """`--only` names it; one that there is not is an error with the nearest."""
    with receiving() as receiver:
        configure(shop, f"{{ops: {{url: {receiver.address}}}, team: {{url: {receiver.address}}}}}")
        found = homeostat("alerts", "test", "--only", "team", "--config", shop, "--json").json["channels"]
        assert [one["channel"] for one in found] == ["team"]
        ran = homeostat("alerts", "test", "--only", "teem", "--config", shop)
    assert ran.code == UnknownKey.exit
    assert "did you mean 'team'" in ran.err
    assert len(receiver.met) == 1


def test_without_a_channel_it_is_said_how_to_make_one(homeostat: Run, shop: Path) -> None:
    """An error, and not an empty table that looks like success."""
    ran = homeostat("alerts", "test", "--config", shop)
    assert ran.code == UnknownKey.exit
    assert "alerts: {channels:" in ran.err


@pytest.mark.parametrize(
    ("channel", "error"), [("{url_from: NOT_SET}", MissingVariable), ("{url: 'hooks.example.com/T0FFEE'}", WrongType)]
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    homeostat: Run, shop: Path, channel: str, error: type[Exception]
) -> None:
    """One broken channel, and nobody gets a test that somebody else does not."""
    with receiving() as receiver:
        configure(shop, f"{{fine: {{url: {receiver.address}}}, broken: {channel}}}")
        ran = homeostat("alerts", "test", "--config", shop)
    assert ran.code == error.exit  # type: ignore[attr-defined]
    assert "alerts.channels.broken" in ran.err
    assert "T0FFEE" not in ran.err
    assert receiver.met == []

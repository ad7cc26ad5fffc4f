"""What is wrong with a channel is said when it is opened, with its place, and without its secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from homeostat.alert.channels.mail import Mail
from homeostat.alert.channels.opened import hold, opened
from homeostat.alert.channels.webhook import Webhook
from homeostat.config.load import load
from homeostat.config.schema import Alerts, Channel
from homeostat.errors import MissingVariable, UnknownKey, WrongType

ENVIRON = {"HOOK": "https://hooks.example.com/T0FFEE", "KEY": "s3cret", "BAD": "T0FFEE", "EMPTY": ""}
MAIL = {"kind": "email", "sender": "h@example.com", "to": ("a@example.com",)}


def one(**fields: object) -> Alerts:
    """Settings with one channel."""
    return Alerts(channels={"ops": Channel(**fields)})  # type: ignore[arg-type]


def test_channels_are_opened_with_what_the_environment_holds() -> None:
    """Address and secret by name, the timeout from above; nothing is connected to."""
    way = opened(one(url_from="HOOK", secret_from="KEY"), ENVIRON)["ops"]
    assert way == Webhook(url=ENVIRON["HOOK"], timeout_s=10.0, form=dict, secret=b"s3cret")
    assert way.place == "https://hooks.example.com/…"
    post = opened(one(url="smtp://me@mail.example.com", secret_from="KEY", **MAIL), ENVIRON)["ops"]
    assert isinstance(post, Mail)
    assert (post.password, post.to, post.sender) == ("s3cret", ("a@example.com",), "h@example.com")
    assert opened(Alerts(), {}) == {}


@pytest.mark.parametrize("field", ["url_from", "secret_from"])
@pytest.mark.parametrize("name", ["GONE", "EMPTY"])
def test_a_variable_that_is_not_set_is_named(field: str, name: str) -> None:
    """With its place; an empty one counts as none."""
    given = {"url": "https://x.example.com"} if field == "secret_from" else {}
    with pytest.raises(MissingVariable) as caught:
        opened(one(**given, **{field: name}), ENVIRON)
    assert name in caught.value.what
    assert caught.value.where == f"alerts.channels.ops.{field}"
    assert f"export {name}=" in caught.value.fix


@pytest.mark.parametrize(
    "url",
    [
        "T0FFEE",
        "ftp://x/T0FFEE",
        "https://",
        "https:///T0FFEE",
        "https://x:99999/T0FFEE",
        "https://x:0/T0FFEE",
        "https://x/T0FFEE y",
        "https://x/T0FFEE\n",
        "https://me:T0FFEE@x",
        "smtp://x",
        "https://[::1/T0FFEE",
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(url: str) -> None:
    """In the file or from the environment; the message says where, and the secret in it stays one."""
    for settings, environ in ((one(url=url), {}), (one(url_from="U"), {"U": url})):
        with pytest.raises(WrongType) as caught:
            opened(settings, environ)
        assert caught.value.where.startswith("alerts.channels.ops.url")
        assert "T0FFEE" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "neither url nor url_from"),
        ({"url": "https://x", "url_from": "HOOK"}, "both url and url_from"),
        ({"kind": "email", "url": "smtp://x"}, "needs sender and to"),
        ({**MAIL, "to": (), "url": "smtp://x"}, "needs sender and to"),
        ({**MAIL, "sender": "me", "url": "smtp://x"}, "needs sender and to"),
        ({**MAIL, "url": "https://x"}, "no address for a channel of kind email"),
    ],
)
def test_what_a_kind_needs_is_held_without_the_environment(fields: dict[str, object], said: str) -> None:
    """A configuration that cannot work is refused wherever it is read, secrets or not."""
    with pytest.raises(WrongType, match=said):
        hold(one(**fields))


def test_addresses_from_the_environment_are_not_asked_for_where_nothing_is_sent() -> None:
    """Training by hand on another machine needs no secrets."""
    hold(one(url_from="GONE", secret_from="GONE"))


def test_an_unknown_kind_is_refused_in_the_file(tmp_path: Path) -> None:
    """With its line, and the kind that was meant; so is a misspelled key."""
    file = tmp_path / "homeostat.yaml"
    file.write_text("alerts:\n  channels:\n    ops:\n      kind: slak\n")
    with pytest.raises(WrongType, match="did you mean 'slack'") as caught:
        load(file, environ={})
    assert "line 4" in caught.value.where
    file.write_text("alerts: {channels: {ops: {urll: x}}}\n")
    with pytest.raises(UnknownKey, match="did you mean 'url'"):
        load(file, environ={})

"""From `alerts.channels` to ways out: what is wrong with one is said at the start, and not in the night."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from homeostat.alert.channels.chat import slack, teams
from homeostat.alert.channels.mail import PORTS, Mail
from homeostat.alert.channels.way import Way
from homeostat.alert.channels.webhook import Form, Webhook
from homeostat.config.schema import Alerts, Channel
from homeostat.errors import MissingVariable, WrongType

_FORMS: Mapping[str, Form] = {"webhook": dict, "slack": slack, "teams": teams}
MAIL = "email"


def opened(settings: Alerts, environ: Mapping[str, str] = os.environ) -> dict[str, Way]:
    """Name -> way out, with its secrets from the environment; nothing is connected to.

    Raises:
        MissingVariable: a channel names an environment variable that is not set.
        WrongType: a channel's address is not one, or something that its kind needs is missing.
    """
    return {name: _way(name, channel, settings.timeout_s, environ) for name, channel in settings.channels.items()}


def hold(settings: Alerts) -> None:
    """Hold that every channel has what its kind needs, as far as that can be said without the environment.

    Raises:
        WrongType: an address is not one, or is missing.
    """
    for name, channel in settings.channels.items():
        place = _place(name)
        if bool(channel.url) == bool(channel.url_from):
            what = "has both url and url_from" if channel.url else "has neither url nor url_from"
            raise WrongType(f"channel '{name}' {what}", where=place, fix="give one of them")
        if channel.url:
            _hold_url(channel.url, channel, f"{place}.url")
        if channel.kind == MAIL and not (channel.to and "@" in channel.sender):
            raise WrongType(f"channel '{name}' needs sender and to", where=place, fix="to: [team@example.com]")


def _way(name: str, channel: Channel, timeout_s: float, environ: Mapping[str, str]) -> Way:
    hold(Alerts(channels={name: channel}))
    url = channel.url or _variable(channel.url_from, f"{_place(name)}.url_from", environ)
    _hold_url(url, channel, f"{_place(name)}.url_from")
    secret = _variable(channel.secret_from, f"{_place(name)}.secret_from", environ) if channel.secret_from else ""
    if channel.kind == MAIL:
        return Mail(url=url, sender=channel.sender, to=channel.to, timeout_s=timeout_s, password=secret)
    return Webhook(url=url, timeout_s=timeout_s, form=_FORMS[channel.kind], secret=secret.encode())


def _variable(name: str, where: str, environ: Mapping[str, str]) -> str:
    if not environ.get(name):
        raise MissingVariable(
            f"environment variable {name} is not set", where=where, fix=f"export {name}=… where the worker is started"
        )
    return environ[name]


def _hold_url(url: str, channel: Channel, where: str) -> None:
    """Refuse what is no address, without repeating it: it may be a secret."""
    schemes = tuple(PORTS) if channel.kind == MAIL else ("https", "http")
    try:
        parts = urlsplit(url)
        sound = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0 and url.isprintable()
        sound = sound and " " not in url and not parts.password
    except ValueError:
        sound = False
    if not sound:
        forms = " or ".join(f"{scheme}://HOST" for scheme in schemes)
        raise WrongType(
            f"no address for a channel of kind {channel.kind}",
            where=where,
            fix=f"write {forms}, without spaces or a password",
        )


def _place(name: str) -> str:
    return f"alerts.channels.{name}"

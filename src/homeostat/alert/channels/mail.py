"""E-mail over SMTP, with TLS from the start or by STARTTLS; in the clear only to this machine itself."""

from __future__ import annotations

import ipaddress
import smtplib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote, urlsplit

from homeostat.alert.channels.way import NotTaken, masked, reason
from homeostat.alert.message import headline, lines
from homeostat.types.delivery import Delivery

PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail server that takes messages for others."""

    url: str
    """`smtps://user@host`, or `smtp://user@host:587`."""
    sender: str
    to: tuple[str, ...]
    timeout_s: float
    password: str = ""

    @property
    def place(self) -> str:
        """The server, without its user."""
        return masked(self.url)

    def send(self, delivery: Delivery) -> str:
        """Hand it to the server; names the receivers that the server refused beside others that it took.

        Raises:
            NotTaken: no answer, no TLS, no login, or no receiver was taken.
        """
        try:
            with self._connected() as server:
                refused = server.send_message(written(delivery, self.sender, self.to), self.sender, self.to)
        except smtplib.SMTPRecipientsRefused as problem:
            raise NotTaken(f"every receiver was refused ({', '.join(problem.recipients)})") from None
        except smtplib.SMTPResponseException as problem:
            raise NotTaken(f"SMTP {problem.smtp_code}") from None
        except (OSError, smtplib.SMTPException, ValueError) as problem:
            raise NotTaken(reason(problem)) from None
        return f"refused: {', '.join(refused)}" if refused else ""

    def _connected(self) -> smtplib.SMTP:
        """A connection that is private as far as it has to be, and logged in where there is a user.

        Raises:
            NotTaken: the server is elsewhere and offers no TLS.
        """
        parts, context = urlsplit(self.url), ssl.create_default_context()
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=self.timeout_s, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=self.timeout_s)
        try:
            if parts.scheme == "smtp":
                self._make_private(server, host, context)
            if parts.username:
                server.login(unquote(parts.username), self.password)
        except BaseException:
            server.close()
            raise
        return server

    def _make_private(self, server: smtplib.SMTP, host: str, context: ssl.SSLContext) -> None:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
        elif not is_here(host):
            raise NotTaken("the server offers no STARTTLS, and what it is told would be read on the way")


def written(delivery: Delivery, sender: str, to: tuple[str, ...]) -> EmailMessage:
    """The message. Its `Message-ID` is the delivery's id, by which most mailboxes show what comes twice once."""
    told: Mapping[str, Any] = delivery.body
    message = EmailMessage()
    message["Subject"] = headline(told)
    message["From"], message["To"] = sender, ", ".join(to)
    message["Date"] = formatdate(delivery.time)
    message["Message-ID"] = f"<{delivery.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n".join([headline(told), "", *lines(told), ""]))
    return message


def is_here(host: str) -> bool:
    """Whether a host is this machine by its loopback address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""Mail against a real SMTP server on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from alert.told import alert, delivery
from homeostat.alert.channels.mail import Mail, is_here, written
from homeostat.alert.channels.way import NotTaken
from mailserver import MailServer, certified, taking_mail
from receiver import free_port

SENDER, TO = "homeostat@example.com", ("a@example.com", "b@example.com")


def mail(server: MailServer, user: str = "", **more: object) -> Mail:
    """A channel to the server, for two receivers."""
    values = {"url": f"smtp://{user}localhost:{server.port}", "sender": SENDER, "to": TO, "timeout_s": 3.0, **more}
    return Mail(**values)  # type: ignore[arg-type]


def test_a_mail_arrives_with_its_key() -> None:
    """Headline as subject, what to do below, the key as the message's id, everybody a receiver."""
    with taking_mail(MailServer()) as server:
        assert mail(server).send(delivery()) == ""
    (met,) = server.mails
    assert met["Subject"] == "[warning] shop: routing: requests are unlike those before"
    assert met["Message-ID"] == "<dlv_1@example.com>"
    assert (met["From"], met["To"]) == (SENDER, "a@example.com, b@example.com")
    assert met["Auto-Submitted"] == "auto-generated"
    assert "suggested: look\nhomeostat why sig_1" in met.get_content().replace("\r\n", "\n")
    assert server.receivers == list(TO)


def test_what_a_sentence_holds_cannot_become_a_header() -> None:
    """Line breaks are spaces, and other alphabets arrive as they are."""
    odd = delivery(alert(says="routing: x\r\nBcc: all@example.com größer"))
    with taking_mail(MailServer()) as server:
        mail(server).send(odd)
    assert server.mails[0]["Bcc"] is None
    assert server.mails[0]["Subject"].endswith("x Bcc: all@example.com größer")
    assert written(odd, SENDER, TO)["Subject"] == server.mails[0]["Subject"]


def test_starttls_and_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the server offers TLS it is used before the password is said; a wrong password is not taken."""
    made = certified(tmp_path)
    if made is None:
        pytest.skip("no openssl to make a certificate with")
    monkeypatch.setenv("SSL_CERT_FILE", str(made[1]))
    with taking_mail(MailServer(context=made[0], login="ops@x:pass/word")) as server:
        mail(server, "ops%40x@", password="pass/word").send(delivery())
        with pytest.raises(NotTaken, match="SMTP 535"):
            mail(server, "ops%40x@", password="wrong").send(delivery())
    assert server.private == [True]


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    """Whoever sits in between is told nothing."""
    made = certified(tmp_path)
    if made is None:
        pytest.skip("no openssl to make a certificate with")
    with taking_mail(MailServer(context=made[0])) as server, pytest.raises(NotTaken, match="CERTIFICATE_VERIFY_FAILED"):
        mail(server).send(delivery())
    assert server.mails == []


def test_nothing_is_said_in_the_clear_to_a_server_elsewhere() -> None:
    """Without STARTTLS only this machine itself is written to, by one of the names that say so for certain."""
    found = [is_here(host) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1", "10.0.0.1", "mail.example.com")]
    assert found == [True, True, True, True, False, False]
    with taking_mail(MailServer()) as server, pytest.raises(NotTaken, match="no STARTTLS"):
        mail(server, url=f"smtp://127.1:{server.port}").send(delivery())
    assert server.mails == []


def test_some_receivers_refused_is_noted_and_all_is_not_taken() -> None:
    """Whoever was reached is not written to again for the sake of a misspelled colleague."""
    with taking_mail(MailServer(refused=TO[:1])) as server:
        assert mail(server).send(delivery()) == "refused: a@example.com"
    with taking_mail(MailServer(refused=TO)) as server, pytest.raises(NotTaken, match="every receiver was refused"):
        mail(server).send(delivery())


def test_a_server_that_takes_no_message_now() -> None:
    """Its code is the reason."""
    with taking_mail(MailServer(says=b"451 later")) as server, pytest.raises(NotTaken, match="SMTP 451"):
        mail(server).send(delivery())


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_nobody_there(scheme: str) -> None:
    """The reason is the system's."""
    server = MailServer(port=free_port())
    with pytest.raises(NotTaken, match="refused"):
        mail(server, url=f"{scheme}://127.0.0.1:{server.port}").send(delivery())
    assert mail(server, "me@").place == f"smtp://localhost:{server.port}"

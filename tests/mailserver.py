"""A real SMTP server for tests, small: it takes mail on this machine, with STARTTLS and a login where it is told to."""

from __future__ import annotations

import asyncio
import base64
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path


@dataclass(slots=True)
class MailServer:
    """What it offers, and what it has been told."""

    context: ssl.SSLContext | None = None
    """With it, STARTTLS is offered."""
    login: str = ""
    """`user:password`; with it, nothing is taken without."""
    refused: tuple[str, ...] = ()
    """Receivers that it does not know."""
    says: bytes = b"250 taken"
    """What it answers to a message."""
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)
    private: list[bool] = field(default_factory=list)
    """Of each message, whether it came over TLS."""

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection to its end."""
        known, private = not self.login, False
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).strip():
            verb = line.split()[0].upper().decode()
            if verb == "EHLO":
                offers = ["here", "8BITMIME", *(["STARTTLS"] if self.context and not private else [])]
                offers += ["AUTH PLAIN"] if self.login else []
                lines = [f"250{'-' if k + 1 < len(offers) else ' '}{offer}" for k, offer in enumerate(offers)]
                writer.write("".join(f"{one}\r\n" for one in lines).encode())
            elif verb == "STARTTLS" and self.context:
                writer.write(b"220 go\r\n")
                await writer.drain()
                await writer.start_tls(self.context)
                private = True
            elif verb == "AUTH":
                _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
                known = f"{user}:{password}" == self.login
                writer.write(b"235 welcome\r\n" if known else b"535 wrong\r\n")
            elif verb == "RCPT":
                to = line.decode().partition("<")[2].partition(">")[0]
                taken = known and to not in self.refused
                self.receivers += [to] if taken else []
                writer.write(b"250 ok\r\n" if taken else b"550 unknown here\r\n")
            elif verb == "DATA":
                writer.write(b"354 go\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                self.mails.append(message_from_bytes(content[:-5], policy=policy.default))  # type: ignore[arg-type]
                self.private.append(private)
                writer.write(self.says + b"\r\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n" if known else b"530 log in first\r\n")
        writer.close()


@contextmanager
def taking_mail(server: MailServer) -> Iterator[MailServer]:
    """The server, listening on a port of its own until the block ends."""
    loop, listening = asyncio.new_event_loop(), threading.Event()

    async def run() -> None:
        async with await asyncio.start_server(server.talk, "127.0.0.1", 0) as made:
            server.port = made.sockets[0].getsockname()[1]
            listening.set()
            await stop.wait()

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert listening.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)


def certified(folder: Path) -> tuple[ssl.SSLContext, Path] | None:
    """A certificate for `localhost` made on the spot, and its file; None where there is no `openssl` to make it."""
    tool = shutil.which("openssl")
    if tool is None:
        return None
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = (
        f"{tool} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate

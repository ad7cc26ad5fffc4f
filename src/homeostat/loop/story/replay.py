"""Sends recorded traffic through the gateway as a customer would: the `openai` client for requests, HTTP for feedback.

Feedback comes late and for a part of the traffic only, drawn before the first request is sent.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

from homeostat.collect.stream import StreamRow
from homeostat.extras import require

_OPEN_COPIES = re.compile(r'^homeostat_copies\{state="open"\} (\S+)$', re.MULTILINE)
DELAY = (20, 120)
"""Least and most requests that pass before feedback on one arrives."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that was answered."""

    row: StreamRow
    interaction: str
    reply: str
    version: str


@dataclass(slots=True)
class Replay:
    """A customer base: sends rows, remembers which of them will get feedback and when."""

    url: str
    task: str
    budget: float
    """Share of the requests that get feedback; from 1 up, their number."""
    total: int
    """Requests the whole replay will send."""
    seed: int = 0
    kind: str = "label"
    """What feedback says: the right `label`, or the `correction` that should have been replied."""
    at_once: int = 8
    """Requests under way at a time."""
    dropped: int = 0
    given: int = 0
    """Feedback that was acknowledged."""
    sent: int = 0
    clock: float = 0.0
    """Time of the newest request sent, on the stream's own calendar."""
    _client: Any = field(init=False)
    _http: httpx.Client = field(init=False)
    _pool: ThreadPoolExecutor = field(init=False)
    _random: random.Random = field(init=False)
    _due: list[tuple[int, dict[str, Any]]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        openai = require("openai", "to replay traffic as a customer would", extra="demo")
        self._client = openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=60.0)
        self._http = httpx.Client(base_url=self.url, timeout=60.0)
        self._pool = ThreadPoolExecutor(max_workers=self.at_once, thread_name_prefix="customer")
        self._random = random.Random(self.seed)

    @property
    def share(self) -> float:
        """Probability that a request gets feedback."""
        return min(1.0, self.budget if self.budget < 1 else self.budget / max(1, self.total))

    def send(self, rows: Sequence[StreamRow]) -> list[Sent]:
        """Send rows, then the feedback that is due; returns the answered ones in order."""
        answered = [s for s in self._pool.map(self._ask, rows) if s is not None]
        self.dropped += len(rows) - len(answered)
        for sent in answered:
            self.sent += 1
            self.clock = max(self.clock, sent.row.time)
            if self._random.random() < self.share:
                due = self.sent + self._random.randint(*DELAY)
                self._due.append((due, self._statement(sent)))
        self.deliver()
        return answered

    def deliver(self, *, everything: bool = False) -> None:
        """Post the feedback whose delay is over, or all that waits."""
        ready = [body for due, body in self._due if everything or due <= self.sent]
        self._due = [(due, body) for due, body in self._due if not everything and due > self.sent]
        for body in ready:
            body["time"] = self.clock
        if ready:
            self._http.post("/v1/feedback", json=ready).raise_for_status()
            self.given += len(ready)

    def let_copy(self, patience_s: float) -> None:
        """Wait until the gateway has answered the copies of what was sent, as its metrics say; not longer than this."""
        deadline = time.time() + patience_s
        while time.time() < deadline:
            time.sleep(0.05)
            open_copies = _OPEN_COPIES.search(self._http.get("/metrics").text)
            if open_copies is None or float(open_copies[1]) == 0:
                return

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.shutdown()
        self._http.close()
        self._client.close()

    def _ask(self, row: StreamRow) -> Sent | None:
        metadata = {**row.tags, "time": str(row.time)}
        try:
            done = self._client.chat.completions.create(
                model=self.task,
                messages=[{"role": "user", "content": row.text}],
                user=f"customer-{row.index}",
                metadata=metadata,
            )
        except Exception:  # whatever the client raises, the request got no answer, and that is what is counted
            return None
        return Sent(row, done.id, done.choices[0].message.content or "", done.homeostat["version"])

    def _statement(self, sent: Sent) -> dict[str, Any]:
        return {
            "interaction": sent.interaction,
            "kind": self.kind,
            "value": sent.row.label if self.kind == "label" else sent.row.reply,
            "source": "desk",
        }

"""`GET /metrics`: counts and times in the Prometheus text format."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homeostat.serve.answer import Answered, Answerer
from homeostat.types.feedback import Feedback

BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """What one gateway counts; a registry of its own, so that two gateways in one process do not mix."""

    def __init__(self, answerer: Answerer) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "homeostat_requests", "Requests by path and HTTP status.", ["path", "status"], registry=self.registry
        )
        self._replies = Counter(
            "homeostat_replies", "Replies sent, by who answered.", ["task", "version", "stage"], registry=self.registry
        )
        self._seconds = Histogram(
            "homeostat_reply_seconds",
            "Time from a decoded request to its durable reply.",
            ["task"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._feedback = Counter("homeostat_feedback", "Feedback taken.", ["kind"], registry=self.registry)
        self.registry.register(_Inside(answerer))

    def finished(self, path: str, status: int) -> None:
        """Count a request by the status it got."""
        self._requests.labels(path, str(status)).inc()

    def answered(self, answered: Answered, took_s: float) -> None:
        """Count a reply."""
        row = answered.interaction
        self._replies.labels(row.task, row.version, answered.stage).inc()
        self._seconds.labels(row.task).observe(took_s)

    def feedback(self, rows: Sequence[Feedback]) -> None:
        """Count feedback."""
        for row in rows:
            self._feedback.labels(row.kind.value).inc()


class CountRequests:
    """ASGI middleware that counts what every request ended with; paths that do not exist are counted as one."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, paths: Sequence[str]) -> None:
        self.app = app
        self.metrics = metrics
        self.paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and look at the status that comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in self.paths else "other"

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.metrics.finished(path, message["status"])
            await send(message)

        await self.app(scope, receive, watch)


async def metrics(request: Request) -> Response:
    """All numbers as they are now."""
    registry = request.app.state.metrics.registry
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Inside(Collector):
    """Numbers that the answerer keeps itself, read when somebody asks."""

    def __init__(self, answerer: Answerer) -> None:
        self._answerer = answerer

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Rows of the writer, and copies made for releases, by what has become of them."""
        rows = GaugeMetricFamily("homeostat_rows", "Rows accepted, stored and failed.", labels=["state"])
        counts = self._answerer.writer.counts
        for state, n in (("accepted", counts.accepted), ("stored", counts.stored), ("failed", counts.failed)):
            rows.add_metric([state], n)
        copies = GaugeMetricFamily(
            "homeostat_copies", "Requests copied to a release's other version.", labels=["state"]
        )
        for state, n in dict(self._answerer.copies.counts).items():
            copies.add_metric([state], n)
        return [rows, copies]

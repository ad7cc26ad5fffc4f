"""`GET /metrics`: counts and times in the Prometheus text format."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Iterable, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from homeostat.collect.unanswered import Unanswered
from homeostat.errors import HomeostatError
from homeostat.serve.answer import Answered, Answerer
from homeostat.store import Store
from homeostat.store.notes import SEEN, STANDINGS
from homeostat.types.feedback import Feedback

CHAT = "/v1/chat/completions"
"""The path whose requests get a reply."""
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
        self.registry.register(_Stored(answerer.store))

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

    def __init__(self, app: ASGIApp, *, metrics: Metrics, paths: Sequence[str], unanswered: Unanswered) -> None:
        self.app = app
        self.metrics = metrics
        self.paths = frozenset(paths)
        self.unanswered = unanswered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and look at the status that comes back."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in self.paths else "other"
        state = scope.setdefault("state", {})

        async def watch(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.metrics.finished(path, message["status"])
                if path == CHAT and message["status"] >= 400:
                    self.unanswered.note(state.get("task", ""), message["status"])
            await send(message)

        await self.app(scope, receive, watch)


def metrics(request: Request) -> Response:
    """All numbers as they are now. No coroutine: some are read from the store, which may keep one waiting."""
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


class _Stored(Collector):
    """What the worker has written down, read when somebody asks; nothing where the store does not answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterable[Metric]:
        """Alerts ever and open, deliveries by what has become of them, where objectives stood and when the worker
        watched last.
        """
        try:
            return self._families()
        except HomeostatError:  # the numbers of the gateway itself are worth having then more than ever
            return []

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering reads nothing."""
        return []

    def _families(self) -> list[Metric]:
        names = ["task", "kind", "severity"]
        ever = CounterMetricFamily("homeostat_alerts", "Alerts, by the severity they first had.", labels=names)
        for task, kind, severity, total in self._store.alerts.counts():
            ever.add_metric([task, kind, severity.value], total)
        still = GaugeMetricFamily("homeostat_alerts_open", "Alerts that are not over.", labels=names)
        opened = Counted((one.task, one.kind, one.severity.value) for one in self._store.alerts.open())
        for labels, n in opened.items():
            still.add_metric(labels, n)
        sent = GaugeMetricFamily(
            "homeostat_deliveries", "Alerts on their way, by channel: sent, waiting, dead.", labels=["channel", "state"]
        )
        for (channel, state), n in self._store.deliveries.counts().items():
            sent.add_metric([channel, state.value], n)
        seen = GaugeMetricFamily("homeostat_worker_seen_seconds", "When the worker watched last, since 1970.")
        if (moment := self._store.state.get(SEEN)) is not None:
            seen.add_metric([], float(moment))
        return [ever, still, sent, seen, *_objectives(self._store)]


def _objectives(store: Store) -> list[Metric]:
    """Where objectives stood when the worker looked last, with the ends of their intervals and what is wanted."""
    names = ["task", "objective", "metric"]
    values = GaugeMetricFamily(
        "homeostat_objective", "Metric of an objective: mean, low, high, target, alert.", labels=[*names, "value"]
    )
    rows = GaugeMetricFamily("homeostat_objective_values", "Values that the metric was read from.", labels=names)
    stands = GaugeMetricFamily("homeostat_objective_standing", "1 for where it stands.", labels=[*names, "standing"])
    for one in (store.state.get(STANDINGS) or {}).get("objectives", ()):
        which = [one[name] for name in names]
        for name, value in one["values"].items():
            values.add_metric([*which, name], value)
        rows.add_metric(which, one["rows"])
        stands.add_metric([*which, one["standing"]], 1.0)
    return [values, rows, stands]

"""What is worth watching from outside, each once: a question, its answer in PromQL, and where the answer is alarming.

Prometheus's alert rules and Grafana's dashboard are both made from these. A test holds that every metric named here is
one that `/metrics` has.
"""

from __future__ import annotations

from dataclasses import dataclass

from homeostat.types.alert import Severity

JOB = "homeostat"
_CHAT = 'path="/v1/chat/completions"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Where an answer is alarming."""

    name: str
    condition: str
    """What follows the measure's expression: `> 0.05`."""
    lasting: str
    """How long it holds before it is told: `5m`."""
    severity: Severity
    says: str
    """What it means and what to look at; may hold Prometheus's `{{ $labels.task }}` and `{{ $value }}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One thing to look at."""

    title: str
    expr: str
    legend: str = ""
    """Which labels name a line."""
    unit: str = "short"
    """As Grafana spells it."""
    alarms: tuple[Alarm, ...] = ()


MEASURES = (
    Measure(
        title="Gateway answers Prometheus",
        expr=f'up{{job="{JOB}"}}',
        legend="{{instance}}",
        alarms=(
            Alarm(
                name="HomeostatDown",
                condition="== 0",
                lasting="1m",
                severity=Severity.CRITICAL,
                says="The gateway at {{ $labels.instance }} does not answer.",
            ),
        ),
    ),
    Measure(
        title="Seconds since the worker watched last",
        expr="time() - homeostat_worker_seen_seconds",
        unit="s",
        alarms=(
            Alarm(
                name="HomeostatNobodyWatches",
                condition="> 300",
                lasting="1m",
                severity=Severity.CRITICAL,
                says="No worker has watched for {{ $value | humanizeDuration }}: nothing is noticed or told.",
            ),
        ),
    ),
    Measure(
        title="Open alerts",
        expr="sum by (task, kind, severity) (homeostat_alerts_open)",
        legend="{{severity}} {{kind}} {{task}}",
        alarms=(
            Alarm(
                name="HomeostatAlertCritical",
                condition='{severity="critical"} > 0',
                lasting="0s",
                severity=Severity.CRITICAL,
                says="{{ $labels.kind }} of {{ $labels.task }}: homeostat alerts --open",
            ),
            Alarm(
                name="HomeostatAlertWarning",
                condition='{severity="warning"} > 0',
                lasting="0s",
                severity=Severity.WARNING,
                says="{{ $labels.kind }} of {{ $labels.task }}: homeostat alerts --open",
            ),
        ),
    ),
    Measure(
        title="Alerts an hour",
        expr="sum by (kind, severity) (increase(homeostat_alerts_total[1h]))",
        legend="{{severity}} {{kind}}",
    ),
    Measure(
        title="Alerts that were given up",
        expr='homeostat_deliveries{state="dead"}',
        legend="{{channel}}",
        alarms=(
            Alarm(
                name="HomeostatAlertsUndelivered",
                condition="> 0",
                lasting="5m",
                severity=Severity.WARNING,
                says="{{ $value }} alerts could not be sent through {{ $labels.channel }}: homeostat alerts",
            ),
        ),
    ),
    Measure(
        title="Objectives, with intervals and what is wanted",
        expr="homeostat_objective",
        legend="{{task}} {{objective}} {{value}}",
    ),
    Measure(
        title="Objectives that fail",
        expr='sum by (task, objective, standing) (homeostat_objective_standing{standing=~"behind|missed|alarming"})',
        legend="{{standing}} {{task}} {{objective}}",
    ),
    Measure(
        title="Values that objectives are read from",
        expr="homeostat_objective_values",
        legend="{{task}} {{objective}}",
    ),
    Measure(
        title="Requests a second, by status",
        expr=f"sum by (status) (rate(homeostat_requests_total{{{_CHAT}}}[5m]))",
        legend="{{status}}",
        unit="reqps",
    ),
    Measure(
        title="Share of requests that failed",
        expr=f'sum(rate(homeostat_requests_total{{{_CHAT},status=~"5.."}}[5m])) '
        f"/ sum(rate(homeostat_requests_total{{{_CHAT}}}[5m]))",
        unit="percentunit",
        alarms=(
            Alarm(
                name="HomeostatRequestsFail",
                condition="> 0.05",
                lasting="5m",
                severity=Severity.CRITICAL,
                says="{{ $value | humanizePercentage }} of the requests get no reply.",
            ),
        ),
    ),
    Measure(
        title="Seconds to a durable reply, 95 %",
        expr="histogram_quantile(0.95, sum by (le, task) (rate(homeostat_reply_seconds_bucket[5m])))",
        legend="{{task}}",
        unit="s",
        alarms=(
            Alarm(
                name="HomeostatRepliesSlow",
                condition="> 2",
                lasting="10m",
                severity=Severity.WARNING,
                says="One reply of {{ $labels.task }} in twenty takes longer than {{ $value | humanizeDuration }}.",
            ),
        ),
    ),
    Measure(
        title="Rows that could not be stored",
        expr='homeostat_rows{state="failed"}',
        alarms=(
            Alarm(
                name="HomeostatRowsLost",
                condition="> 0",
                lasting="0s",
                severity=Severity.CRITICAL,
                says="{{ $value }} rows could not be stored since the gateway started: homeostat doctor",
            ),
        ),
    ),
    Measure(
        title="Replies a second, by version and stage",
        expr="sum by (task, version, stage) (rate(homeostat_replies_total[5m]))",
        legend="{{task}} {{version}} {{stage}}",
        unit="reqps",
    ),
    Measure(
        title="Copies for candidates",
        expr="sum by (state) (homeostat_copies)",
        legend="{{state}}",
    ),
    Measure(
        title="Feedback a minute",
        expr="sum by (kind) (60 * rate(homeostat_feedback_total[5m]))",
        legend="{{kind}}",
    ),
)
"""In the order of the dashboard."""

"""Files for who observes the gateway: Prometheus's configuration and alert rules, and a dashboard for Grafana."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import yaml

from homeostat.config.schema import Config
from homeostat.gateway.measures import JOB, MEASURES, Alarm, Measure

RULES, SCRAPE, DASHBOARD = "prometheus/homeostat.rules.yml", "prometheus/prometheus.yml", "grafana/homeostat.json"
_HEAD = "# Made by `homeostat alerts rules`; made again, changes are lost.\n"
_WIDE, _HIGH = 12, 8
"""Size of a panel on Grafana's grid of 24 columns."""


def rules(config: Config) -> str:
    """Prometheus's alert rules, as YAML."""
    made = [_rule(measure, alarm) for measure in MEASURES for alarm in measure.alarms]
    return _yaml({"groups": [{"name": JOB, "rules": made}]})


def scrape(config: Config) -> str:
    """A Prometheus that scrapes the gateway of this project every 15 seconds and reads the rules beside it."""
    address = f"{config.gateway.host}:{config.gateway.port}"
    job = {"job_name": JOB, "static_configs": [{"targets": [address]}]}
    return _yaml(
        {
            "global": {"scrape_interval": "15s", "evaluation_interval": "15s"},
            "rule_files": [RULES.rpartition("/")[2]],
            "scrape_configs": [job],
        }
    )


def dashboard(config: Config) -> str:
    """Grafana's dashboard, as JSON to be imported; it asks which Prometheus it should read."""
    source = {"type": "prometheus", "uid": "${datasource}"}
    made = {
        "title": "Homeostat",
        "uid": "homeostat",
        "tags": ["homeostat"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]},
        "panels": [_panel(number, measure, source) for number, measure in enumerate(MEASURES)],
    }
    return json.dumps(made, indent=2) + "\n"


FILES: dict[str, Callable[[Config], str]] = {RULES: rules, SCRAPE: scrape, DASHBOARD: dashboard}
"""Path below a folder -> what makes the file."""


def _rule(measure: Measure, alarm: Alarm) -> dict[str, Any]:
    return {
        "alert": alarm.name,
        "expr": condition(measure, alarm),
        "for": alarm.lasting,
        "labels": {"severity": alarm.severity.value},
        "annotations": {"summary": measure.title, "description": alarm.says},
    }


def condition(measure: Measure, alarm: Alarm) -> str:
    """The measure with its threshold; a condition that narrows by labels does so where the metric is named."""
    if not alarm.condition.startswith("{"):
        return f"{measure.expr} {alarm.condition}"
    labels, _, threshold = alarm.condition.partition("} ")
    return f"{measure.expr.removesuffix(')')}{labels}}}) {threshold}"


def _panel(number: int, measure: Measure, source: dict[str, str]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    limits = [alarm.condition.split() for alarm in measure.alarms if alarm.condition.startswith(">")]
    steps += [{"color": "red", "value": float(limit)} for _, limit in limits]
    return {
        "id": number + 1,
        "title": measure.title,
        "type": "timeseries",
        "datasource": source,
        "gridPos": {"x": number % 2 * _WIDE, "y": number // 2 * _HIGH, "w": _WIDE, "h": _HIGH},
        "description": " ".join(alarm.says for alarm in measure.alarms),
        "targets": [
            {"refId": "A", "expr": measure.expr, "legendFormat": measure.legend or "__auto", "datasource": source}
        ],
        "fieldConfig": {
            "defaults": {
                "unit": measure.unit,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": {"thresholdsStyle": {"mode": "line" if limits else "off"}},
            },
            "overrides": [],
        },
    }


def _yaml(value: object) -> str:
    return _HEAD + yaml.safe_dump(value, sort_keys=False, width=1000, allow_unicode=True)

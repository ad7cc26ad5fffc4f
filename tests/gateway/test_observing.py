"""Files for Prometheus and Grafana: read back, checked with promtool, and read by a real Prometheus."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
import yaml

from homeostat.config.schema import Config, Gateway
from homeostat.gateway.measures import MEASURES
from homeostat.gateway.observing import DASHBOARD, FILES, RULES, SCRAPE, dashboard, rules, scrape
from homeostat.store import Store
from homeostat.store.notes import SEEN
from homeostat.types.alert import Alert, Severity
from receiver import free_port

NEEDS = "Debian's package prometheus is not installed"


def tool(name: str) -> str:
    """A program of Debian's package `prometheus`; where it is not there, the test is skipped."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}: {NEEDS}")
    return found


def written(folder: Path, config: Config) -> Path:
    """All files, below a folder."""
    for name, made in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(made(config), encoding="utf-8")
    return folder


def test_the_rules_are_those_of_the_measures() -> None:
    """One rule for each alarm, with its severity and what it says."""
    (group,) = yaml.safe_load(rules(Config()))["groups"]
    alarms = {alarm.name: alarm for measure in MEASURES for alarm in measure.alarms}
    assert {rule["alert"] for rule in group["rules"]} == set(alarms)
    for rule in group["rules"]:
        alarm = alarms[rule["alert"]]
        assert rule["labels"] == {"severity": alarm.severity.value}
        assert (rule["annotations"]["description"], rule["for"]) == (alarm.says, alarm.lasting)


def test_a_condition_may_narrow_by_labels() -> None:
    """The labels stand where the metric is named, inside the sum."""
    found = {rule["alert"]: rule["expr"] for rule in yaml.safe_load(rules(Config()))["groups"][0]["rules"]}
    wanted = 'sum by (task, kind, severity) (homeostat_alerts_open{severity="critical"}) > 0'
    assert found["HomeostatAlertCritical"] == wanted
    assert found["HomeostatNobodyWatches"] == "time() - homeostat_worker_seen_seconds > 300"


def test_the_project_is_scraped_where_it_listens() -> None:
    """The address is that of its own configuration, the rules are those beside the file."""
    found = yaml.safe_load(scrape(Config(gateway=Gateway(host="10.0.0.7", port=9000))))
    assert found["scrape_configs"][0]["static_configs"] == [{"targets": ["10.0.0.7:9000"]}]
    assert found["rule_files"] == [Path(RULES).name]
    assert Path(RULES).parent == Path(SCRAPE).parent


def test_the_dashboard_has_a_panel_for_each_measure() -> None:
    """In a grid without overlaps, each reading the Prometheus that is chosen on import."""
    made = json.loads(dashboard(Config()))
    panels = made["panels"]
    assert [panel["title"] for panel in panels] == [measure.title for measure in MEASURES]
    assert [panel["targets"][0]["expr"] for panel in panels] == [measure.expr for measure in MEASURES]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
    assert made["templating"]["list"][0]["query"] == "prometheus"
    limits = {panel["title"]: panel["fieldConfig"]["defaults"]["thresholds"]["steps"] for panel in panels}
    assert [step["value"] for step in limits["Share of requests that failed"]] == [None, 0.05]
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_promtool_finds_nothing_wrong(tmp_path: Path) -> None:
    """Rules and configuration are valid, every expression of the dashboard is PromQL."""
    promtool, folder = tool("promtool"), written(tmp_path, Config())
    for what, file in (("rules", RULES), ("config", SCRAPE)):
        subprocess.run([promtool, "check", what, str(folder / file)], check=True, capture_output=True)
    asked = {"groups": [{"name": "panels", "rules": [_recorded(k, m.expr) for k, m in enumerate(MEASURES)]}]}
    (tmp_path / "panels.yml").write_text(yaml.safe_dump(asked), encoding="utf-8")
    subprocess.run([promtool, "check", "rules", str(tmp_path / "panels.yml")], check=True, capture_output=True)
    assert json.loads((folder / DASHBOARD).read_text("utf-8"))["title"] == "Homeostat"


def _recorded(number: int, expr: str) -> dict[str, str]:
    return {"record": f"panel:{number}", "expr": expr}


def test_promtool_sees_every_rule_fire(tmp_path: Path) -> None:
    """Prometheus's own unit test: on series in which everything is wrong every rule fires, on sound ones none does."""
    promtool, folder = tool("promtool"), written(tmp_path, Config())
    wrong = [
        ('up{job="homeostat",instance="a"}', "0+0x40"),
        ("homeostat_worker_seen_seconds", "0+0x40"),
        ('homeostat_alerts_open{task="t",kind="mix",severity="warning"}', "1+0x40"),
        ('homeostat_alerts_open{task="t",kind="rollback",severity="critical"}', "1+0x40"),
        ('homeostat_deliveries{channel="ops",state="dead"}', "2+0x40"),
        ('homeostat_requests_total{path="/v1/chat/completions",status="200"}', "0+90x40"),
        ('homeostat_requests_total{path="/v1/chat/completions",status="500"}', "0+10x40"),
        ('homeostat_reply_seconds_bucket{task="t",le="2.0"}', "0+50x40"),
        ('homeostat_reply_seconds_bucket{task="t",le="5.0"}', "0+100x40"),
        ('homeostat_reply_seconds_bucket{task="t",le="+Inf"}', "0+100x40"),
        ('homeostat_rows{state="failed"}', "1+0x40"),
    ]
    sound = [
        ('up{job="homeostat",instance="a"}', "1+0x40"),
        ("homeostat_worker_seen_seconds", "0+60x40"),
        ('homeostat_alerts_open{task="t",kind="mix",severity="info"}', "1+0x40"),
        ('homeostat_deliveries{channel="ops",state="sent"}', "2+0x40"),
        ('homeostat_requests_total{path="/v1/chat/completions",status="200"}', "0+99x40"),
        ('homeostat_requests_total{path="/v1/chat/completions",status="500"}', "0+1x40"),
        ('homeostat_reply_seconds_bucket{task="t",le="2.0"}', "0+99x40"),
        ('homeostat_reply_seconds_bucket{task="t",le="+Inf"}', "0+100x40"),
        ('homeostat_rows{state="failed"}', "0+0x40"),
    ]
    names = [alarm.name for measure in MEASURES for alarm in measure.alarms]
    for series, expected in ((wrong, 1), (sound, 0)):
        cases = [
            {"eval_time": "30m", "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})'} for name in names
        ]
        for case in cases:
            case["exp_samples"] = [{"value": expected}] if expected else []  # type: ignore[assignment]
        test = {
            "rule_files": [str(folder / RULES)],
            "evaluation_interval": "1m",
            "tests": [
                {
                    "interval": "1m",
                    "input_series": [{"series": name, "values": values} for name, values in series],
                    "promql_expr_test": cases,
                }
            ],
        }
        (tmp_path / "test.yml").write_text(yaml.safe_dump(test), encoding="utf-8")
        ran = subprocess.run(
            [promtool, "test", "rules", str(tmp_path / "test.yml")], check=False, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


def eventually(look: Callable[[], bool], within_s: float = 60.0) -> bool:
    """Whether something becomes true in time."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if look():
            return True
        time.sleep(0.2)
    return False


@pytest.mark.slow
def test_a_real_prometheus_scrapes_a_real_gateway_and_an_alert_fires_and_resolves(
    address: str, client: openai.OpenAI, store: Store, tmp_path: Path
) -> None:
    """From an alert in the store over `/metrics` and the rules to `firing`, and gone again when the alert is over."""
    program, at = tool("prometheus"), f"127.0.0.1:{free_port()}"
    host, _, port = address.removeprefix("http://").partition(":")
    folder = written(tmp_path, Config(gateway=Gateway(host=host, port=int(port)))) / Path(SCRAPE).parent
    config = yaml.safe_load((folder / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    flags = [f"--config.file={folder / 'prometheus.yml'}", f"--web.listen-address={at}"]
    flags.append(f"--storage.tsdb.path={tmp_path / 'data'}")
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen([program, *flags], stdout=log, stderr=log)
    try:
        fires_and_resolves(f"http://{at}/api/v1", client, store)
    finally:
        running.terminate()
        running.wait(30)


def fires_and_resolves(api: str, client: openai.OpenAI, store: Store) -> None:
    """The story, as Prometheus tells it."""

    def asked(path: str, **query: str) -> Any:
        try:
            return httpx.get(f"{api}/{path}", params=query).json()["data"]
        except httpx.TransportError:
            return {}

    def value(query: str) -> float | None:
        found = asked("query", query=query).get("result", [])
        return float(found[0]["value"][1]) if found else None

    def firing() -> set[str]:
        return {a["labels"]["alertname"] for a in asked("alerts").get("alerts", []) if a["state"] == "firing"}

    store.state.put(SEEN, time.time())
    client.chat.completions.create(model="routing", messages=[{"role": "user", "content": "parcel"}])
    assert eventually(lambda: value('up{job="homeostat"}') == 1.0)
    assert eventually(lambda: value('homeostat_replies_total{task="routing"}') == 1.0)
    assert not firing()

    alert = Alert(id="alr_1", task="routing", time=1.0, kind="mix", severity=Severity.CRITICAL, says="x", key="k")
    store.alerts.tell([alert], lambda before, cause: (cause, ()))
    assert eventually(lambda: firing() == {"HomeostatAlertCritical"})
    store.alerts.change("alr_1", lambda one: (replace(one, resolved=2.0), ()))
    assert eventually(lambda: not firing())
    assert value("homeostat_alerts_total") == 1.0

"""Files for Prometheus and Grafana."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from cli.conftest import Run
from homeostat.errors import NoProject
from homeostat.gateway.observing import FILES


def test_all_files_are_written(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """Below the folder, which is made; their names are printed; the project's own address is scraped."""
    shop.write_text(shop.read_text() + "gateway: {port: 9123}\n")
    ran = homeostat("alerts", "rules", "--out", tmp_path / "new" / "folder", "--config", shop)
    assert ran.code == 0
    files = [Path(line) for line in ran.out.splitlines()]
    assert [str(file.relative_to(tmp_path / "new" / "folder")) for file in files] == list(FILES)
    made = yaml.safe_load((tmp_path / "new" / "folder" / "prometheus" / "prometheus.yml").read_text("utf-8"))
    assert made["scrape_configs"][0]["static_configs"] == [{"targets": ["127.0.0.1:9123"]}]


@pytest.mark.parametrize(("what", "begins"), [("rules", "groups"), ("scrape", "global"), ("dashboard", "title")])
def test_one_is_printed(homeostat: Run, shop: Path, what: str, begins: str) -> None:
    """Each alone, as it would stand in its file."""
    out = homeostat("alerts", "rules", what, "--config", shop).out
    found = json.loads(out) if what == "dashboard" else yaml.safe_load(out)
    assert begins in found
    assert homeostat("alerts", "rules", "--config", shop).out.count("alert:") >= 8


def test_without_a_project_nothing_is_written(homeostat: Run, tmp_path: Path) -> None:
    """The address comes from the project."""
    ran = homeostat("alerts", "rules", "--out", tmp_path / "out", "--config", tmp_path / "homeostat.yaml")
    assert ran.code == NoProject.exit
    assert not (tmp_path / "out").exists()

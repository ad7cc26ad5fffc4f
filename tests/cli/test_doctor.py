"""The examination."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run

PARTS = ["configuration", "processor", "folder", "disk", "alerts", "store", "base", "model", "port"]


def examined(homeostat: Run, file: Path) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and the checks by name."""
    ran = homeostat("doctor", "--config", file, "--json")
    assert ran.json["ok"] == (ran.code == 0)
    return ran.code, {check["name"]: check for check in ran.json["checks"]}


def test_a_sound_project(homeostat: Run, small: Path) -> None:
    """Every part is looked at, nothing fails, and nothing is left behind."""
    small.write_text(small.read_text() + "gateway: {port: 0}\n")
    code, checks = examined(homeostat, small)
    assert code == 0, checks
    assert [name for name in checks if name in PARTS] == PARTS
    assert {"python", "torch", "dbos"} <= set(checks)
    assert not (small.parent / ".homeostat").exists()


def test_a_missing_model_fails_with_a_fix(homeostat: Run, shop: Path) -> None:
    """Exit code 1; everything else is looked at all the same."""
    shop.write_text("model: {base: ./nothing}\ntasks: {routing: {}}\ngateway: {port: 0}\n")
    code, checks = examined(homeostat, shop)
    assert code == 1
    assert checks["model"]["level"] == "fail"
    assert "E301" in checks["model"]["found"]
    assert checks["model"]["fix"]
    assert checks["port"]["level"] == "ok"


def test_a_broken_configuration_fails_and_ends_there(homeostat: Run, shop: Path) -> None:
    """Of a project whose file does not load only the machine is looked at."""
    shop.write_text("gatewy: {}\n")
    code, checks = examined(homeostat, shop)
    assert code == 1
    assert "did you mean 'gateway'?" in checks["configuration"]["fix"]
    assert "disk" in checks
    assert "model" not in checks


def test_a_damaged_store_fails(homeostat: Run, shop: Path) -> None:
    """A file that is no database is found out."""
    folder = shop.parent / ".homeostat"
    folder.mkdir()
    (folder / "homeostat.db").write_text("this is no database " * 100)
    shop.write_text(shop.read_text() + "model: {base: ./nothing}\n")
    code, checks = examined(homeostat, shop)
    assert code == 1
    assert checks["store"]["level"] == "fail"
    assert "E403" in checks["store"]["found"]


def test_a_table_for_people(homeostat: Run, shop: Path) -> None:
    """What, how it stands, what was found and how to mend it."""
    shop.write_text(shop.read_text() + "model: {base: ./nothing}\n")
    ran = homeostat("doctor", "--config", shop)
    assert ran.code == 1
    line = next(line for line in ran.out.splitlines() if line.startswith("model"))
    assert "fail" in line
    assert "E301" in line

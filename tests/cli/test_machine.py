"""What is asked of the machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from homeostat.cli import machine
from homeostat.cli.check import Level


def test_this_python_will_do() -> None:
    """The interpreter that runs the tests is one that the project supports."""
    check = machine.python()
    assert check.level is Level.OK
    assert check.found == ".".join(map(str, sys.version_info[:3]))


def test_every_requirement_is_looked_at() -> None:
    """Homeostat's own requirements, none of an extra, all there."""
    checks = {check.name: check for check in machine.packages()}
    assert {"torch", "transformers", "sqlalchemy", "typer"} <= set(checks)
    assert "ruff" not in checks
    assert {check.level for check in checks.values()} == {Level.OK}


@pytest.mark.parametrize(
    ("requirement", "level"),
    [
        ("numpy>=1.0", Level.OK),
        ("numpy>=1.0,<999", Level.OK),
        ("numpy", Level.OK),
        ("numpy>=999.0", Level.FAIL),
        ("numpy>=1.0,<1.5", Level.FAIL),
        ("no-such-package-at-all>=1", Level.FAIL),
        ("psycopg[binary]>=3.2; extra == 'postgres'", None),
    ],
)
def test_a_version_must_lie_within_its_bounds(requirement: str, level: Level | None) -> None:
    """Missing, too old and too new are failures that say what to install; extras are nobody's failure."""
    checks = list(machine.packages([requirement]))
    assert [check.level for check in checks] == ([level] if level else [])
    if level is Level.FAIL:
        assert checks[0].fix == f"pip install '{requirement}'"


def test_more_threads_than_cores_is_a_warning() -> None:
    """Gateway and worker both compute: twice the threads must fit."""
    assert machine.processor(1).level is Level.OK
    many = machine.processor(4096)
    assert many.level is Level.WARN
    assert "model.threads" in many.fix
    assert "bfloat16" in many.found


def test_a_folder_need_not_be_there_yet(tmp_path: Path) -> None:
    """It is enough that it can be made; looking makes nothing."""
    assert machine.folder(tmp_path / "a" / "b").level is Level.OK
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_in(tmp_path: Path) -> None:
    """A failure that names the folder."""
    tmp_path.chmod(0o500)
    check = machine.folder(tmp_path)
    tmp_path.chmod(0o700)
    assert check.level is Level.FAIL
    assert str(tmp_path) in check.fix


def test_free_space_is_told_in_megabytes(tmp_path: Path) -> None:
    """What is free, with a fix only where it is short."""
    check = machine.disk(tmp_path / "not there yet")
    assert check.found.endswith("MB free")
    assert bool(check.fix) == (check.level is not Level.OK)

"""What a demo is told in: a folder of its own, and figures that make sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from homeostat.cli.demo import _clear
from homeostat.errors import ProjectExists
from homeostat.loop.story.script import Options, write_project


def test_a_demo_leaves_a_project_of_yours_alone(homeostat: Run, tmp_path: Path) -> None:
    """A folder with a project that no demo has laid ends the command, and nothing in it is touched."""
    homeostat("init", "--config", tmp_path / "homeostat.yaml")
    (tmp_path / ".homeostat").mkdir()
    ran = homeostat("demo", "--folder", tmp_path)
    assert ran.code == ProjectExists.exit
    assert "--folder" in ran.err
    assert (tmp_path / "homeostat.yaml").exists()
    assert (tmp_path / ".homeostat").exists()


def test_an_earlier_demo_is_removed_unless_it_was_taken_over(tmp_path: Path) -> None:
    """What a demo has laid is made anew; without the line that says so, the folder is a project like any other."""
    path = write_project(Options(name="shop", folder=tmp_path / "demo", rows=[], truths=[]))
    mark, rest = path.read_text().split("\n", 1)
    path.write_text(rest)
    with pytest.raises(ProjectExists):
        _clear(path.parent)
    path.write_text(f"{mark}\n{rest}")
    _clear(path.parent)
    assert not path.parent.exists()


@pytest.mark.parametrize("option", ["--label-budget", "--limit"])
def test_a_number_below_zero_is_refused(homeostat: Run, tmp_path: Path, option: str) -> None:
    """No share and no number of requests is below zero: the command was called wrongly, and nothing is laid."""
    folder = tmp_path / "demo"
    ran = homeostat("demo", "--folder", folder, option, "-3")
    assert ran.code == 2
    assert option in ran.err
    assert not folder.exists()

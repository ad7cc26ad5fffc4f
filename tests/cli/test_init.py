"""Beginning a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from homeostat.config.load import load
from homeostat.errors import NotText, ProjectExists, WrongType
from homeostat.types.task import Kind


def test_five_commented_lines_that_load(homeostat: Run, tmp_path: Path) -> None:
    """The file has five lines, each with its meaning behind it, and is a configuration."""
    file = tmp_path / "support" / "homeostat.yaml"
    ran = homeostat("init", "--config", file)
    assert ran.code == 0
    lines = file.read_text().splitlines()
    assert len(lines) == 5
    assert all("  # " in line for line in lines)
    config = load(file)
    assert config.project == "support"
    assert config.model.base == "builtin"
    assert config.tasks["routing"].kind is Kind.LABEL


def test_what_is_given_is_in_the_file(homeostat: Run, tmp_path: Path) -> None:
    """Name, base, task and labels enter the file as they are, whatever signs they hold."""
    file = tmp_path / "homeostat.yaml"
    homeostat(
        *("init", "--config", file, "--name", 'Müller: "support" #1', "--base", "org/small-model"),
        *("--task", "tickets", "--labels", "refund, delivery: late,"),
    )
    config = load(file)
    assert config.project == 'Müller: "support" #1'
    assert config.model.base == "org/small-model"
    assert config.tasks["tickets"].labels == ("refund", "delivery: late")


def test_labels_come_from_a_file(homeostat: Run, tmp_path: Path) -> None:
    """`--labels` without a comma names a file beside the project's, with one label a line."""
    (tmp_path / "labels.txt").write_text("refund\ndelivery\n")
    homeostat("init", "--config", tmp_path / "homeostat.yaml", "--labels", "labels.txt")
    assert load(tmp_path).tasks["routing"].labels == ("refund", "delivery")


def test_a_folder_stands_for_the_file_in_it(homeostat: Run, tmp_path: Path) -> None:
    """`--config FOLDER` writes the folder's homeostat.yaml."""
    assert homeostat("init", "--config", tmp_path).code == 0
    assert (tmp_path / "homeostat.yaml").exists()


def test_nothing_is_overwritten_unasked(homeostat: Run, shop: Path) -> None:
    """A file that is there stays as it is, with an error; `--force` writes over it."""
    before = shop.read_text()
    ran = homeostat("init", "--config", shop)
    assert ran.code == ProjectExists.exit
    assert "E108" in ran.err
    assert "--force" in ran.err
    assert shop.read_text() == before
    assert homeostat("init", "--config", shop, "--force").code == 0
    assert shop.read_text() != before


@pytest.mark.parametrize("given", [("--task", "two words"), ("--labels", "no-such-file.txt")])
def test_a_file_that_would_not_load_is_not_left_behind(homeostat: Run, tmp_path: Path, given: tuple[str, str]) -> None:
    """What makes no configuration is an error, and there is no file then."""
    file = tmp_path / "homeostat.yaml"
    assert homeostat("init", "--config", file, *given).code == WrongType.exit
    assert not file.exists()


def test_force_puts_back_what_was_there_if_the_new_one_does_not_load(homeostat: Run, shop: Path) -> None:
    """A good configuration is never lost to a bad one."""
    before = shop.read_text()
    assert homeostat("init", "--config", shop, "--force", "--labels", "no-such-file.txt").code == WrongType.exit
    assert shop.read_text() == before


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="a folder that not even root may write in")
def test_where_nobody_may_write(homeostat: Run) -> None:
    """One error that names the place, and no traceback."""
    ran = homeostat("init", "--config", "/sys/homeostat.yaml")
    assert (ran.code, "it is not allowed" in ran.err, "/sys/" in ran.err) == (NotText.exit, True, True)

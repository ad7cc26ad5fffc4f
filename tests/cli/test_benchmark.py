"""`homeostat benchmark`."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, version
from harness import write_task
from homeostat.config.load import load
from homeostat.errors import NotFound, NotReleasable, NotText
from homeostat.loop.workshop import Workshop


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "benchmarks"
    write_task(made, "pairs", [("a", f"zq {k} jx vv") for k in range(9)])
    return made


@pytest.fixture
def config(small: Path) -> Path:
    """A champion and a version beside it, both the bare base, and one of another task."""
    shop = Workshop.open(load(small))
    champion(shop.store, "old")
    version(shop.store, "new", time=START + 5)
    version(shop.store, "other", task="replies")
    shop.close()
    return small


@pytest.mark.slow
def test_a_table_and_a_document(homeostat: Run, config: Path, folder: Path) -> None:
    """Beside the champion, with the difference; the champion alone."""
    pytest.importorskip("lm_eval")
    out = homeostat("benchmark", "ver_new", "--tasks", folder, "--limit", 4, "--config", config).out
    assert "pairs" in out
    assert "n = 4" in out
    found = homeostat("benchmark", "ver_new", "--tasks", folder, "--json", "--config", config).json
    (one,) = found["benchmarks"]
    assert (found["against"], one["difference"]["mean"], one["score"]["n"]) == ("ver_old", 0.0, 9)
    alone = homeostat("benchmark", "ver_old", "--tasks", folder, "--json", "--config", config).json
    assert (alone["against"], alone["benchmarks"][0]["other"]) == (None, None)
    assert "difference" not in homeostat("benchmark", "ver_old", "--tasks", folder, "--config", config).out


def test_what_cannot_be_run(homeostat: Run, config: Path, tmp_path: Path) -> None:
    """No such version, no such folder, one without tasks, two tasks."""
    pytest.importorskip("lm_eval")
    assert homeostat("benchmark", "ver_none", "--config", config).code == NotFound.exit
    assert homeostat("benchmark", "ver_new", "--tasks", tmp_path / "gone", "--config", config).code == NotText.exit
    ran = homeostat("benchmark", "ver_new", "--against", "ver_other", "--tasks", tmp_path, "--config", config)
    assert ran.code == NotReleasable.exit
    ran = homeostat("benchmark", "ver_new", "--tasks", tmp_path, "--config", config)
    assert (ran.code, "holds no task" in ran.err) == (NotFound.exit, True)

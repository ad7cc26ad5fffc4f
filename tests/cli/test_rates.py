"""Finding a learning rate in one short run."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import stream
from homeostat.config.load import load
from homeostat.errors import NotFound
from homeostat.loop.workshop import Workshop


def test_the_course_and_a_rate(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """The document has every step and the rates, the table a line for the suggestion; nothing is kept."""
    given = ("rates", stream(tmp_path / "s.jsonl"), "--task", "routing", "--recipe", "joint", "--config", small)
    found = homeostat(*given, "--steps", "20", "--json").json
    assert 10 <= len(found["points"]) <= 20
    assert found["rates"]["the_recipe_has"] == 2e-3
    assert found["rates"]["suits_the_width"] > found["rates"]["the_recipe_has"]
    assert found["points"][0]["rate"] < found["rates"]["suggested"] < 1
    assert found["flops"] > 0
    ran = homeostat(*given, "--steps", "20")
    assert ran.code == 0, ran.err
    assert "█" in ran.out
    assert "suggested" in ran.out
    shop = Workshop.open(load(small))
    assert shop.store.versions.list() == []
    assert shop.store.datasets.list() == []
    shop.close()


def test_what_is_not_there(homeostat: Run, shop: Path) -> None:
    """A dataset that the store does not hold is an error, and too few steps are one of use."""
    assert homeostat("rates", "dst_nothing", "--config", shop).code == NotFound.exit
    assert homeostat("rates", "dst_nothing", "--config", shop, "--steps", "3").code == 2

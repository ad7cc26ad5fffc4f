"""Making a smaller base from the command line."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import champion, request
from homeostat.config.load import load
from homeostat.errors import EmptyStream, UnsuitedModel
from homeostat.llm.load import open_model
from homeostat.loop.workshop import Workshop


def test_a_base_of_the_projects_own(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """It opens, is smaller, and has codes for the champion's labels; a folder that is there is not written over."""
    shop = Workshop.open(load(small))
    champion(shop.store, "old", labels=("a", "b"))
    for k in range(5):
        request(shop.store, k, "ver_old")
    folder = tmp_path / "made"
    given = ("smaller", folder, "--layers", 1, "--words", 20, "--task", "routing", "--config", small)
    ran = homeostat(*given, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["share"] < 1
    opened = open_model(str(folder))
    assert sum(t.numel() for t in opened.model.parameters()) == ran.json["parameters"]
    assert sum(token.startswith("<|code_") for token in opened.tokenizer.get_vocab()) == 2 + 16
    assert homeostat(*given).code == 2
    shop.close()


def test_what_is_refused(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """More layers than there are, and words where there are no requests to choose them by."""
    given = ("--task", "routing", "--config", small)
    assert homeostat("smaller", tmp_path / "x", "--layers", 9, *given).code == UnsuitedModel.exit
    assert homeostat("smaller", tmp_path / "x", "--layers", 1, "--words", 9, *given).code == EmptyStream.exit
    assert not (tmp_path / "x").exists()

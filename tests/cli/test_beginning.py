"""Learning where trainings begin, and beginning there, from the command line."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import stream
from homeostat.config.load import load
from homeostat.errors import NotFound, NothingToTrainOn, UnknownPlugin, UnsuitedModel
from homeostat.loop.workshop import Workshop


def test_a_beginning_and_a_training_from_there(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """A dry run says from what it would learn; then the folder holds an adapter, and a training begins at its layers
    and says so. Nothing is learned of nothing, and no recipe of heads begins at an adapter.
    """
    file, folder = stream(tmp_path / "s.jsonl", 40), tmp_path / "begins"
    given = ("beginning", folder, "--how", "reptile", "--rounds", 2, "--config", small)
    assert homeostat(*given).code == NothingToTrainOn.exit
    told = homeostat(*given, "--stream", file, "--dry-run", "--json").json
    assert (told["labels"], told["how"], told["rounds"]) == (2, "reptile", 2)
    assert not folder.exists()
    assert homeostat(*given[:2], "--how", "reptil", "--stream", file, "--config", small).code == UnknownPlugin.exit
    ran = homeostat(*given, "--stream", file)
    assert ran.code == 0, ran.err
    assert (folder / "adapter_model.safetensors").exists()
    assert homeostat(*given, "--stream", file).code == 2
    train = ("borrow", "routing", file, "--config", small, "--json", "--recipe")
    done = homeostat(*train, "joint", "--from", folder).json
    assert (done["from"], done["why"]) == (str(folder), "it was asked for")
    shop = Workshop.open(load(small))
    made = shop.store.versions.get(done["version"])
    assert (made.recipe["from"], made.recipe["warm_start"]) == (str(folder), True)
    shop.close()
    assert homeostat(*train, "joint", "--from", folder, "--dry-run").json["from"] == str(folder)
    plain = homeostat(*train, "joint", "--from", "nearest").json
    assert (plain["from"], plain["why"]) == ("the bare base", "there is no adapter of another domain to begin from")
    assert homeostat(*train, "head", "--from", folder).code == UnsuitedModel.exit
    assert homeostat(*train, "joint", "--from", "nowhere").code == NotFound.exit

"""Training from another domain's layers, from the command line."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import stream
from homeostat.config.load import load
from homeostat.errors import NotFound, UnsuitedModel
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import promote


def test_another_task_s_champion_is_looked_at(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """The nearest is told with its reason, whatever it is; a version that is named is begun at, which a dry run says
    without writing; the candidate is tied to it, and the same call gives the same one.
    """
    small.write_text(
        small.read_text().replace("routing: {kind: label}", "routing: {kind: label}, other: {kind: label}")
    )
    file = stream(tmp_path / "s.jsonl", 40)
    lent = homeostat("train", "other", "--stream", file, "--recipe", "joint", "--config", small, "--json")
    assert lent.code == 0, lent.err
    source = lent.json["version"]
    shop = Workshop.open(load(small))
    promote(shop.store, "other", source, "for a test", now=1.0)
    given = ("borrow", "routing", file, "--config", small, "--json")
    told = homeostat(*given, "--dry-run").json
    assert source in told["why"]
    assert told["from"] in (source, "the bare base")
    assert len(shop.store.versions.list()) == 1
    ran = homeostat(*given, "--from", source)
    assert ran.code == 0, ran.err
    made = shop.store.versions.get(ran.json["version"])
    assert (ran.json["from"], made.task, made.recipe["from"]) == (source, "routing", source)
    assert ("begins from", source) in shop.store.lineage.parents(made.id)
    assert homeostat(*given, "--from", source).json["version"] == made.id
    assert shop.store.verify() == []
    shop.close()
    assert homeostat(*given, "--from", "ver_nobody").code == NotFound.exit
    assert homeostat(*given, "--from", "nowhere").code == NotFound.exit
    assert homeostat(*given, "--recipe", "head").code == UnsuitedModel.exit

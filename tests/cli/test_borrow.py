"""Training from another domain's layers, from the command line."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from cli.conftest import Run
from cli.scenes import START, stream
from homeostat.config.load import load
from homeostat.curate.snapshot import examples
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


def test_who_begins_at_the_bare_base_learns_what_is_remembered(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """No other task lends anything, so that `careful` begins at the bare base too: like `joint` it learns what the
    champion knows beside every row of the file, as new rows.
    """
    homeostat("import", stream(tmp_path / "s.jsonl", 40), "--task", "routing", "--config", small)
    new = tmp_path / "new.jsonl"
    lines = [{"text": f"water leaks from pump {k}", "label": "leak", "time": START + 9e4 + k} for k in range(6)]
    new.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with closing(Workshop.open(load(small))) as shop:
        known = {row.text for row in examples(shop.store, shop.champion("routing").dataset)}
        for recipe in ("joint", "careful"):
            ran = homeostat("borrow", "routing", new, "--recipe", recipe, "--config", small, "--json")
            assert ran.json["from"] == "the bare base"
            learned = examples(shop.store, ran.json["dataset"])
            assert {row.text for row in learned} == known | {line["text"] for line in lines}
            assert {row.origin for row in learned} == {"new"}

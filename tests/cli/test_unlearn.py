"""Taking rows out of a head."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import stream
from homeostat.config.load import load
from homeostat.curate.snapshot import examples
from homeostat.errors import NotFound, UnsuitedModel
from homeostat.loop.workshop import Workshop


def test_a_head_is_rid_of_rows(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """The candidate's dataset is the champion's without them, and they are taken out of its sums; an adapter can be
    rid of nothing, and a head of nothing that it was not made of.
    """
    gone, other = tmp_path / "gone.txt", tmp_path / "other.txt"
    other.write_text("nobody said this\n")
    homeostat("import", stream(tmp_path / "s.jsonl", 40), "--task", "routing", "--config", small)
    assert homeostat("unlearn", other, "--task", "routing", "--config", small).code == UnsuitedModel.exit
    made = homeostat("train", "routing", "--recipe", "head", "--config", small, "--json").json
    homeostat("promote", made["version"], "--config", small)
    shop = Workshop.open(load(small))
    rows = examples(shop.store, made["dataset"])
    gone.write_text("".join(row.text + "\n" for row in rows[:3]))
    done = homeostat("unlearn", gone, "--task", "routing", "--config", small, "--json").json
    left = examples(shop.store, done["dataset"])
    assert (done["added"], done["removed"], done["rows"]) == (0, 3, len(rows) - 3)
    assert {row.text for row in left} == {row.text for row in rows[3:]}
    assert shop.store.versions.get(done["version"]).parent == made["version"]
    assert homeostat("unlearn", other, "--task", "routing", "--config", small).code == NotFound.exit
    shop.close()

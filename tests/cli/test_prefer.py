"""`homeostat prefer`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.errors import BadStream, NotReleasable
from homeostat.release.preferred import judgments
from homeostat.release.rollout import open_shadow
from homeostat.store import Store
from homeostat.types.interaction import Interaction, Role


@pytest.fixture
def candidate(store: Store) -> str:
    """A candidate in shadow, with four requests that both answered."""
    old, new = champion(store, "old"), version(store, "new").id
    old = getattr(old, "id", old)
    open_shadow(store, "routing", new, now=START + 1)
    for k in range(4):
        heard = Interaction(id=f"int_{k}", task="routing", time=START + k, text=f"ask {k}", reply="a", version=old)
        copy = Interaction(
            id=f"int_{k}s", task="routing", time=START + k, text=f"ask {k}", reply="b", version=new, of=heard.id,
            role=Role.SHADOW,
        )  # fmt: skip
        store.interactions.add([heard, copy])
    return new


def test_nobody_to_judge(homeostat: Run, shop: Path, store: Store) -> None:
    """Without a candidate there are no pairs."""
    champion(store, "old")
    assert homeostat("prefer", "--config", shop).code == NotReleasable.exit


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        """It is."""
        return True


def test_judged_at_the_terminal(
    homeostat: Run, shop: Path, store: Store, candidate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it is enough; what was skipped is asked again, and the sum stands at the end."""
    monkeypatch.setattr("sys.stdin", Terminal("l\ns\nt\nq\n"))
    out = homeostat("prefer", "--by", "ann", "--config", shop).out
    assert "3 of 4" in out
    assert homeostat("prefer", "--result", "--json", "--config", shop).json["waiting"] == 2
    assert len(judgments(store, candidate)) == 2
    assert "ver_" not in out.partition("beside the champion")[0].rpartition("\n")[0]


def test_it_can_be_left_at_once(
    homeostat: Run, shop: Path, store: Store, candidate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is judged by whoever goes away."""
    monkeypatch.setattr("sys.stdin", Terminal(""))
    ran = homeostat("prefer", "--config", shop)
    assert (ran.code, "nothing judged yet" in ran.out) == (0, True)
    assert judgments(store, candidate) == {}


def test_no_more_than_wanted(homeostat: Run, shop: Path, store: Store, candidate: str) -> None:
    """So many pairs, and the same ones until they are judged; without a terminal they are printed."""
    first, second = (homeostat("prefer", "--by", "ann", "--n", 2, "--config", shop).json["pairs"] for _ in range(2))
    assert (len(first), first) == (2, second)
    other = homeostat("prefer", "--by", "bob", "--n", 4, "--config", shop).json["pairs"]
    assert {pair["interaction"] for pair in other} == {f"int_{k}" for k in range(4)}


def test_judged_elsewhere(homeostat: Run, shop: Path, store: Store, candidate: str, tmp_path: Path) -> None:
    """Printed without names, and taken back by the same judge."""
    printed = homeostat("prefer", "--by", "ann", "--json", "--config", shop)
    assert candidate not in printed.out
    file = tmp_path / "answers.jsonl"
    lines = [{"interaction": p["interaction"], "choice": "left"} for p in printed.json["pairs"]]
    file.write_text("\n".join(map(json.dumps, lines)))
    found = homeostat("prefer", "--by", "ann", "--take", file, "--json", "--config", shop).json
    assert (found["share"]["n"], found["waiting"]) == (4, 0)
    assert found["better"] == sum(p["left"] == "b" for p in printed.json["pairs"])
    again = homeostat("prefer", "--by", "ann", "--take", file, "--config", shop)
    assert again.code == BadStream.exit
    assert homeostat("prefer", "--by", "ann", "--json", "--config", shop).json["pairs"] == []
    assert homeostat("prefer", "--result", "--json", "--config", shop).json == found

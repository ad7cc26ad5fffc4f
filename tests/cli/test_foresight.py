"""`homeostat turn --dry-run`: what a turn would do, printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, request
from homeostat.errors import NothingReleased
from homeostat.store import Store
from homeostat.types.turn import DIVIDED, Turn

PLEAS = ("there is smoke in the kitchen", "something burns behind the oven", "the fire alarm rings all night")


@pytest.fixture
def grown(homeostat: Run, small: Path, tmp_path: Path) -> Path:
    """A project whose champion knows two labels, and whose log is about another one since."""
    text = small.read_text() + "decide: {min_labels: 20, price_per_cpu_hour: 0}\n"
    small.write_text(text.replace("train: {", "train: {attempts: [naive, careful], "))
    old = (("parcel", "delivery"), ("refund", "refund"))
    known = [{"text": f"where is my {old[k % 2][0]} {k * 7919 % 997}", "label": old[k % 2][1]} for k in range(40)]
    new = [{"text": f"{PLEAS[k % 3]} {k * 7919 % 997}", "label": "fire"} for k in range(60)]
    for name, rows, since, more in (("old", known, 0, ()), ("new", new, 9_000, ("--rows-only",))):
        lines = [json.dumps({**row, "time": START + since + 60 * k}) + "\n" for k, row in enumerate(rows)]
        (tmp_path / name).write_text("".join(lines))
        ran = homeostat("import", tmp_path / name, "--task", "routing", "--config", small, *more)
        assert ran.code == 0, ran.err
    return small


def kept(config: Path) -> list[tuple[str, int]]:
    """Every file of a project with its size, but for those of an open database, and versions laid out to be loaded."""
    folder = config.parent / ".homeostat"
    files = [path for path in folder.rglob("*") if path.is_file() and "folders" not in path.parts]
    return sorted((path.name, path.stat().st_size) for path in files if "-" not in path.suffix)


def test_what_would_be_built_and_trained(homeostat: Run, grown: Path) -> None:
    """The decision's sentence, then a line for each recipe; no worker is needed and nothing is changed."""
    before = kept(grown)
    ran = homeostat("turn", "routing", "--dry-run", "--config", grown)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("retrain: worth ")
    lines = {line.split()[0]: line.split("│") for line in ran.out.splitlines() if "│" in line}
    assert {"naive", "careful"} <= lines.keys()
    new, replayed, recalled, total, labels = (int(cell) for cell in lines["naive"][1:6])
    assert (0 < new <= 48, replayed, recalled, total, labels) == (True, 0, 0, new, 3)
    assert int(lines["careful"][1]) == new
    assert int(lines["careful"][2]) > 0
    assert "FLOP" in lines["careful"][-1]
    assert kept(grown) == before


def test_the_same_as_json(homeostat: Run, grown: Path) -> None:
    """With every count, and without the id of a decision that nobody has made."""
    found = homeostat("turn", "routing", "--dry-run", "--json", "--config", grown).json
    assert (found["task"], found["until"]) == ("routing", START + 9_000 + 60 * 58)
    assert (found["decision"]["action"], "id" in found["decision"]) == ("retrain", False)
    assert [attempt["recipe"] for attempt in found["attempts"]] == ["naive", "careful"]
    naive = found["attempts"][0]
    assert (naive["counts"]["selected"], naive["labels"]) == (48, 3)
    assert naive["training"]["flops"] > 0
    versions = homeostat("versions", "routing", "--json", "--config", grown).json
    assert len(versions) == 1


def test_a_turn_that_would_not_retrain_says_why(homeostat: Run, shop: Path, store: Store) -> None:
    """The sentence alone."""
    champion(store, "first", labels=("refund",))
    request(store, 1, "ver_first", said="delivery")
    ran = homeostat("turn", "--dry-run", "--config", shop)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("label: 1 label since the champion was trained says too little")
    assert len(ran.out.splitlines()) == 1
    assert homeostat("turn", "--dry-run", "--json", "--config", shop).json["attempts"] == []
    assert store.decisions.list() == store.turns.list() == []


def test_what_has_to_end_first_is_told(homeostat: Run, shop: Path, store: Store) -> None:
    """No turn begins while one is under way, so what is foreseen comes after it."""
    champion(store, "first", labels=("refund",))
    request(store, 1, "ver_first", said="delivery")
    store.turns.put(Turn(id="trn_1", task="routing", time=START, diary={DIVIDED: "rel_1"}))
    ran = homeostat("turn", "--dry-run", "--config", shop)
    assert ran.out.startswith("split trn_1 is under way, and no turn begins before it has ended"), ran.err
    assert homeostat("turn", "--dry-run", "--json", "--config", shop).json["after"] == "split trn_1"


def test_there_is_no_turn_to_wait_for(homeostat: Run, shop: Path) -> None:
    """`--wait` beside it is an error of use."""
    assert homeostat("turn", "--dry-run", "--wait", "--config", shop).code == 2


def test_without_a_champion_there_is_nothing_to_foresee(homeostat: Run, shop: Path) -> None:
    """An error, as for the turn itself."""
    assert homeostat("turn", "--dry-run", "--config", shop).code == NothingReleased.exit

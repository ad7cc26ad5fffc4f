"""`homeostat split`."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import typer

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.cli.dividing import end
from homeostat.errors import NotFound, NothingReleased, NotReleasable, NoWorker
from homeostat.loop.durable import only_worker
from homeostat.release.rollout import open_shadow
from homeostat.release.split import Wish, ordered
from homeostat.store import Store
from homeostat.types.turn import DIVIDED, Turn


@pytest.fixture
def folder(shop: Path, store: Store) -> Path:
    """The project's folder, with a champion and two versions beside it."""
    champion(store, "first")
    version(store, "a")
    version(store, "b")
    return shop.parent / ".homeostat"


def test_a_split_is_ordered_of_the_worker(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """With everything that was asked, its end as a moment, and the shares told."""
    began = time.time()
    with only_worker(folder):
        ran = homeostat(
            *("split", "ver_b", "ver_a", "--share", "0.3", "--by", "rating", "--until", "2h", "--config", shop)
        )
    [turn] = store.turns.list("routing")
    assert (ran.code, turn.story, turn.diary) == (0, "split", {DIVIDED: "ver_b ver_a"})
    assert ran.out.startswith(f"{turn.id} is opened: ver_a 15.0")
    wish = ordered(store, turn.id)
    assert began + 7200 <= wish.until <= time.time() + 7200
    assert wish == Wish(versions=("ver_b", "ver_a"), share=0.3, until=wish.until, by="rating")
    assert [row.stage.value for row in store.releases.list("routing")] == ["full"]


def test_a_dry_run_tells_and_does_nothing(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """Without a worker too: who would answer what, and no row of it."""
    told = homeostat("split", "ver_a", "ver_b", "--dry-run", "--json", "--config", shop).json
    assert (told["dry_run"], told["release"]["stage"]) == (True, "split")
    assert told["release"]["shares"] == {"ver_a": pytest.approx(1 / 3), "ver_b": pytest.approx(1 / 3)}
    assert {"what": "ver_a", "before": "candidate", "after": "canary"} in told["changes"]
    out = homeostat("split", "ver_a", "--share", "0.3", "--until", "decided", "--dry-run", "--config", shop).out
    assert "ver_a 30.0" in out
    assert "the champion the rest; until it is decided" in out
    assert (store.turns.list("routing"), len(store.releases.list("routing"))) == ([], 1)


def test_as_a_document(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """The turn that looks after it; a split that may decide needs no end."""
    with only_worker(folder):
        found = homeostat("split", "ver_a", "--until", "decided", "--json", "--config", shop).json
    assert found["diary"] == {DIVIDED: "ver_a"}
    wish = ordered(store, found["id"])
    assert (wish.until, wish.promotes, wish.adaptive) == (0.0, True, False)


@pytest.mark.parametrize(
    "flags",
    [
        ("--share", "1"),
        ("--until", "soon"),
        ("--until", "2020-01-01"),
        ("--by", "magic"),
    ],
)
def test_what_is_no_share_and_no_end(
    homeostat: Run, shop: Path, store: Store, folder: Path, flags: tuple[str, str]
) -> None:
    """Wrong use, and nothing is opened."""
    assert homeostat("split", "ver_a", *flags, "--config", shop).code == 2
    assert store.turns.list("routing") == []


def test_what_cannot_be_split(homeostat: Run, shop: Path, store: Store, folder: Path) -> None:
    """What is not there, what answers already, what nobody would look after, and beside what is under way."""
    assert homeostat("split", "ver_none", "--config", shop).code == NotFound.exit
    assert homeostat("split", "ver_first", "--config", shop).code == NotReleasable.exit
    assert homeostat("split", "ver_a", "--config", shop).code == NoWorker.exit
    open_shadow(store, "routing", "ver_b", now=START + 9)
    err = homeostat("split", "ver_a", "--config", shop).err
    assert "ver_b is under way" in err
    assert "homeostat rollback routing" in err
    store.turns.put(Turn(id="trn_1", task="routing", time=START))
    assert "trn_1 is under way" in homeostat("split", "ver_a", "--config", shop).err


def test_nothing_to_stand_beside(homeostat: Run, shop: Path, store: Store) -> None:
    """Without a champion there is nothing to divide."""
    version(store, "a")
    assert homeostat("split", "ver_a", "--dry-run", "--config", shop).code == NothingReleased.exit


@pytest.mark.parametrize(
    ("until", "told"),
    [
        ("yesterday", ("write 30min, 2h", "a date such as", "or decided")),
        ("2026-13-01", ("month must be",)),
        ("2020-01-01", ("is over",)),
    ],
)
def test_an_end_that_is_none_is_told_with_what_would_be_one(until: str, told: tuple[str, ...]) -> None:
    """A span, a date or `decided`; what looks like a date is told as one."""
    with pytest.raises(typer.BadParameter) as problem:
        end(until)
    assert all(part in str(problem.value) for part in told)
    assert end("decided") == 0.0
    assert time.time() + 7100 < end("2h") <= time.time() + 7200

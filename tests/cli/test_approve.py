"""`homeostat approve`."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import START, version
from homeostat.errors import NotAwaited, NotFound
from homeostat.store import Store
from homeostat.types.turn import AWAITING, Turn


def waiting(store: Store, id: str = "trn_1", sign: str = "") -> Turn:
    """A turn that waits for a person, before its training, or before the release of a version."""
    diary = {"watch": "", **({"sign": sign} if sign else {})}
    turn = Turn(id=id, task="routing", time=START, state=AWAITING, because="retrain: it pays", diary=diary)
    store.turns.put(turn)
    return turn


def test_a_yes(homeostat: Run, shop: Path, store: Store) -> None:
    """The turn is open again, with who said so and why; a second answer is refused."""
    waiting(store)
    ran = homeostat("approve", "trn_1", "--who", "ana", "--why", "the catalog is out", "--config", shop)
    assert (ran.code, ran.out.strip()) == (0, "trn_1 is approved by ana: the catalog is out")
    assert (store.turns.get("trn_1").state, store.turns.get("trn_1").under_way) == ("open", True)
    assert homeostat("approve", "trn_1", "--config", shop).code == NotAwaited.exit


def test_a_no(homeostat: Run, shop: Path, store: Store) -> None:
    """Needs a reason; then the turn has ended."""
    waiting(store)
    assert homeostat("approve", "trn_1", "--reject", "--config", shop).code == 2
    ran = homeostat("approve", "trn_1", "--reject", "--who", "bo", "--why", "a holiday", "--json", "--config", shop)
    assert (ran.json["state"], ran.json["because"]) == ("approval", "rejected by bo: a holiday")


def test_a_release_is_signed_off(homeostat: Run, shop: Path, store: Store) -> None:
    """A turn that waits before its release answers like one that waits before its training."""
    waiting(store, "trn_1", sign="ver_new")
    ran = homeostat("approve", "trn_1", "--who", "ana", "--why", "read the card", "--config", shop)
    assert (ran.code, ran.out.strip()) == (0, "trn_1 is approved by ana: read the card")
    assert store.turns.get("trn_1").diary["signed"] == "approved by ana: read the card"
    version(store, "other")
    waiting(store, "trn_2", sign="ver_other")
    ran = homeostat("approve", "trn_2", "--reject", "--who", "bo", "--why", "too slow", "--config", shop)
    assert (ran.code, ran.out.strip()) == (0, "trn_2 is rejected by bo: too slow")
    assert store.versions.get("ver_other").state == "refused"


def test_what_waits(homeostat: Run, shop: Path, store: Store) -> None:
    """Without a turn, all that wait, in a table or as a document; the user of the machine answers where nobody is
    named.
    """
    waiting(store)
    waiting(store, "trn_2")
    out = homeostat("approve", "--config", shop).out
    assert "trn_1" in out
    assert "retrain: it pays" in out
    assert [one["id"] for one in homeostat("approve", "--json", "--config", shop).json] == ["trn_1", "trn_2"]
    assert homeostat("approve", "trn_2", "--config", shop).out.startswith("trn_2 is approved by ")
    assert homeostat("approve", "trn_none", "--config", shop).code == NotFound.exit

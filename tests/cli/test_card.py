"""Cards on the command line."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import champion
from homeostat.errors import NotFound, NotText, Tampered
from homeostat.store import Store


def test_a_card_is_printed_written_and_recognized(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """What is printed is what is written; the file is recognized later, and one with a letter changed is not."""
    champion(store, "a")
    file = tmp_path / "card.md"
    printed = homeostat("card", "ver_a", "--config", shop)
    assert "# ver_a" in printed.out
    assert store.audit.list("ver_a")[-1].what != "card"
    assert homeostat("card", "ver_a", "--out", file, "--config", shop).code == 0
    assert file.read_text() == printed.out
    assert homeostat("card", "ver_a", "--check", file, "--config", shop).code == 0
    file.write_text(printed.out.replace("never compared", "compared"))
    refused = homeostat("card", "ver_a", "--check", file, "--config", shop)
    assert refused.code == Tampered.exit
    assert "1 were written" in refused.err
    assert homeostat("card", "ver_a", "--check", tmp_path, "--config", shop).code == NotText.exit


def test_as_json(homeostat: Run, shop: Path, store: Store) -> None:
    """Programs get what the card is made of; an id that there is not is refused."""
    champion(store, "a")
    assert homeostat("card", "ver_a", "--json", "--config", shop).json["version"]["state"] == "live"
    assert homeostat("card", "ver_b", "--config", shop).code == NotFound.exit


def test_as_json_does_what_it_does_without(homeostat: Run, shop: Path, store: Store, tmp_path: Path) -> None:
    """A card is written beside the document, and whether a file is one is told as a document."""
    champion(store, "a")
    file = tmp_path / "card.md"
    assert homeostat("card", "ver_a", "--out", file, "--json", "--config", shop).json["version"]["id"] == "ver_a"
    assert file.read_text() == homeostat("card", "ver_a", "--config", shop).out
    told = homeostat("card", "ver_a", "--check", file, "--json", "--config", shop).json
    assert told == {"id": "ver_a", "file": str(file), "written_here": True}

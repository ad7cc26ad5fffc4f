"""What doctor finds of the base under who answers."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import champion
from homeostat.cli.check import Level
from homeostat.cli.exchanged import base
from homeostat.config.load import load
from homeostat.llm.content import bytes_of, folder_of
from homeostat.release.proven import vouch
from homeostat.store import Store
from homeostat.types.report import Base

OTHER = Base(name="builtin", content="0" * 64)


def test_nothing_answers_yet(shop: Path) -> None:
    """Then nothing stands on a base, and no store is made for the look; nor is there anything with an empty one."""
    config = load(shop)
    assert (base(config).level, base(config).found) == (Level.OK, "nothing answers yet")
    assert not Path(config.folder).exists()
    Store.open(config.database, config.blobs).close()
    assert base(config).found == "nothing answers yet"


def test_who_answers_stands_on_what_was_proven(shop: Path, store: Store) -> None:
    """Of a version from before bases were hashed nothing is known, which is no fault; else the bytes are compared."""
    made = champion(store, "old")
    assert "nobody wrote down over which bytes ver_old was proven" in base(load(shop)).found
    vouch(store, made, bytes_of(store, "builtin"))
    check = base(load(shop))
    assert (check.level, check.found) == (Level.OK, "ver_old: the bytes that it was proven over")


def test_an_exchanged_base_fails(homeostat: Run, shop: Path, store: Store) -> None:
    """It says what, where and how to mend it, until a person vouches for what is here."""
    shop.write_text(shop.read_text() + "gateway: {port: 0}\n")
    vouch(store, champion(store, "old"), OTHER)
    ran = homeostat("doctor", "--config", shop, "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    (check,) = [one for one in ran.json["checks"] if one["name"] == "base"]
    assert check["level"] == "fail"
    assert "E407 ver_old was proven over builtin as it was then (sha256 000000000000…), and here" in check["found"]
    assert f"({folder_of('builtin')})" in check["found"]
    assert "`homeostat promote ver_old`" in check["fix"]
    assert homeostat("promote", "ver_old", "--because", "for a test", "--config", shop).code == 0
    assert base(load(shop)).level is Level.OK

"""A version rehearsed from the command line, before it is released."""

from __future__ import annotations

from pathlib import Path

from cli.conftest import Run
from cli.scenes import champion, request, version
from homeostat.config.load import load
from homeostat.errors import EmptyStream, NotFound
from homeostat.store import Store

LABELS = ("refund", "delivery")


def log(small: Path, n: int) -> None:
    settings = load(small)
    with Store.open(settings.database, settings.blobs) as store:
        champion(store, "old", labels=LABELS)
        version(store, "new", labels=LABELS)
        for k in range(n):
            request(store, k, "ver_old", "refund" if k % 2 else "")


def test_what_it_would_do_live(homeostat: Run, small: Path) -> None:
    """Behaviors with what is expected of the live requests, and changes; as a table too."""
    log(small, 40)
    found = homeostat("rehearse", "ver_new", "--live", 500, "--config", small, "--json").json
    assert (found["requests"], found["live"]) == (40, 500)
    assert found["behaviors"]["wrong"]["live"] == 250
    told = found["behaviors"]["differs"]
    assert told["low"] <= told["expected"] <= told["high"] <= 500
    assert (told["seen"]["mean"] == 0) == (found["changes"] == [])
    ran = homeostat("rehearse", "ver_new", "--config", small)
    assert ran.code == 0
    assert "expected live" in ran.out
    assert "what changes" in ran.out


def test_what_is_refused(homeostat: Run, small: Path) -> None:
    """A log with too few requests, fewer than a rehearsal takes, and a version that is not there."""
    log(small, 5)
    ran = homeostat("rehearse", "ver_new", "--config", small)
    assert (ran.code, "fewer than 20 requests that ver_new has not learned" in ran.err) == (EmptyStream.exit, True)
    assert homeostat("rehearse", "ver_new", "--rows", 10, "--config", small).code == 2
    assert homeostat("rehearse", "ver_nwe", "--config", small).code == NotFound.exit

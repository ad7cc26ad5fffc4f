"""Keeping alerts quiet."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cli.conftest import Run
from homeostat.errors import UnknownKey
from homeostat.store import Store


def test_a_silence_is_kept_with_its_reason(homeostat: Run, shop: Path, store: Store) -> None:
    """It holds from now for as long as was said, and names what it keeps quiet."""
    ran = homeostat(
        *("alerts", "silence", "--task", "routing", "--kind", "mix", "--for", "2h", "--why", "known", "--config", shop)
    )
    assert ran.code == 0
    (made,) = store.silences.in_force(time.time())
    assert (made.task, made.kind, made.slice, made.why) == ("routing", "mix", "", "known")
    assert made.until - made.time == 7200.0
    assert ran.out.startswith(f"{made.id}: routing mix is quiet until ")


def test_everything_may_be_silenced(homeostat: Run, shop: Path, store: Store) -> None:
    """Without a task, a kind or a slice; as JSON the row itself."""
    made = homeostat("alerts", "silence", "--for", "30min", "--why", "moving", "--config", shop, "--json").json
    assert (made["task"], made["kind"], made["slice"]) == ("", "", "")
    assert store.silences.get(made["id"]).why == "moving"
    assert "everything is quiet" in homeostat("alerts", "silence", "--for", "1s", "--why", "x", "--config", shop).out
    sliced = homeostat("alerts", "silence", "--slice", "a=b", "--for", "1h", "--why", "x", "--config", shop, "--json")
    assert sliced.json["slice"] == "a=b"


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (("--for", "2", "--why", "x"), 2, "not a span of time"),
        (("--for", "2h"), 2, "--why"),
        (("--for", "2h", "--why", " "), 2, "say why"),
        (("--why", "x"), 2, "--for"),
        (("--for", "2h", "--why", "x", "--kind", "mxi"), 2, "did you mean 'mix'"),
        (("--for", "2h", "--why", "x", "--task", "routin"), UnknownKey.exit, "did you mean 'routing'"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_silenced(
    homeostat: Run, shop: Path, store: Store, given: tuple[str, ...], code: int, said: str
) -> None:
    """A misspelled task would be a silence that keeps nothing quiet."""
    ran = homeostat("alerts", "silence", *given, "--config", shop)
    assert ran.code == code
    assert said in " ".join(ran.err.replace("│", " ").split())
    assert store.silences.list() == []

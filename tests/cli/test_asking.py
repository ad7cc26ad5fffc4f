"""Asking the worker for a turn, without the command line around it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli.scenes import START, champion, request
from homeostat.cli.asking import FAILED, ask, require_worker
from homeostat.cli.project import project
from homeostat.errors import NoWorker
from homeostat.loop import tending
from homeostat.loop.durable import only_worker
from homeostat.store import Store


def test_a_worker_is_one_who_holds_the_lock(shop: Path, store: Store) -> None:
    """Without one, an error that says what follows once there is one."""
    with project(shop) as opened:
        with pytest.raises(NoWorker) as caught:
            require_worker(opened, "nobody is there", ", then wave")
        assert (caught.value.what, caught.value.fix) == ("nobody is there", "start one with `homeostat up`, then wave")
        with only_worker(shop.parent / ".homeostat"):
            require_worker(opened)


def test_a_turn_is_asked_for_once(shop: Path, store: Store) -> None:
    """The one under way is the answer while there is one; a new one looks up to the newest label."""
    champion(store, "first")
    request(store, 1, "ver_first", said="refund")
    with project(shop) as opened:
        first, new = ask(opened, "routing")
        assert (new, first.state, first.time) == (True, "open", START + 101)
        assert ask(opened, "routing") == (first, False)
        assert ask(opened, "routing", by="ana") == (first, False)  # who comes late wants nothing else of it
        store.turns.put(replace(first, state="decide"))
        wanted, _ = ask(opened, "routing", 7.0, by="ana")
    assert store.turns.list("routing") == [replace(first, state="decide"), wanted]
    assert (wanted.time, wanted.diary, wanted.story) == (7.0, {"asked": "ana"}, "turn")


def test_failed_is_what_the_loop_calls_it() -> None:
    """The word is written twice, so that asking need not read the model library."""
    assert FAILED == tending.FAILED

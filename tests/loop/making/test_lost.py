"""What a turn has taken for nothing."""

from __future__ import annotations

from pathlib import Path

from homeostat.loop.making.lost import losses, lost
from homeostat.store import Store


def test_it_is_told_once_for_each_time(tmp_path: Path) -> None:
    """In order, of this turn alone, and of nothing else that happened in it."""
    with Store.open(f"sqlite:///{tmp_path / 'h.db'}", tmp_path / "blobs") as store:
        lost(store, "trn_a", "between", {"flops": 1.0})
        store.events.append("trn_a", "begin", {"step": "train.between"})
        lost(store, "trn_a", "between", {"flops": 2.0})
        lost(store, "trn_b", "between", {"flops": 4.0})
        assert [cost["flops"] for cost in losses(store, "trn_a")] == [1.0, 2.0]
        assert losses(store, "trn_none") == []

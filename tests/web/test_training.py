"""What a run reported beside its losses, as small charts."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from homeostat.store import Store
from homeostat.web import training

LOOKS = [
    {"step": 10.0, "loss": 1.0, "held_out": 1.2, "lr": 2e-3, "gradient_norm": 3.0, "mfu": 0.2, "memory_bytes": 2.5e9},
    {"step": 20.0, "loss": 0.5, "held_out": 0.9, "lr": 1e-4, "gradient_norm": 0.5, "mfu": 0.3, "memory_bytes": 2.5e9},
]


def test_each_gauge_has_a_chart_with_words() -> None:
    """Its last and its highest number in its own unit, XML with a title; what nobody has read has none."""
    cells = training.gauges("ver_a", training.course(LOOKS))
    assert [cell["name"] for cell in cells] == [
        "Learning rate", "Gradient norm", "Share of the machine's peak", "Memory",
    ]  # fmt: skip
    assert [cell["says"].replace("\u202f", " ") for cell in cells] == [
        "last 1.0 × 10⁻⁴, highest 0.002", "last 0.5, highest 3", "last 30.0 %, highest 30.0 %",
        "last 2.5 GB, highest 2.5 GB",
    ]  # fmt: skip
    for cell in cells:
        assert ElementTree.fromstring(cell["svg"])[0].text == f"{cell['name']} of ver_a"


def test_axes_are_read_as_they_are_written() -> None:
    """Memory in millions of bytes, a share in percent: no axis of nine digits, and none of zeros."""
    share, memory = training.gauges("ver_a", training.course(LOOKS))[2:]
    assert (share["unit"], memory["unit"]) == ("in percent", "in MB")
    assert "2,000" in memory["svg"]
    assert "2,500,000,000" not in memory["svg"]
    assert ">20<" in share["svg"]


def test_what_is_not_known_is_left_out() -> None:
    """Of a run from before it was reported there is a course of nothing, and no chart."""
    old = [{"step": 10.0, "loss": 1.0, "held_out": -1.0}]
    assert training.losses(old) == old
    assert training.course(old)[0] == dict.fromkeys(training.COURSE) | {"step": 10.0}
    assert training.gauges("ver_a", training.course(old)) == []
    assert training.gauges("ver_a", []) == []


def test_looks_are_those_of_the_run(tmp_path: Path) -> None:
    """Events of other names and of other versions are none of it; nor is there a run of nobody."""
    store = Store.open(f"sqlite:///{tmp_path / 's.db'}", tmp_path / "blobs")
    store.events.append("ver_a", "training", {"step": 10.0, "lr": 0.1})
    store.events.append("ver_a", "other", {"step": 11.0})
    store.events.append("ver_b", "training", {"step": 12.0})
    assert [look["step"] for look in training.looks(store, "ver_a")] == [10.0]
    assert training.looks(store, "") == []
    store.close()

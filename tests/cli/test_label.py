"""`homeostat label`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import champion, request
from homeostat.errors import BadStream
from homeostat.store import Store


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        """It is."""
        return True


@pytest.fixture
def answered(store: Store) -> Store:
    """Six requests that a version answered and nobody labeled."""
    champion(store, "old", labels=("refund", "delivery"))
    for number in range(6):
        request(store, number, "ver_old")
    return store


def test_labeled_at_the_terminal(homeostat: Run, shop: Path, answered: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enter takes the reply, a line is the label, a misspelled one is asked again, and the rest waits."""
    monkeypatch.setattr("sys.stdin", Terminal("\n-\ndelivry\nno\ndelivery\nhologram\n.\n"))
    out = homeostat("label", "--by", "ann", "--n", 6, "--config", shop).out
    assert "1 of 6" in out
    assert "did you mean 'delivery'?" in out
    assert sorted(f.value for _, f in answered.interactions.labeled("routing")) == ["delivery", "hologram", "refund"]
    waiting = homeostat("label", "--n", 9, "--json", "--config", shop).json["requests"]
    assert len(waiting) == 3


def test_what_was_said_before_an_interrupt_is_kept(
    homeostat: Run, shop: Path, answered: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the third request: two labels stand, and four requests wait for theirs."""

    class Interrupted(Terminal):
        def readline(self, size: int | None = -1, /) -> str:
            if line := super().readline(-1):
                return line
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Interrupted("\ndelivery\n"))
    assert homeostat("label", "--by", "ann", "--config", shop).code != 0
    assert sorted(f.value for _, f in answered.interactions.labeled("routing")) == ["delivery", "refund"]
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert len(homeostat("label", "--json", "--config", shop).json["requests"]) == 4


def test_labeled_elsewhere(homeostat: Run, shop: Path, answered: Store, tmp_path: Path) -> None:
    """Printed, and taken back; a file with one bad line changes nothing."""
    printed = homeostat("label", "--json", "--hold", "--n", 4, "--config", shop).json
    assert printed["task"] == "routing"
    assert printed["labels"] == ["delivery", "refund"]
    lines = [{"interaction": one["interaction"], "value": "refund"} for one in printed["requests"]]
    file = tmp_path / "labels.jsonl"
    file.write_text("\n".join(map(json.dumps, [*lines, {"interaction": "int_none", "value": "refund"}])))
    ran = homeostat("label", "--take", file, "--config", shop)
    assert ran.code == BadStream.exit
    assert "line 5" in ran.err
    assert answered.interactions.labeled("routing") == []
    file.write_text("\n".join(map(json.dumps, lines)))
    done = homeostat("label", "--take", file, "--by", "ann", "--json", "--config", shop).json
    assert done == {"task": "routing", "by": "ann", "labeled": 4, "warnings": []}
    assert {f.source for _, f in answered.interactions.labeled("routing")} == {"ann", "picked, by ann"}
    assert homeostat("label", "--take", file, "--config", shop).code == BadStream.exit


def test_what_was_printed_is_taken_back(homeostat: Run, shop: Path, answered: Store, tmp_path: Path) -> None:
    """A value written into the printed document is enough; requests without one wait, and a slip is told."""
    file = tmp_path / "open.json"
    printed = homeostat("label", "--json", "--hold", "--n", 4, "--config", shop).json
    file.write_text(json.dumps(printed))
    ran = homeostat("label", "--take", file, "--config", shop)
    assert ran.code == BadStream.exit
    assert 'write a "value" into its requests' in ran.err
    printed["requests"][0]["value"], printed["requests"][1]["value"] = "delivry", "delivery"
    file.write_text(json.dumps(printed, indent=2))
    ran = homeostat("label", "--take", file, "--config", shop)
    assert "label 'delivry' is new; did you mean 'delivery'?" in ran.err
    assert sorted(f.value for _, f in answered.interactions.labeled("routing")) == ["delivery", "delivry"]
    assert len(homeostat("label", "--n", 9, "--json", "--config", shop).json["requests"]) == 4


def test_a_look_is_harmless(homeostat: Run, shop: Path, answered: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Printed without `--hold`, or shown to somebody who says nothing, none is held; the next look is the same."""
    before = {key: answered.state.get(key) for key in answered.state.keys("")}
    looked = homeostat("label", "--json", "--n", 5, "--config", shop).json["requests"]
    assert len(looked) == 5
    monkeypatch.setattr("sys.stdin", Terminal(".\n"))
    homeostat("label", "--n", 6, "--config", shop)
    assert {key: answered.state.get(key) for key in answered.state.keys("")} == before
    assert homeostat("label", "--json", "--n", 5, "--config", shop).json["requests"] == looked


def test_labels_of_a_look_are_taken_with_a_warning(homeostat: Run, shop: Path, answered: Store, tmp_path: Path) -> None:
    """They teach; what chance would have drawn is not measured by, for nobody wrote down that it did."""
    printed = homeostat("label", "--json", "--n", 4, "--config", shop).json
    for one in printed["requests"]:
        one["value"] = "refund"
    file = tmp_path / "open.json"
    file.write_text(json.dumps(printed))
    done = homeostat("label", "--take", file, "--by", "ann", "--json", "--config", shop).json
    assert done["labeled"] == 4
    assert done["warnings"] == ["4 of 4 were not held (`--hold`): they teach, and nothing is measured by them"]
    assert {f.source for _, f in answered.interactions.labeled("routing")} == {"picked, by ann"}
    assert answered.interactions.labeled("routing", measuring=True) == []

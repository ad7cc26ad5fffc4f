"""`homeostat judge`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.conftest import Run
from homeostat.errors import BadStream, EmptyStream
from homeostat.store import Store
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction


@pytest.fixture
def rated(store: Store) -> None:
    """Forty replies, every fourth of them wrong, labeled and rated."""
    store.interactions.add(
        Interaction(id=f"int_{k:03}", task="routing", time=float(k), text=f"text {k}", reply="a", version="ver_1")
        for k in range(40)
    )
    store.feedback.add(
        Feedback(
            id=f"fbk_l{k:03}", interaction=f"int_{k:03}", kind=FeedbackKind.LABEL, value="ab"[k % 4 == 0], time=50.0
        )
        for k in range(40)
    )
    store.feedback.add(
        Feedback(
            id=f"fbk_r{k:03}",
            interaction=f"int_{k:03}",
            kind=FeedbackKind.RATING,
            value="0.9",
            time=51.0,
            source="judge",
        )
        for k in range(40)
    )


@pytest.mark.slow
@pytest.mark.usefixtures("rated")
def test_a_judge_from_anchors_to_its_change(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """Printed without people's verdicts, scored by the judge, read again; and another scale is said to be another."""
    lines = homeostat("judge", "--anchors", "--n", 20, "--config", shop).out.splitlines()
    given = [json.loads(line) for line in lines]
    assert len(given) == 20
    assert set(given[0]) == {"anchor", "text", "reply"}
    file = tmp_path / "scores.jsonl"

    def take(mild: float) -> str:
        score = [{"anchor": one["anchor"], "score": 0.3 + mild + 0.01 * k} for k, one in enumerate(given)]
        file.write_text("\n".join(map(json.dumps, score)))
        ran = homeostat("judge", "--take", file, "--config", shop)
        assert ran.code == 0
        return ran.out

    assert "the first look" in take(0.0)
    assert all("as it was" in take(0.0) for _ in range(2))
    assert any("CHANGED" in take(0.3) for _ in range(3))
    document = homeostat("judge", "--json", "--config", shop).json
    (one,) = document["judges"]
    assert (one["judge"], one["ratings"], one["because"]) == ("judge", 40, "judge_anchors")
    assert "judge anchors" in homeostat("judge", "--config", shop).out


def test_without_labels_there_is_no_anchor(homeostat: Run, shop: Path, store: Store) -> None:
    """It says so, and an empty table where nobody judges."""
    assert homeostat("judge", "--anchors", "--config", shop).code == EmptyStream.exit
    assert homeostat("judge", "--config", shop).code == 0


@pytest.mark.usefixtures("rated")
def test_scores_that_are_none(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """Each with its line."""
    file = tmp_path / "scores.jsonl"
    for text in ("", "{", '{"anchor": "int_001", "score": 2}', '{"anchor": "int_999", "score": 0.5}'):
        file.write_text(text)
        assert homeostat("judge", "--take", file, "--config", shop).code == BadStream.exit


@pytest.mark.usefixtures("rated")
def test_a_judge_that_nobody_knows(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """What is no judge's name is refused; one that has rated nothing beside one that has is told of, once."""
    (first, *_) = homeostat("judge", "--anchors", "--n", 10, "--config", shop).out.splitlines()
    file = tmp_path / "scores.jsonl"
    file.write_text(json.dumps({"anchor": json.loads(first)["anchor"], "score": 0.7}))
    assert homeostat("judge", "--take", file, "--by", "large", "--config", shop).code == 2
    assert (
        "'judge:1' has rated nothing so far"
        in homeostat("judge", "--take", file, "--by", "judge:1", "--config", shop).err
    )
    assert homeostat("judge", "--take", file, "--by", "judge:1", "--config", shop).err == ""
    assert homeostat("judge", "--take", file, "--config", shop).err == ""

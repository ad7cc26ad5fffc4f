"""Beginning a task with a few examples, and two such versions as one, from the command line."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from cli.conftest import Run
from cli.scenes import SAID, START
from homeostat.config.load import load
from homeostat.errors import LeakedAnswer, NothingToTrainOn, UnsuitedModel
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types.version import ENSEMBLE, HEAD, State


def examples(path: Path, number: int) -> Path:
    """One example of each label, as a stream."""
    rows = [{"text": texts[number], "label": label, "time": START} for label, texts in SAID.items()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_few_examples_and_two_such_versions_as_one(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """A dry run writes nothing; then a head is a candidate that answers with the labels. Two of them, registered as
    one, are a candidate too, which is measured by the gate beside the one that answers, promoted, and found sound.
    """
    shop = Workshop.open(load(small))
    made = []
    for number in range(2):
        given = ("few", "routing", "--stream", examples(tmp_path / f"{number}.jsonl", number), "--config", small)
        told = homeostat(*given, "--dry-run", "--json").json
        assert (told["examples"], told["labels"]) == (2, 2)
        assert len(shop.store.versions.list()) == number
        made.append(homeostat(*given, "--json").json["version"])
        assert "learned" in homeostat(*given).out
    head = shop.store.versions.get(made[0])
    assert (head.kind, head.state, set(head.labels)) == (HEAD, State.CANDIDATE, set(SAID))
    assert homeostat("promote", made[0], "--config", small).code == 0
    assert homeostat("ensemble", *made, "--keep", "--how", "average", "--config", small).code != 0
    kept = homeostat("ensemble", *made, "--keep", "--how", "product", "--config", small, "--json").json
    assert (kept["kind"], kept["state"], kept["recipe"]["of"]) == (ENSEMBLE, "candidate", made)
    assert kept["id"] in homeostat("ensemble", *made, "--keep", "--how", "product", "--config", small).out
    exams = [Exam(text=f"{text} please", target=label, time=START) for label, texts in SAID.items() for text in texts]
    shop.put_suite("routing", exams)
    beside = homeostat("eval", kept["id"], "--config", small)
    assert beside.code == 0, beside.err
    assert "6" in beside.out
    assert homeostat("promote", kept["id"], "--config", small).code == 0
    assert shop.champion("routing").id == kept["id"]
    replies = shop.answers(shop.config.task("routing"), shop.champion("routing"), [exam.text for exam in exams])
    assert {reply.text for reply in replies} <= set(SAID)
    assert any(reply.disagreement > 0 for reply in replies)
    assert homeostat("verify", "--config", small).code == 0
    shop.close()


def test_every_example_is_learned(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Of a file that names no splits none is put aside, be they five or twelve; what is marked for testing is, and
    what the task's suite asks.
    """
    file, said = tmp_path / "s.jsonl", [*SAID["refund"], *SAID["delivery"]]
    rows = [{"text": f"{said[k % 6]} {k * 7919}", "label": f"queue_{k}", "time": START + k} for k in range(12)]

    def learned(some: list[dict[str, object]]) -> tuple[int, int]:
        file.write_text("".join(json.dumps(row) + "\n" for row in some))
        told = homeostat("few", "routing", "--stream", file, "--config", small, "--dry-run", "--json").json
        return told["examples"], told["labels"]

    assert (learned(rows[:5]), learned(rows)) == ((5, 5), (12, 12))
    assert learned([row | {"split": "test" if k == 4 else "history"} for k, row in enumerate(rows)]) == (11, 11)
    with closing(Workshop.open(load(small))) as shop:
        shop.put_suite("routing", [Exam(text=str(rows[3]["text"]), target="queue_3", time=START)])
    assert learned(rows) == (11, 11)


def test_requests_that_say_their_label_are_refused(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """As for every other training, before anything is written."""
    rows = [{"text": f"{k} {label} asked", "label": label, "time": START} for k in range(30) for label in SAID]
    file = tmp_path / "leak.jsonl"
    file.write_text(
        "".join(json.dumps({**row, "text": f"{row['text']}, label: {row['label']}"}) + "\n" for row in rows)
    )
    found = homeostat("few", "routing", "--stream", file, "--config", small)
    assert found.code == LeakedAnswer.exit
    assert "label: " in found.err
    shop = Workshop.open(load(small))
    assert shop.store.versions.list() == []
    shop.close()


def test_what_is_refused(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Both sources, none, a task of texts, and a label without an example whose name may not count."""
    file = examples(tmp_path / "s.jsonl", 0)
    assert homeostat("few", "routing", "--stream", file, "--dataset", "dst_a", "--config", small).code == 2
    assert homeostat("few", "routing", "--config", small).code == NothingToTrainOn.exit
    replies = tmp_path / "replies.jsonl"
    replies.write_text("".join(json.dumps({**json.loads(row), "reply": "yes"}) + "\n" for row in file.open()))
    assert homeostat("few", "replies", "--stream", replies, "--config", small).code == UnsuitedModel.exit

"""`homeostat eval --detail`: every figure of a version, alone and beside another one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.conftest import Run
from cli.scenes import START, champion, version
from homeostat.cli.detailed import show
from homeostat.config.load import load
from homeostat.errors import NotReleasable, NotText, WrongType
from homeostat.evaluate.brought import METRICS
from homeostat.evaluate.detail import detail
from homeostat.evaluate.figures import Told
from homeostat.llm.memory import Held
from homeostat.loop.asking.detail import Compared, Effort, Found
from homeostat.loop.asking.memory import of_runs
from homeostat.loop.workshop import Exam, Workshop
from homeostat.types.feedback import Feedback, FeedbackKind
from homeostat.types.interaction import Interaction
from homeostat.types.task import Kind

LABELS = ("refund", "delivery")


@pytest.fixture
def workshop(small: Path) -> Iterator[Workshop]:
    """A champion that knows one label, a candidate that knows two, test rows of eight users, and traffic of the
    champion that a judge has rated.
    """
    shop = Workshop.open(load(small))
    champion(shop.store, "old", labels=LABELS[:1])
    version(shop.store, "new", labels=LABELS, time=START + 60)
    tags = [{"language": "de" if k % 3 else "en", "user": f"user{k % 8}"} for k in range(48)]
    shop.put_suite(
        "routing", [Exam(text=f"row {k}", target=LABELS[k % 2], time=START + k, tags=tags[k]) for k in range(48)]
    )
    rows = [
        Interaction(
            id=f"int_{k:03}",
            task="routing",
            time=START + k,
            text=f"asked {k}",
            reply="refund",
            version="ver_old",
            episode=f"episode{k // 2}",
            reply_tokens=1,
            latency_ms=10.0 + k,
        )
        for k in range(40)
    ]
    shop.store.interactions.add(rows)
    rated = [
        Feedback(
            id=f"fbk_j{k:03}",
            interaction=row.id,
            kind=FeedbackKind.RATING,
            value=str(0.9 - 0.5 * (k % 4 == 0)),
            time=row.time + 1,
            source="judge:large",
        )
        for k, row in enumerate(rows)
    ]
    said = [
        Feedback(
            id=f"fbk_p{k:03}", interaction=row.id, kind=FeedbackKind.LABEL, value=LABELS[k % 4 == 0], time=row.time + 2
        )
        for k, row in enumerate(rows[:24])
    ]
    shop.store.feedback.add([*rated, *said])
    yield shop
    shop.close()


def test_the_champion_alone(homeostat: Run, small: Path, workshop: Workshop, tmp_path: Path) -> None:
    """Figures, classes, confusions, slices, latency, judges; the whole matrix in the document, and drawn."""
    plot = tmp_path / "confusions.svg"
    found = homeostat("eval", "ver_old", "--detail", "--plot", plot, "--config", small, "--json").json["mine"]
    told = found["detail"]
    assert (told["rows"], told["clusters"]) == (40, 8)  # the world has shown no more than 40 rows by the newest request
    assert (told["figures"]["accuracy"]["mean"], told["figures"]["accuracy"]["n"]) == (0.5, 40)
    assert told["figures"]["macro F1"]["mean"] == pytest.approx(1 / 3)
    assert (told["labels"], told["confusion"]) == (["delivery", "refund"], [[0, 20], [0, 20]])
    assert told["classes"]["delivery"]["precision"] is None
    assert told["confusions"][0] | {"share": None} == {
        "target": "delivery",
        "said": "refund",
        "rows": 20,
        "share": None,
    }
    assert set(told["slices"]) == {"language=de", "language=en"}  # a user's name is no slice
    assert found["effort"]["latency_ms"]["p50"]["mean"] == 29.0
    assert found["effort"]["latency_ms"]["p99"]["high"] is None  # too few requests to know
    (judge,) = found["judges"]
    assert (judge["judge"], judge["ratings"]["n"], judge["people"]["n"]) == ("judge:large", 40, 24)
    assert judge["kappa"]["mean"] == 1.0
    assert judge["corrected"]["mean"] == pytest.approx(0.75, abs=0.05)
    assert "delivery → refund: 20 of 20" in plot.read_text()
    out = homeostat("eval", "ver_old", "--detail", "--config", small).out
    for word in (
        "macro F1",
        "calibration error",
        "language=de",
        "confusions",
        "latency p95",
        "judge:large",
        "40 rows of 8 users or episodes",
    ):
        assert word in out


def test_beside_the_champion(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """The same of both, with paired differences, in every slice; and nothing is written."""
    found = homeostat("eval", "ver_new", "--detail", "--config", small, "--json").json
    mine, theirs, apart = (found[side] for side in ("mine", "other", "difference"))
    figures = mine["detail"]["figures"], theirs["detail"]["figures"]
    for name in ("accuracy", "macro F1", "Brier score"):
        assert apart["figures"][name]["mean"] == pytest.approx(figures[0][name]["mean"] - figures[1][name]["mean"])
        assert apart["figures"][name]["low"] <= apart["figures"][name]["mean"] <= apart["figures"][name]["high"]
    assert set(apart["slices"]) == {"language=de", "language=en"}
    assert "difference" in homeostat("eval", "ver_new", "--detail", "--config", small).out
    assert workshop.store.reports.list() == []


def test_texts(homeostat: Run, small: Path, workshop: Workshop, tmp_path: Path) -> None:
    """What a version writes is held against the right replies, and against a schema."""
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"type": "object"}))
    champion(workshop.store, "writer", task="replies")
    rows = [Exam(text=f"ask {k}", target=f"reply number {k}", time=START) for k in range(6)]
    workshop.put_suite("replies", rows)
    found = homeostat("eval", "ver_writer", "--schema", schema, "--config", small, "--json").json
    figures = found["mine"]["detail"]["figures"]
    assert {"chrF", "BLEU", "ROUGE-1", "ROUGE-2", "ROUGE-L", "token F1", "exact match", "perplexity", "schema"} <= set(
        figures
    )
    assert figures["perplexity"]["mean"] > 1.0
    assert (figures["schema"]["mean"], figures["schema"]["n"]) == (0.0, 6)
    schema.write_text('{"type": "objekt"}')
    assert homeostat("eval", "ver_writer", "--detail", "--schema", schema, "--config", small).code == WrongType.exit
    ran = homeostat("eval", "ver_writer", "--detail", "--schema", tmp_path / "none.json", "--config", small)
    assert ran.code == NotText.exit


def test_versions_of_two_tasks_are_not_compared(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """In detail as little as by the gate; and the gate's words are left as they were."""
    version(workshop.store, "other", task="replies")
    ran = homeostat("eval", "ver_new", "--against", "ver_other", "--detail", "--config", small)
    assert ran.code == NotReleasable.exit
    out = homeostat("eval", "ver_new", "--config", small).out
    assert any(line.partition(":")[0] in {"pass", "fail", "unsure"} for line in out.splitlines())


def test_what_cannot_be_written(homeostat: Run, small: Path, workshop: Workshop, tmp_path: Path) -> None:
    """A drawing in a folder that is not there is an error with the file's name."""
    plot = tmp_path / "nowhere" / "confusions.svg"
    ran = homeostat("eval", "ver_old", "--detail", "--plot", plot, "--config", small)
    assert ran.code == NotText.exit
    assert str(plot) in ran.err


def test_few_rows_have_no_slices_and_no_requests_no_latency(homeostat: Run, small: Path, workshop: Workshop) -> None:
    """A candidate that nobody asked, on rows without tags: figures and classes, and nothing more."""
    rows = [Exam(text=f"row {k}", target=LABELS[k % 2], time=START) for k in range(6)]
    workshop.put_suite("routing", rows)
    found = homeostat("eval", "ver_new", "--detail", "--config", small, "--json").json["mine"]
    assert (found["detail"]["slices"], found["detail"]["clusters"]) == ({}, 6)
    assert (found["effort"]["requests"], found["effort"]["latency_ms"], found["judges"]) == (0, {}, [])
    out = homeostat("eval", "ver_new", "--against", "ver_new", "--detail", "--config", small).out
    assert "latency" not in out
    assert "difference" not in out


def test_memory_is_told_where_it_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """In megabytes, the most with its interval and of what it is; nothing where it was not measured."""
    of = detail(Kind.LABEL, [Told(target="x", said="x") for _ in range(12)], {})
    effort = Effort(requests=0, latency_ms={}, tokens_per_s=None)
    held = [
        Held(
            base=27_400_000, version=1_200_000, libraries=300_000_000, loaded=350_000_000, device=0, requests=9, peak=p
        )
        for p in (410_000_000, 412_000_000, 414_000_000)
    ]
    found = Found(version="ver_a", detail=of, effort=effort, judges=(), memory=of_runs(held))
    show(Compared(mine=found, other=Found(version="ver_b", detail=of, effort=effort, judges=())))
    out = capsys.readouterr().out.replace("\u202f", " ")
    assert "ver_a, answering nine requests" in out
    assert "27.4 MB" in out
    assert "most of this machine's memory" in out
    assert "412 MB (407 MB to 417 MB, n = 3)" in out
    assert "ver_b, answering" not in out


def test_a_metric_of_a_package_is_told(
    homeostat: Run, small: Path, workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the table and the document, of both versions with the difference; one that breaks is a line."""
    (tmp_path / "brevities.py").write_text(
        "def letters(request, reply, right):\n    return len(reply)\n"
        "def rotten(request, reply, right):\n    raise OSError('no dictionary')\n"
    )
    info = tmp_path / "brevities-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brevities\nVersion: 1.0\n")
    lines = "[homeostat.metrics]\nletters = brevities:letters\nrotten = brevities:rotten\n"
    (info / "entry_points.txt").write_text(lines)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(METRICS, "_discovered", False)
    monkeypatch.setattr(METRICS, "_offers", {})
    monkeypatch.setattr(METRICS, "_loaded", {})
    found = homeostat("eval", "ver_new", "--detail", "--config", small, "--json").json
    theirs = found["other"]["detail"]
    assert theirs["figures"]["letters"] | {"n": 0} == {"mean": 6.0, "low": 6.0, "high": 6.0, "n": 0}
    assert theirs["slices"]["language=de"]["letters"]["mean"] == 6.0
    assert found["difference"]["figures"]["letters"]["n"] == found["mine"]["detail"]["rows"]
    assert "no dictionary" in found["mine"]["broken"]["rotten"]
    out = homeostat("eval", "ver_old", "--detail", "--config", small).out
    assert "letters" in out
    assert "metric 'rotten' of an installed package is left out for ver_old" in out
    assert "macro F1" in out

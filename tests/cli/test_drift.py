"""Comparing two windows from the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from cli.conftest import Run
from cli.scenes import START, champion
from homeostat.errors import BadStream, BadWindow, UnknownPlugin
from homeostat.store import Store
from monitor.desk import manual, windows


@pytest.fixture
def log(shop: Path, store: Store) -> Path:
    """The log of a task: 300 real messages, then 300 of which a quarter are about something else."""
    first = champion(store, "first")
    before, after = windows(0, 300, foreign=0.25)
    rows = [
        replace(row, id=f"int_{k:04}", task="routing", version=first.id, time=START + 60 * k)
        for k, row in enumerate([*before, *after])
    ]
    store.interactions.add(rows)
    return shop


def files(folder: Path, foreign: float = 0.25) -> tuple[Path, Path]:
    """The same as two files of JSON lines."""
    paths = folder / "a.jsonl", folder / "b.jsonl"
    for path, rows in zip(paths, windows(0, 300, foreign=foreign), strict=True):
        path.write_text("".join(json.dumps({"text": row.text, "label": row.reply}) + "\n" for row in rows))
    return paths


def test_what_moved_stands_first(homeostat: Run, log: Path) -> None:
    """The rarity of words, before and now, with its verdict; then slices and the most novel texts."""
    ran = homeostat("drift", "routing", "--reference", "before:300", "--current", "last:300", "--config", log)
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert "300 requests" in lines[0]
    assert lines[3].split()[0] in ("rarity", "wording", "novelty")
    assert lines[3].rstrip().endswith("moved")
    rarity = next(one for one in lines if one.startswith("rarity"))
    assert "bits per word" in rarity
    assert "channel=" in ran.out
    shown = ran.out.partition("the most novel current texts")[2]
    assert any(text[:40] in shown for text in manual())


def test_the_same_as_json(homeostat: Run, log: Path) -> None:
    """The whole report, with numbers that JSON lacks as null."""
    ran = homeostat("drift", "--reference", "first:300", "--current", "last:300", "--config", log, "--json")
    report = ran.json["report"]
    assert ran.json["compared"] == "routing"
    assert (report["n_reference"], report["n_current"]) == (300, 300)
    first = report["lines"][0]
    assert first["verdict"] == "moved"
    assert first["q"] <= first["holm"] <= 0.05
    assert {"name", "feature", "statistic", "p_value", "effect", "n_reference", "n_current", "threshold"} == set(
        first["comparison"]
    )
    vector = next(line for line in report["lines"] if line["shape"] == "vector")
    assert vector["before"] is None
    assert len(report["novel"]) == 10
    assert len(report["slices"]) == 10


def test_two_files_need_no_project(homeostat: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of texts and labels are compared in whatever can be read off them."""
    before, after = files(tmp_path)
    monkeypatch.chdir(tmp_path)
    ran = homeostat("drift", "--reference", before, "--current", after, "--json")
    assert ran.code == 0
    compared = {line["comparison"]["feature"] for line in ran.json["report"]["lines"]}
    assert {"rarity", "words", "characters", "wording", "novelty", "reply"} <= compared
    assert not (tmp_path / ".homeostat").exists()


def test_features_tests_and_detectors_are_chosen(homeostat: Run, tmp_path: Path) -> None:
    """Only what is named, each test on each feature that suits it; no detectors, no opinions."""
    before, after = files(tmp_path)
    chosen = ("--features", "words, rarity", "--tests", "ks,psi,z")
    ran = homeostat("drift", "--reference", before, "--current", after, *chosen, "--json")
    report = ran.json["report"]
    pairs = {(line["comparison"]["feature"], line["comparison"]["name"]) for line in report["lines"]}
    assert pairs == {(feature, test) for feature in ("words", "rarity") for test in ("ks", "psi", "z")}
    assert report["opinions"] == []
    assert [line["comparison"]["name"] for line in report["lines"][-2:]] == ["psi", "psi"]


def test_files_of_texts_are_embedded_by_a_backend(homeostat: Run, tmp_path: Path) -> None:
    """`by:` among the features lays texts out that nobody has embedded, by name or by what a model in a folder makes of
    them; the backend is no feature itself.
    """
    before, after = files(tmp_path)
    said = ("drift", "--reference", before, "--current", after, "--json", "--features")
    bare = homeostat(*said, "wording,embedding").json["report"]
    assert [line["comparison"]["feature"] for line in bare["lines"]] == ["wording"]
    for backend, verdict in (("ngrams", "moved"), (str(tiny.llama(tmp_path / "small")), "")):
        found = homeostat(*said, f"embedding, by:{backend}").json
        assert found["embedding"] == backend
        (line,) = found["report"]["lines"]
        assert line["comparison"]["feature"] == "embedding"
        assert verdict in ("", line["verdict"])


def test_windows_of_two_versions_compare_by_a_backend(homeostat: Run, log: Path, store: Store) -> None:
    """The caution says what compares versions: with states of their own embeddings too, by a backend not."""
    second = champion(store, "second")
    rows = store.interactions.list("routing")[300:]
    store.interactions.add([replace(row, id=f"{row.id}b", time=row.time + 9e6, version=second.id) for row in rows])
    said = ("drift", "--reference", "first:300", "--current", "last:300", "--config", log)
    assert "confidence, replies and embeddings compare them too" in homeostat(*said).out
    assert "confidence and replies compare them too" in homeostat(*said, "--features", "words,by:ngrams").out
    assert store.vectors.count() == 0


@pytest.mark.parametrize(("backend", "code"), [("ngram", 12), ("./nowhere", 31)])
def test_a_backend_that_there_is_not(homeostat: Run, tmp_path: Path, backend: str, code: int) -> None:
    """Is one clear error, as anywhere."""
    before, after = files(tmp_path)
    ran = homeostat("drift", "--reference", before, "--current", after, "--features", f"by:{backend}")
    assert ran.code == code
    assert "fix: " in ran.err


def test_all_tests_are_made_if_asked(homeostat: Run, tmp_path: Path) -> None:
    """`--tests all` makes every one that suits some feature of these rows."""
    before, after = files(tmp_path)
    ran = homeostat("drift", "--reference", before, "--current", after, "--tests", "all", "--json",
                    "--features", "words,wording,reply")  # fmt: skip
    made = {line["comparison"]["name"] for line in ran.json["report"]["lines"]}
    assert made == {
        "chi_square", "classifier", "energy", "g", "ks", "mmd", "mmd_random", "psi", "wasserstein", "z",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (("--current", "lst:5"), BadWindow, "names no window"),
        (("--reference", "first:400", "--current", "last:300"), BadWindow, "overlap: 100 rows"),
        (("--current", "last:10"), BadWindow, "the current window has 10 rows"),
        (("--current", "last:600"), BadWindow, "the reference window has no rows"),
        (("--features", "wrods", "--reference", "first:300", "--current", "last:300"), UnknownPlugin, "'words'"),
        (("--tests", "kss", "--reference", "first:300", "--current", "last:300"), UnknownPlugin, "'ks'"),
        (("--reference", "none.jsonl", "--current", "last:300"), BadStream, "cannot be read"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_error(
    homeostat: Run, log: Path, arguments: tuple[str, ...], error: type, told: str
) -> None:
    """With the exit code of its kind, what is wrong, and how to fix it."""
    ran = homeostat("drift", "--config", log, *arguments)
    assert ran.code == error.exit  # type: ignore[attr-defined]
    assert told in ran.err
    assert "fix: " in ran.err
    assert ran.out == ""


def test_detectors_are_named_among_the_tests(homeostat: Run, log: Path) -> None:
    """With a detector alone the usual tests are made, and it is asked about every number that moved."""
    windows = ("--reference", "first:300", "--current", "last:300")
    report = homeostat("drift", *windows, "--config", log, "--tests", "kswin", "--json").json["report"]
    assert {line["comparison"]["name"] for line in report["lines"]} == {"ks", "chi_square", "classifier"}
    assert {told["detector"] for told in report["opinions"]} == {"kswin"}
    assert "rarity" in {told["feature"] for told in report["opinions"]}


def test_looking_changes_nothing(homeostat: Run, log: Path, store: Store) -> None:
    """A comparison writes no signal and opens no turn."""
    before = store.interactions.count("routing")
    assert homeostat("drift", "--reference", "first:300", "--current", "last:300", "--config", log).code == 0
    assert store.interactions.count("routing") == before
    assert store.signals.list("routing") == []
    assert store.turns.list("routing") == []


def test_cost_is_at_the_price_of_the_project(
    homeostat: Run, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a second more a reply, at 7.2 an hour: one more for a thousand; without a project at the default price."""
    paths = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    for path, more in zip(paths, (0, 500), strict=True):
        rows = [{"text": "where is my parcel", "latency_ms": 1000 + k % 7 + more} for k in range(60)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ("drift", "--reference", paths[0], "--current", paths[1], "--features", "cost", "--json")
    monkeypatch.setenv("HOMEOSTAT__DECIDE__PRICE_PER_CPU_HOUR", "7.2")
    (line,) = homeostat(*asked, "--config", log).json["report"]["lines"]
    assert (line["after"] - line["before"], line["verdict"]) == (pytest.approx(1.0), "moved")
    assert line["unit"] == "per 1,000 replies, at 7.2 an hour"
    (line,) = homeostat(*asked, "--config", tmp_path / "none.yaml").json["report"]["lines"]
    assert line["after"] - line["before"] == pytest.approx(0.1 / 7.2)


def test_hours_are_matched_and_that_is_said(homeostat: Run, tmp_path: Path) -> None:
    """Two weeks of requests whose length follows the hour, beside a night of the third: nothing has moved; compared as
    they are, words have; the sentence stands under the table and in the JSON.
    """
    texts = [row.text.split() for row in windows(0, 400)[0]]
    paths = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    hours = [range(336), [24 * day + hour for day in range(14, 21) for hour in range(8)]]
    for path, some in zip(paths, hours, strict=True):
        rows = [
            {
                "text": " ".join(texts[(7 * h + k) % 400][: 5 if h % 24 < 8 else 40]),
                "time": 1_699_920_000 + 3600 * h + k,
            }
            for h in some
            for k in range(2)
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    asked = ("drift", "--current", paths[1], "--features", "words", "--reference")
    ran = homeostat(*asked, paths[0])
    assert "hours of the week are matched: 224 of 672 requests before and 112 of 112 now" in ran.out
    assert "moved" not in ran.out.splitlines()[3]
    found = homeostat(*asked, paths[0], "--json").json["report"]
    assert (found["hours"], found["n_reference"], found["lines"][0]["verdict"]) == ("week", 224, "–")
    plain = homeostat(*asked, f"{paths[0]}@any", "--json").json["report"]
    assert (plain["hours"], plain["says"], plain["lines"][0]["verdict"]) == ("any", "", "moved")
    late = homeostat("drift", "--reference", f"{paths[1]}@week", "--current", paths[0])
    assert late.code == 28
    assert "of 33% of the current ones only" in late.err

"""Each place beside rows and datasets is rid of a user by itself, and of nobody else."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from small_project import TASK

from homeostat.errors import NotFound
from homeostat.loop.making.said import SAID
from homeostat.loop.proving.suites import keep, kept, suites
from homeostat.loop.undoing import leftovers
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.registry import register
from homeostat.store.scrub import ERASED
from homeostat.store.traces import Traces
from homeostat.types.dataset import Dataset
from homeostat.types.decision import Action, Decision
from homeostat.types.suite import Case, Suite
from homeostat.types.version import State, Version

MINE, OTHERS = "my very own words about a pump", "words that anybody may say about a pump"
TRACES = Traces(user="eve@example.com", interactions=frozenset({"int_eve"}), texts=frozenset({MINE}))


def test_test_rows_and_cases_go_by_their_text(shop: Workshop) -> None:
    """A test row and a case that say just this go; those that say more stay; what is replaced is named, and doing it
    again replaces nothing.
    """
    exams = [Exam(text=text, target="leak", time=1.0) for text in (MINE, f"{MINE}!", OTHERS)]
    shop.put_suite(TASK, exams)
    keep(shop.store, Suite(name="a", task=TASK, cases=(Case(text=OTHERS), Case(text=OTHERS, expect=MINE))))
    keep(shop.store, Suite(name="b", task=TASK, cases=(Case(text=OTHERS),)))
    before = {str(shop.store.state.get(f"suite:{TASK}")), kept(shop.store, TASK)["a"]}
    assert leftovers.leaving(shop, TASK, TRACES) == 2
    assert leftovers.staying(exams, TRACES) == exams[1:]
    assert MINE not in leftovers.staying_texts(shop, TASK, TRACES)
    assert set(leftovers.tests(shop, TRACES)) == before
    assert shop.suite(TASK) == exams[1:]
    assert [len(suite.cases) for suite in suites(shop.store, TASK)] == [1, 1]
    assert leftovers.tests(shop, TRACES) == []
    assert leftovers.leaving(shop, TASK, TRACES) == 0


def test_what_decisions_were_made_from(shop: Workshop) -> None:
    """Ids and words are taken out of it, and the decision points to what is left; one that has none is as it was; one
    whose file is gone already is passed over.
    """
    store = shop.store
    dirty = store.blobs.put_text(json.dumps({"evidence": {"examples": ["int_eve", "int_x"]}, "says": MINE}))
    clean, gone = store.blobs.put_text(json.dumps({"says": OTHERS})), "0" * 64
    decision = Decision(id="dec_a", task=TASK, time=1.0, action=Action.WAIT, because="as it is", inputs=dirty)
    for id, inputs in (("dec_a", dirty), ("dec_b", clean), ("dec_c", gone)):
        store.decisions.put(replace(decision, id=id, inputs=inputs))
    assert leftovers.inputs(shop, TRACES) == [dirty]
    left = json.loads(store.blobs.text(store.decisions.get("dec_a").inputs))
    assert left == {"evidence": {"examples": ["int_x"]}, "says": ERASED}
    assert store.decisions.get("dec_b").inputs == clean
    assert leftovers.inputs(shop, TRACES) == []


def test_answers_of_teachers(shop: Workshop) -> None:
    """Lines with their words go from every file, others stay byte by byte; a file without any is not written again."""
    folder = Path(shop.config.folder) / "answers"
    folder.mkdir()
    other = json.dumps([OTHERS, "leak", [-0.25]], ensure_ascii=False).encode()
    (folder / "a.jsonl").write_bytes(b"\n" + json.dumps([MINE, "leak", []]).encode() + b"\n\n" + other + b"\n")
    (folder / "b.jsonl").write_bytes(other + b"\n")
    os.utime(folder / "b.jsonl", (5.0, 5.0))
    leftovers.answers(shop, TRACES)
    assert [line for line in (folder / "a.jsonl").read_bytes().split(b"\n") if line] == [other]
    assert (folder / "b.jsonl").stat().st_mtime == 5.0
    assert sorted(path.name for path in folder.iterdir()) == ["a.jsonl", "b.jsonl"]


def test_labels_that_nobody_else_used(shop: Workshop) -> None:
    """They are taken out of the rows of erased versions and rebuilt datasets, place by place, so that the others keep
    their codes; one that a version still knows, or the project declares, stays.
    """
    store, first = shop.store, shop.champion(TASK)
    labels = ("refund", "eves own", "delivery")
    store.versions.put(replace(first, id="ver_dead", state=State.ERASED, labels=labels))
    store.versions.put(replace(first, id="ver_lives", labels=("refund", "kept elsewhere")))
    store.datasets.put(Dataset(id="dst_new", task=TASK, time=1.0, blob="", labels=("delivery",)))
    old = Dataset(id="dst_old", task=TASK, time=1.0, blob="", labels=("kept elsewhere", "eves own"), rebuilt="dst_new")
    store.datasets.put(old)
    leftovers.nameless(shop)
    assert store.versions.get("ver_dead").labels == ("refund", ERASED, "delivery")
    assert store.datasets.get("dst_old").labels == ("kept elsewhere", ERASED)
    assert store.versions.get("ver_lives").labels == ("refund", "kept elsewhere")
    head = store.audit.head()
    leftovers.nameless(shop)
    assert store.audit.head() == head


def test_embeddings_of_what_was_learned(shop: Workshop) -> None:
    """The file of each such version is named, also again if it was not removed the first time; whoever watches takes a
    version without one for one whose index was not made yet.
    """
    blob = shop.store.blobs.put_bytes(np.ones(8, np.float16).tobytes())
    shop.store.state.put("index:ver_a", {"blob": blob, "hidden": 4})
    assert list(leftovers.indexes(shop, ["ver_a", "ver_b"])) == [blob]
    assert "blob" not in shop.store.state.get("index:ver_a")
    assert list(leftovers.indexes(shop, ["ver_a"])) == [blob]


def test_files_that_a_sound_version_shares_stay(shop: Workshop, tmp_path: Path) -> None:
    """Of an erased version's folder all goes but what is in a folder that is kept; the list of its files goes last. Old
    rows of a rebuilt dataset go unless another one has the same; files with their words go, and what teachers said to
    whoever learned from them; test rows never.
    """
    store = shop.store
    for name, value in (("dead", 1.0), ("sound", 2.0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tokenizer.json").write_text('{"shared": true}')
        save_file({"w": np.full(3, value, np.float32)}, tmp_path / name / "w.safetensors")
    said, clean = (store.blobs.put_text(text) for text in ("[-0.1]\n", "[-0.2]\n"))
    taught = {"time": 1.0, "task": TASK, "base": "b"}
    store.versions.put(Version(id="ver_taught", recipe={SAID: said}, **taught))  # type: ignore[arg-type]
    store.versions.put(Version(id="ver_clean", recipe={SAID: clean}, **taught))  # type: ignore[arg-type]
    dead = register(store, Version(id="ver_dead", task=TASK, time=1.0, base="b"), tmp_path / "dead")
    sound = register(store, Version(id="ver_sound", task=TASK, time=1.0, base="b"), tmp_path / "sound")
    store.versions.set_state(dead.id, State.ERASED)
    parts = store.blobs.files(dead.blob)
    rows, shared, stray = (store.blobs.put_text(text) for text in (f"{MINE}\n", "both have it\n", f"note: {MINE}"))
    for id, blob, rebuilt in (("dst_a", rows, "dst_c"), ("dst_b", shared, "dst_c"), ("dst_c", shared, "")):
        store.datasets.put(Dataset(id=id, task=TASK, time=1.0, blob=blob, rebuilt=rebuilt))
    shop.put_suite(TASK, [Exam(text=f"{MINE} and more", target="leak", time=1.0)])
    gone = list(leftovers.gone(shop, TRACES, [dead.id, "ver_taught"]))
    assert set(gone) == {dead.blob, parts["w.safetensors"], rows, stray, said}
    assert gone.index(parts["w.safetensors"]) < gone.index(dead.blob)
    store.erasure.remove_blobs(gone)
    assert store.blobs.folder(sound.blob).is_dir()
    assert shop.suite(TASK)
    with pytest.raises(NotFound):
        store.blobs.folder(dead.blob)
    assert list(leftovers.gone(shop, TRACES, [dead.id])) == []


def test_what_a_broken_training_left(shop: Workshop) -> None:
    """A folder in which nothing was written for an hour goes; one that is written to stays, old files in it too."""
    now = time.time()
    for name, ages in (("broken", (9000.0, 5000.0)), ("under_way", (9000.0, 10.0))):
        folder = shop.run_folder(f"ver_{name}")
        for k, age in enumerate(ages):
            (folder / f"{k}").write_text("x")
            os.utime(folder / f"{k}", (now - age, now - age))
        os.utime(folder, (now - max(ages), now - max(ages)))
    leftovers.runs(shop)
    assert [path.name for path in sorted((Path(shop.config.folder) / "runs").iterdir())] == ["ver_under_way"]

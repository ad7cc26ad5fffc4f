"""A user is erased from a real project: rows, datasets, files, weights; planned first, and completed if interrupted."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_project import ONSET, TASK, interaction, said

from homeostat.config.schema import Config
from homeostat.curate.build import build
from homeostat.curate.snapshot import examples, gather, store_dataset
from homeostat.errors import NotFound, NotReleasable, NoWayBack, UnsuitedModel
from homeostat.llm.backend import Reply
from homeostat.loop.making.learn import Lesson, learn
from homeostat.loop.making.reproduce import reproduce
from homeostat.loop.proving.suites import keep, suites
from homeostat.loop.undoing.erase import erase, look, plan, withdraw
from homeostat.loop.workshop import Exam, Workshop
from homeostat.release.card import card
from homeostat.release.registry import promote, rollback
from homeostat.store import Store
from homeostat.store.database import Database
from homeostat.store.erased import learned_from_erased
from homeostat.train.named import named
from homeostat.types.suite import Case, Suite
from homeostat.types.version import State, Version

USER = "carol.müller@example.com"
WORDS = [f"my own water leak of flat {1000 + 37 * k}, says “Carol”" for k in range(8)]
LABEL = "carols own label"


def lived(shop: Workshop) -> Version:
    """A user who asked and was asked, and a champion that has learned from that."""
    first = shop.champion(TASK)
    reply = Reply(text="refund", confidence=0.9, entropy=0.1, prompt_tokens=3, reply_tokens=1, embedding=b"")
    rows = [
        replace(interaction(f"int_carol{k}", ONSET + 200 + k, text, reply, first.id), episode=USER)
        for k, text in enumerate(WORDS)
    ]
    shop.store.interactions.add(rows)
    shop.store.feedback.add([said(row, LABEL if k == 3 else "leak", ONSET + 300) for k, row in enumerate(rows)])
    inputs = gather(shop.store, shop.config.task(TASK), champion=first, evaluation=[], until=ONSET + 900)
    curated = build(inputs, shop.config.curate)
    parents = (first.dataset,)
    dataset = store_dataset(shop.store, curated, task=TASK, turn="trn_x", now=ONSET + 900, parents=parents)
    recipe = replace(named("careful", shop.config.train), carry=True, epochs=2.0, share=0.0)
    lesson = Lesson(task=TASK, dataset=dataset.id, recipe=recipe, version="ver_second", parent=first, time=ONSET + 900)
    second = learn(shop, lesson)
    promote(shop.store, TASK, second.id, "it knows more", now=time.time())
    return shop.store.versions.get(second.id)


def leave_traces(shop: Workshop, version: Version) -> None:
    """What a worker and its helpers leave beside rows and datasets."""
    store, folder = shop.store, Path(shop.config.folder)
    shop.put_suite(TASK, [*shop.suite(TASK), Exam(text=WORDS[0], target="leak", time=ONSET)])
    keep(store, Suite(name="polite", task=TASK, cases=(Case(text=WORDS[6]), Case(text="hello there, my friend"))))
    store.state.put("upstream:routing:model", {"bag": {WORDS[7]: {"leak": 2}, "hello there, my friend": {"refund": 2}}})
    store.events.append("pairs:ver_x", "judged", {"interaction": "int_carol2", "by": "a desk", "worth": 1.0})
    (folder / "answers").mkdir()
    lines = [json.dumps([text, "leak", [-0.1]], ensure_ascii=False) for text in (WORDS[1], "a water leak of others")]
    (folder / "answers" / "0123.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    vectors = np.ones((4, 8), np.float16)
    store.state.put(f"index:{version.id}", {"blob": store.blobs.put_bytes(vectors.tobytes()), "hidden": 8})
    store.state.put(f"rehearsal:{version.id}", {"changes": [{"name": "x", "examples": [{"text": WORDS[2]}]}]})
    store.events.append("rel_x", "error", {"interaction": "int_carol1", "what": f"cannot read {WORDS[4]}"})
    broken = folder / "runs" / "ver_broken"
    broken.mkdir(parents=True)
    (broken / "checkpoint").write_text(WORDS[5])
    os.utime(broken / "checkpoint", (1.0, 1.0))
    os.utime(broken, (1.0, 1.0))


def test_a_plan_changes_nothing(shop: Workshop) -> None:
    """It says what is whose, which datasets lose rows, which versions learned from them, and where a way back leads."""
    second = lived(shop)
    before = shop.store.audit.head(), sorted(shop.store.blobs.hashes())
    told = plan(shop, USER)
    assert len(told.traces.interactions) == len(WORDS)
    assert told.datasets == {second.dataset: len(WORDS)}
    assert told.flagged == {second.id: TASK}
    assert told.removed == {}
    assert told.clean == {TASK: second.parent}
    assert (shop.store.audit.head(), sorted(shop.store.blobs.hashes())) == before
    assert plan(shop, "nobody").empty
    assert plan(shop, USER.split("@")[0]).empty


def test_nothing_is_left_but_in_the_weights_that_answer(shop: Workshop) -> None:
    """Rows, dataset, test rows, answers, index, what a rehearsal and an error said, a broken training: the words are in
    no file; the dataset is rebuilt without them and without the label that nobody else used; the version that answers
    is flagged and goes on answering; the store is sound.
    """
    second = lived(shop)
    leave_traces(shop, second)
    texts = set(WORDS) | {LABEL, USER}
    assert len(look(shop, texts).found) >= 6
    old, others = examples(shop.store, second.dataset), shop.answers(shop.config.task(TASK), second, ["water leak"])
    done = erase(shop, plan(shop, USER))
    assert done.complete, done
    assert done.flagged == {second.id: TASK}
    found = look(shop, set(WORDS) | {USER})
    assert found.nothing
    assert shop.store.verify() == []
    new = shop.store.datasets.get(done.datasets[second.dataset])
    assert examples(shop.store, second.dataset) == examples(shop.store, new.id)
    assert examples(shop.store, new.id) == [row for row in old if row.text not in WORDS]
    assert new.counts == {"before": len(old), "erased": len(WORDS), "left": len(old) - len(WORDS)}
    assert LABEL not in new.labels
    assert "leak" in new.labels
    with pytest.raises(NotFound):
        shop.store.blobs.bytes(shop.store.datasets.get(second.dataset).blob)
    (file,) = (Path(shop.config.folder) / "answers").iterdir()
    assert [json.loads(line)[0] for line in file.read_text().splitlines() if line] == ["a water leak of others"]
    assert not (Path(shop.config.folder) / "runs" / "ver_broken").exists()
    assert WORDS[0] not in [row.text for row in shop.suite(TASK)]
    assert [case.text for suite in suites(shop.store, TASK) for case in suite.cases] == ["hello there, my friend"]
    assert list(shop.store.state.get("upstream:routing:model")["bag"]) == ["hello there, my friend"]
    assert shop.store.events.list("pairs:ver_x") == []
    assert shop.answers(shop.config.task(TASK), second, ["water leak"])[0].text == others[0].text
    assert f"rows that were erased since, of dataset `{second.dataset}`" in card(shop.store, second.id)
    with pytest.raises(UnsuitedModel, match="were erased since"):
        reproduce(shop, second)


def test_a_version_that_nobody_hears_loses_its_weights(shop: Workshop) -> None:
    """Going back first, the version that learned from the user is gone for good, with the states that it carried: no
    file of its own is left, it cannot be promoted nor gone back to, and the store is sound. Where there is nothing to
    go back to that is said, and nothing is done.
    """
    second = lived(shop)
    first = shop.store.versions.get(second.parent)
    files = set(shop.store.blobs.files(second.blob).values()) - set(shop.store.blobs.files(first.blob).values())
    assert files
    shop.store.blobs.folder(second.blob)
    planned = plan(shop, USER)
    with pytest.raises(NoWayBack, match="has not learned from these rows"):
        withdraw(shop, replace(planned, clean={TASK: ""}))
    assert withdraw(shop, planned) == {TASK: first.id}
    done = erase(shop, planned)
    assert done.complete
    assert done.removed == {second.id: TASK}
    assert done.flagged == {}
    assert shop.champion(TASK).id == first.id
    assert not files & set(shop.store.blobs.hashes())
    assert not (shop.store.blobs.root / "folders" / second.blob).exists()
    assert shop.store.versions.get(second.id).state is State.ERASED
    assert LABEL not in shop.store.versions.get(second.id).labels
    assert look(shop, [*WORDS, USER, LABEL]).nothing
    for way in (
        lambda: promote(shop.store, TASK, second.id, "again", now=time.time()),
        lambda: rollback(shop.store, TASK, "again", to=second.id, now=time.time()),
    ):
        with pytest.raises(NotReleasable):
            way()
    assert shop.store.verify() == []


def test_what_others_say_in_longer_words_stays(shop: Workshop) -> None:
    """A text of the user that stands in the middle of an imported row, or of a test row, takes neither away: it is not
    looked for; a row that says just this goes.
    """
    second = lived(shop)
    short = "a leak of water"
    store, suite = shop.store, shop.suite(TASK)
    row = replace(store.interactions.get("int_carol0"), id="int_short", text=short)
    store.interactions.add([row])
    shop.put_suite(TASK, [*suite, *(Exam(text=text, target="leak", time=1.0) for text in (f"help, {short}!", short))])
    planned = plan(shop, USER)
    assert short in planned.traces.texts
    assert short not in planned.traces.sought
    assert planned.tests == {TASK: 1}
    assert erase(shop, planned).complete
    assert [one.text for one in shop.suite(TASK)][-1] == f"help, {short}!"
    assert store.verify() == []
    assert examples(store, second.dataset)


def test_rows_without_a_user_are_named(shop: Workshop) -> None:
    """Rows of an import are nobody's; named by their texts they go from the dataset, and the champion is flagged."""
    first = shop.champion(TASK)
    rows = examples(shop.store, first.dataset)
    done = erase(shop, plan(shop, "", [rows[0].text, rows[7].text]))
    assert done.complete
    assert done.flagged == {first.id: TASK}
    assert [row.text for row in examples(shop.store, first.dataset)] == [
        row.text for row in rows if row.text not in (rows[0].text, rows[7].text)
    ]
    assert shop.store.verify() == []


def test_whoever_was_erased_may_come_again(shop: Workshop) -> None:
    """New rows of the same user are found and erased anew; a dataset is rebuilt as often as it has to be."""
    second = lived(shop)
    erase(shop, plan(shop, USER))
    (row,) = [row for row in shop.store.interactions.list(TASK) if row.id == "int_live0077"]
    done = erase(shop, plan(shop, "", [row.id]))
    assert len(done.datasets) == 1
    left = examples(shop.store, second.dataset)
    assert row.id not in {one.interaction for one in left}
    assert not {one.text for one in left} & set(WORDS)
    assert shop.store.verify() == []
    assert set(learned_from_erased(shop.store)) == {second.id}


def in_a_process_that_dies(config: Config, at: int) -> bool:
    """Erase in a process that kills itself with SIGKILL at its so-manieth write of rows, removal or renaming of a file;
    whether it got through. What is to be erased is found anew, as after any crash.
    """
    process = os.fork()
    if process:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    try:
        left = [at]

        def dying(work: Callable[..., Any]) -> Callable[..., Any]:
            def done(*given: Any, **more: Any) -> Any:
                left[0] -= 1
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return work(*given, **more)

            return done

        Database.write = dying(Database.write)  # type: ignore[method-assign]
        Path.unlink = dying(Path.unlink)  # type: ignore[method-assign]
        Path.replace = dying(Path.replace)  # type: ignore[method-assign]
        with closing(Workshop.open(config)) as shop:
            erase(shop, plan(shop, USER), patience_s=5.0)
        os._exit(0)
    finally:
        os._exit(1)


@pytest.mark.slow
def test_killed_at_every_write_it_is_completed(project: Config) -> None:
    """An erasure that is killed again and again, each time after a write or few and in the state in which the last one
    died, has left nothing in the end; the store is sound after every death.
    """
    with closing(Workshop.open(project)) as shop:
        second = lived(shop)
        leave_traces(shop, second)
    deaths = 0
    while not in_a_process_that_dies(project, 2 + deaths // 4):
        deaths += 1
        assert deaths < 60
        with Store.open(project.database, project.blobs) as store:
            assert store.verify() == []
    assert deaths >= 8
    with closing(Workshop.open(project)) as shop:
        assert look(shop, [*WORDS, USER]).nothing
        assert plan(shop, USER).empty
        assert shop.store.verify() == []
        assert not {row.text for row in examples(shop.store, second.dataset)} & set(WORDS)
        assert not shop.store.lineage.children("int_carol0")

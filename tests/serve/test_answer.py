"""Answering: the row of every reply, copies for a release, and swaps of versions under load."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from homeostat.builtin.resources import model_path
from homeostat.config.schema import Release as Settings
from homeostat.config.snapshot import snapshot
from homeostat.errors import BadRequest, NotFound, NothingReleased
from homeostat.llm.content import bytes_of
from homeostat.release.breaking import ERRORING, Fault, recipe
from homeostat.release.guard import gather
from homeostat.release.noted import RACE
from homeostat.release.registry import promote
from homeostat.release.route import route
from homeostat.serve.answer import Answered, Answerer, Options
from homeostat.serve.copies import RACE_EVERY
from homeostat.store import Store
from homeostat.types.feedback import FeedbackKind
from homeostat.types.interaction import Role
from homeostat.types.release import Stage
from homeostat.types.report import Outcome, Verdict
from homeostat.types.version import Version
from keywords import KeywordBackend, add_version, configured, release


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@pytest.fixture
def backend() -> KeywordBackend:
    return KeywordBackend(seconds_per_batch=0.002)


@pytest.fixture
def answerer(store: Store, backend: KeywordBackend) -> Iterator[Answerer]:
    made = Answerer(backend, store, configured())
    yield made
    made.close()


@pytest.fixture
def pair(store: Store, tmp_path: Path) -> tuple[Version, Version]:
    """Two versions that answer every text differently."""
    return add_version(store, tmp_path, old="x"), add_version(store, tmp_path, new="x")


def test_an_answer_is_recorded_with_everything_it_came_from(store: Store, answerer: Answerer, tmp_path: Path) -> None:
    """The row that comes back is the one in the store: text, reply, version, routing, configuration, tags and all."""
    version = add_version(store, tmp_path, refund="money back", delivery="parcel late")
    row = release(store, Stage.FULL, version)
    answerer.routes.refresh()
    before = time.time()
    messages = [{"role": "assistant", "content": "Hello?"}, *user("my parcel is late")]
    got = answerer.answer("routing", messages, episode="e1", tags={"segment": "home"})
    assert store.interactions.get(got.id) == got
    assert (got.text, got.reply, got.version, got.probability) == ("my parcel is late", "delivery", version.id, 1.0)
    assert (got.episode, got.tags, got.role) == ("e1", {"segment": "home"}, Role.PRIMARY)
    assert got.config == snapshot(configured())[0]
    assert store.configs.get(got.config)
    assert len(got.embedding) == 16
    assert got.latency_ms > 2.0
    assert before <= got.time <= time.time()
    assert row.stage is Stage.FULL


def test_what_cannot_be_asked_is_said(store: Store, answerer: Answerer, tmp_path: Path) -> None:
    """No such task, no release yet, no user's message: each has its error and leaves no row."""
    with pytest.raises(NotFound, match="did you mean 'routing'"):
        answerer.answer("routng", user("hello"))
    with pytest.raises(NothingReleased):
        answerer.answer("routing", user("hello"))
    release(store, Stage.FULL, add_version(store, tmp_path, refund="money"))
    answerer.routes.refresh()
    for messages in ([], user("  "), [{"role": "assistant", "content": "Hello?"}]):
        with pytest.raises(BadRequest, match="user's"):
            answerer.answer("routing", messages)
    assert store.interactions.count("routing") == 0


def test_an_error_of_the_model_reaches_the_caller_and_is_no_reply(
    store: Store, answerer: Answerer, tmp_path: Path
) -> None:
    """The next request is answered as if nothing had been; that this one was not is a row, with whose fault it was."""
    release(store, Stage.FULL, add_version(store, tmp_path, refund="money"))
    answerer.routes.refresh()
    with pytest.raises(ValueError, match="cannot be answered"):
        answerer.answer("routing", user("raise this"), episode="e1", tags={"segment": "home"})
    assert answerer.answer("routing", user("hello")).reply == "refund"
    assert store.interactions.count("routing") == 1
    (failed,) = store.interactions.list("routing", role=Role.FAILED)
    assert (failed.text, failed.reply, failed.episode, failed.tags) == ("raise this", "", "e1", {"segment": "home"})
    assert failed.version == answerer.answer("routing", user("hello")).version
    assert failed.latency_ms > 0.0


def test_in_shadow_the_candidate_answers_a_copy_of_every_request_and_no_user(
    store: Store, answerer: Answerer, pair: tuple[Version, Version]
) -> None:
    """Each primary row has one shadow row of the same request by the candidate; feedback joins the pair."""
    old, new = pair
    release(store, Stage.SHADOW, old, new)
    answerer.routes.refresh()
    rows = [answerer.answer("routing", user(f"text {k}"), episode=f"e{k}") for k in range(30)]
    assert {r.reply for r in rows} == {"old"}
    assert answerer.settle(5)
    answerer.feedback({"interaction": rows[3].id, "kind": "label", "value": "new"})
    pairs = store.interactions.shadows("routing", new.id)
    assert [(p.id, s.of, s.text, s.reply, s.version) for p, s, _ in pairs] == [
        (r.id, r.id, r.text, "new", new.id) for r in rows
    ]
    assert [f.value for _, _, f in pairs if f] == ["new"]
    assert answerer.copies.counts == {"open": 0, "stored": 30, "failed": 0, "turned_away": 0}


def test_in_the_canary_each_side_answers_copies_of_what_the_other_answered(
    store: Store, answerer: Answerer, pair: tuple[Version, Version]
) -> None:
    """Each reply to a user has the other version's beside it, so that every request is a pair."""
    old, new = pair
    release(store, Stage.CANARY, old, new, share=0.5)
    answerer.routes.refresh()
    rows = [answerer.answer("routing", user(f"text {k}"), episode=f"e{k}") for k in range(60)]
    assert answerer.settle(5)
    canary = [r for r in rows if r.version == new.id]
    shadows = store.interactions.list("routing", role=Role.SHADOW)
    assert 10 < len(canary) < 50
    assert {r.probability for r in rows} == {0.5}
    assert sorted(s.of for s in shadows) == sorted(r.id for r in rows)
    of = {r.id: r.version for r in rows}
    assert {(s.version, s.reply) for s in shadows} == {(old.id, "old"), (new.id, "new")}
    assert all(s.version != of[s.of] for s in shadows)


def test_a_copy_is_made_after_the_reply(store: Store, tmp_path: Path, pair: tuple[Version, Version]) -> None:
    """The model sees each request for its user first; requests that wait are all answered before any copy."""
    slow = KeywordBackend(seconds_per_batch=0.02)
    answerer = Answerer(slow, store, configured(batch=1))
    release(store, Stage.SHADOW, *pair)
    answerer.routes.refresh()
    waiting = [answerer.ask("routing", user(f"text {k}"), Options()) for k in range(10)]
    for answered in waiting:
        answerer.copy(answered.result(5))
    assert answerer.settle(5)
    versions = [version for batch in slow.batches for version in batch]
    assert versions[:10] == [pair[0].id] * 10
    races = -(-10 // RACE_EVERY)
    assert sorted(versions[10:]) == sorted([pair[1].id] * 10 + [pair[0].id] * races)  # who has answered races as well
    answerer.close()


def test_a_race_times_both_versions_on_the_same_request(
    store: Store, tmp_path: Path, pair: tuple[Version, Version]
) -> None:
    """Some copies tell how long each version takes alone, right beside the other."""
    old, new = pair
    answerer = Answerer(KeywordBackend(seconds_per_batch=0.01), store, configured())
    row = release(store, Stage.SHADOW, old, new)
    answerer.routes.refresh()
    for k in range(RACE_EVERY + 1):
        answerer.answer("routing", user(f"text {k}"))
    assert answerer.settle(5)
    raced = gather(store, row, Settings()).games
    took = [event.values["took_ms"] for event in store.events.list(row.id) if event.name == RACE]
    assert len(took) == 2
    assert all(set(one) == {old.id, new.id} and min(one.values()) >= 10.0 for one in took)
    assert next(game.n for game in raced if game.name == "latency") == 2
    answerer.close()


def test_the_champion_answers_where_a_candidate_fails(
    store: Store, answerer: Answerer, pair: tuple[Version, Version]
) -> None:
    """A user who was drawn for a candidate that fails has a reply all the same, and the candidate the blame."""
    old, new = pair
    store.versions.put(replace(new, recipe=recipe(Fault(kind=ERRORING, share=1.0))))
    row = release(store, Stage.CANARY, old, new, share=1.0)
    answerer.routes.refresh()
    rows = [answerer.answer("routing", user(f"text {k}")) for k in range(5)]
    assert answerer.settle(5)
    assert [(one.version, one.reply, one.probability) for one in rows] == [(old.id, "old", 1.0)] * 5
    seen = gather(store, row, Settings())
    assert (seen.errors, seen.pairs) == (5, 5)
    assert store.interactions.count("routing", role=None) == 5  # there is nothing to compare, so no copy is made


def test_a_split_routes_by_its_shares_copies_nothing_and_falls_back(
    store: Store, answerer: Answerer, pair: tuple[Version, Version]
) -> None:
    """Each row carries the chance of its version; where that one fails the champion answers, for certain, and the
    failure is noted.
    """
    old, new = pair
    store.versions.put(replace(new, recipe=recipe(Fault(kind=ERRORING, share=0.5))))
    row = replace(release(store, Stage.SPLIT, old), shares={new.id: 0.6}, trial="spl_1")
    store.releases.put(row)
    answerer.routes.refresh()
    rows = [answerer.answer("routing", user(f"text {k}"), episode=f"e{k}") for k in range(60)]
    drawn = [route(row, f"e{k}") for k in range(60)]
    fell = [one for one, (version, _) in zip(rows, drawn, strict=True) if one.version != version]
    assert {(one.version, one.probability) for one in fell} == {(old.id, 1.0)}
    assert {event.values["interaction"] for event in store.events.list(row.id)} == {one.id for one in fell}
    kept = [(one, pick) for one, pick in zip(rows, drawn, strict=True) if one not in fell]
    assert all((one.version, one.probability) == pick for one, pick in kept)
    assert {one.reply for one, _ in kept} == {"old", "new"}
    assert store.interactions.count("routing", role=Role.SHADOW) == 0


def test_past_its_end_a_candidate_answers_nobody(
    store: Store, answerer: Answerer, pair: tuple[Version, Version]
) -> None:
    """Although nobody is left to take it back: no user and no copy reaches it once its time is up."""
    old, new = pair
    row = release(store, Stage.CANARY, old, new, share=1.0)
    store.releases.put(replace(row, until=time.time() + 0.2))
    answerer.routes.refresh()
    assert answerer.answer("routing", user("hello")).version == new.id
    time.sleep(0.25)
    late = answerer.ask("routing", user("hello"), Options()).result(5)
    answerer.copy(late)
    assert answerer.settle(5)
    assert (late.interaction.version, late.stage) == (old.id, "rollback")
    assert store.interactions.count("routing", role=Role.SHADOW) == 1


def test_a_request_that_names_its_version_gets_it_and_is_not_copied(
    store: Store, answerer: Answerer, pair: tuple[Version, Version]
) -> None:
    """Whoever asks for a version by name is outside the release."""
    old, new = pair
    release(store, Stage.SHADOW, old, new)
    answerer.routes.refresh()
    answered = answerer.ask("routing", user("hello"), Options(version=new.id)).result(5)
    answerer.copy(answered)
    assert (answered.interaction.reply, answered.stage) == ("new", "")
    assert answerer.copies.counts["open"] == 0


@pytest.mark.slow
def test_a_hot_swap_under_load_drops_nothing_and_every_reply_is_its_versions(
    store: Store, answerer: Answerer, tmp_path: Path
) -> None:
    """While eight callers ask without pause, ten releases pass: every request is answered by the version on its row."""
    names = [f"v{k}" for k in range(10)]
    versions = [add_version(store, tmp_path, **{name: "x"}) for name in names]
    release(store, Stage.FULL, versions[0])
    answerer.routes.refresh()
    stop, results = threading.Event(), []

    def caller(k: int) -> None:
        while not stop.is_set():
            results.append(answerer.answer("routing", user(f"hello {k}"), episode=f"e{k}"))

    threads = [threading.Thread(target=caller, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for before, after in pairwise(versions):
        for stage, share in ((Stage.SHADOW, 0.0), (Stage.CANARY, 0.5)):
            release(store, stage, before, after, share=share)
            time.sleep(0.1)
        release(store, Stage.FULL, after)
        time.sleep(0.1)
    stop.set()
    for thread in threads:
        thread.join()
    said = dict(zip((v.id for v in versions), names, strict=True))
    assert len(results) > 100
    assert all(r.reply == said[r.version] for r in results)
    assert {r.version for r in results} == set(said)
    assert results[-1].version == versions[-1].id
    assert answerer.settle(10)
    assert answerer.copies.counts["failed"] == 0
    stored = {r.id: r for r in store.interactions.list("routing")}
    assert stored == {r.id: r for r in results}


def test_an_episode_stays_with_its_version(store: Store, answerer: Answerer, pair: tuple[Version, Version]) -> None:
    """Within a canary, all requests of an episode get the same version; without an episode each is drawn anew."""
    release(store, Stage.CANARY, *pair, share=0.5)
    answerer.routes.refresh()
    for episode in ("a", "b", "c", "d"):
        assert len({answerer.answer("routing", user("hello"), episode=episode).version for _ in range(10)}) == 1
    assert len({answerer.answer("routing", user("hello")).version for _ in range(40)}) == 2


def test_feedback_is_durable_when_it_comes_back(store: Store, tmp_path: Path) -> None:
    """All of a list is stored or none; a reply whose row still waits can be spoken of already."""
    answerer = Answerer(KeywordBackend(), store, configured(durable=False))
    release(store, Stage.FULL, add_version(store, tmp_path, refund="money"))
    answerer.routes.refresh()
    row = answerer.answer("routing", user("hello"))
    statements = [
        {"interaction": row.id, "kind": "label", "value": "delivery"},
        {"interaction": row.id, "kind": "rating", "value": 0},
    ]
    rows = answerer.feedback(statements)
    assert [f.kind for f in rows] == [FeedbackKind.LABEL, FeedbackKind.RATING]
    assert store.feedback.of([row.id]) == rows
    with pytest.raises(NotFound):
        answerer.feedback([statements[0], {"interaction": "int_nothing", "kind": "label", "value": "delivery"}])
    assert len(store.feedback.of([row.id])) == 2
    answerer.close()


def test_closing_answers_whoever_waits(store: Store, tmp_path: Path) -> None:
    """Requests under way when the answerer is closed are answered and stored."""
    answerer = Answerer(KeywordBackend(seconds_per_batch=0.05), store, configured(batch=1))
    release(store, Stage.FULL, add_version(store, tmp_path, refund="money"))
    answerer.routes.refresh()
    waiting: list[Future[Answered]] = [answerer.ask("routing", user(f"{k}"), Options()) for k in range(5)]
    assert answerer.dead_threads() == []
    answerer.close()
    assert {f.result(0).interaction.id for f in waiting} == {r.id for r in store.interactions.list("routing")}
    assert answerer.dead_threads() == ["routes", "batcher", "writer"]


def test_a_version_over_another_base_does_not_answer(
    store: Store, backend: KeywordBackend, tmp_path: Path, pair: tuple[Version, Version]
) -> None:
    """One that was gated over other bytes is not put in force, and why is told; who answered goes on. With the old base
    back, or on a person's word, it answers.
    """
    base = tmp_path / "base"
    shutil.copytree(model_path(), base)
    config, (old, new) = configured(), pair
    config = replace(config, model=replace(config.model, base=str(base)))
    verdict = Verdict(
        id="vdt_1", task="routing", time=0.0, report="", candidate=new.id, outcome=Outcome.PASS, because=""
    )
    store.verdicts.put(replace(verdict, artifact=new.blob, base=bytes_of(store, str(base))))
    answerer = Answerer(backend, store, config)
    try:
        release(store, Stage.FULL, old)
        answerer.routes.refresh()
        before = (base / "config.json").read_text()
        (base / "config.json").write_text(f"{before}\n")
        release(store, Stage.FULL, new)
        answerer.routes.refresh()
        assert answerer.answer("routing", user("x")).version == old.id
        assert answerer.routes.problems["routing"].startswith(f"E407 {new.id} was proven over {base} as it was then")
        (base / "config.json").write_text(before)
        answerer.routes.refresh()
        assert (answerer.answer("routing", user("x")).version, answerer.routes.problems) == (new.id, {})
    finally:
        answerer.close()
    (base / "config.json").write_text(f"{before}\n")
    again = Answerer(KeywordBackend(), store, config)
    try:
        with pytest.raises(NothingReleased):
            again.answer("routing", user("x"))
        promote(store, "routing", new.id, "I know it", now=9.0, base=bytes_of(store, str(base)))
        again.routes.refresh()
        assert again.answer("routing", user("x")).version == new.id
    finally:
        again.close()

"""Several versions registered as one: answered through the gateway, gone on from, erased, and taught to one."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from openai import OpenAI

import tiny
from homeostat.config.schema import Gateway
from homeostat.curate.build import Curated
from homeostat.curate.snapshot import store_dataset
from homeostat.errors import NothingToTrainOn, NotReleasable, UnknownPlugin, UnsuitedModel
from homeostat.evaluate.ensemble import telling
from homeostat.gateway.server import served
from homeostat.llm.assembled import read_assembled
from homeostat.llm.backend import Request
from homeostat.llm.local import LocalBackend
from homeostat.llm.teacher import Loaded
from homeostat.loop.making.assembling import RELATION, assemble
from homeostat.loop.making.distill import Wish, distill
from homeostat.loop.making.ensemble import gathered
from homeostat.loop.making.learn import Lesson, learn, start_of
from homeostat.loop.workshop import Workshop
from homeostat.release.archive import export, take_in
from homeostat.serve.answer import Answerer, Options
from homeostat.stats.intervals import paired
from homeostat.store.erased import learned_from_erased
from homeostat.train.named import named
from homeostat.train.recipe import Recipe
from homeostat.types.interaction import Interaction
from homeostat.types.release import Stage
from homeostat.types.version import ENSEMBLE, State, Version
from keywords import release
from loop.domains import DOMAINS, LABELS, right, unseen
from shown import Shown


@pytest.fixture(scope="module")
def school(domains_shop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> list[Version]:
    """Three versions of the same labels, each of which saw ten rows of each label of its own."""
    shop, made = domains_shop, []
    for seed in range(3):
        rows = tiny.examples(each=10, seed=20 + seed)
        curated = Curated(examples=tuple(rows), labels=tiny.LABELS)
        dataset = store_dataset(shop.store, curated, task="routing", turn=f"school{seed}", now=5.0)
        recipe = Recipe(lr=8e-3, max_steps=30, epochs=30, looks=1, batch_rows=10, seed=seed)
        lesson = Lesson(task="routing", dataset=dataset.id, recipe=recipe, version=f"ver_school{seed}", time=5.0)
        made.append(learn(shop, lesson))
    return made


def members(shop: Workshop) -> list[Version]:
    return [shop.store.versions.get(f"ver_routing_{name}") for name in DOMAINS]


def test_it_answers_through_the_gateway(domains_shop: Workshop) -> None:
    """What the gateway replies, and how far the members disagree, is what they say together; the row is kept with it,
    and the version is a candidate that names its members and is sound.
    """
    shop = domains_shop
    made = assemble(shop, members(shop), "product")
    assert (made.kind, made.state, made.labels) == (ENSEMBLE, State.CANDIDATE, LABELS)
    assert assemble(shop, members(shop), "product") == made
    tied = {id for relation, id in shop.store.lineage.parents(made.id) if relation == RELATION}
    assert tied == {"ver_routing_parcels", "ver_routing_machines"}
    texts, task = unseen(each=3)[0], shop.config.task("routing")
    with gathered(shop, members(shop), "product") as ensemble:
        wanted = ensemble.reply([Request(task=task, text=text, version="") for text in texts])
    answerer = Answerer(LocalBackend(shop.config.model.base), shop.store, shop.config)
    try:
        rows = [
            answerer.ask("routing", [{"role": "user", "content": text}], Options(version=made.id)).result().interaction
            for text in texts
        ]
    finally:
        answerer.close()
    assert [row.reply for row in rows] == [one.text for one in wanted]
    assert [row.disagreement for row in rows] == pytest.approx([one.disagreement for one in wanted], abs=1e-5)
    assert max(row.disagreement for row in rows) > 0.01
    assert shop.store.interactions.get(rows[0].id).disagreement == rows[0].disagreement
    assert shop.store.verify() == []


@pytest.mark.slow
def test_the_mean_is_better_than_a_member(domains_shop: Workshop, school: list[Version], shown: Shown) -> None:
    """Registered, three versions that each saw a few rows of their own tell more unseen rows right than one of them
    does on average; where it is wrong, they disagree more than where it is right.
    """
    shop, (texts, target) = domains_shop, unseen(tiny.LABELS, each=60)
    made = assemble(shop, school)
    alone = np.mean([right(shop, one, texts, target) for one in school], axis=0)
    replies = shop.answers(shop.config.task("routing"), made, texts)
    mine = np.array([reply.text == label for reply, label in zip(replies, target, strict=True)], dtype=float)
    assert 0.4 < alone.mean() < 0.98
    shown.within("share of unseen rows told right, more than by a member on average", paired(mine, alone))
    doubt = np.array([reply.disagreement for reply in replies])
    tells = telling(doubt, mine == 0)
    assert tells is not None
    assert tells.low > 0.5


def test_who_answers_what_is_chosen_on_rows_that_no_training_saw(domains_shop: Workshop) -> None:
    """Each label that the mean would reply has one member, whose word the ensemble then gives."""
    shop = domains_shop
    made = assemble(shop, members(shop), "slice")
    folder = shop.store.blobs.folder(made.blob)
    best = read_assembled(made, folder).best
    assert set(best.values()) <= {0, 1}
    assert best
    texts, task = unseen(each=8)[0], shop.config.task("routing")
    with gathered(shop, members(shop)) as ensemble:
        opinions = ensemble.reply([Request(task=task, text=text, version="") for text in texts])
    said = [reply.text for reply in shop.answers(task, made, texts)]
    known = [k for k, opinion in enumerate(opinions) if opinion.text in best]
    assert [said[k] for k in known] == [opinions[k].members[best[opinions[k].text]] for k in known]
    assert len(known) > 5


def test_a_request_goes_to_who_was_trained_for_its_like(domains_shop: Workshop, tmp_path: Path, shown: Shown) -> None:
    """Registered, carried to another project and answering as its canary: every request over HTTP gets the reply and
    the confidence that the same members give it when they are asked together and routed. More unseen rows are told
    right than by the members' mean.
    """
    shop, (texts, target) = domains_shop, unseen(each=16)
    made, task = assemble(shop, members(shop), "routed"), shop.config.task("routing")
    with gathered(shop, members(shop), "routed") as ensemble:
        wanted = ensemble.reply([Request(task=task, text=text, version="") for text in texts])
    assert [reply.text for reply in shop.answers(task, made, texts)] == [one.text for one in wanted]
    assert shop.store.verify() == []
    mean = right(shop, assemble(shop, members(shop)), texts, target)
    mine = [float(one.text == label) for one, label in zip(wanted, target, strict=True)]
    shown.within("share of unseen rows told right, more than by the members' mean", paired(mine, mean), least=0.05)
    with closing(Workshop.open(replace(shop.config, folder=str(tmp_path / "other"), gateway=Gateway(port=0)))) as other:
        for version in (members(shop)[0], made):
            export(shop.store, version, tmp_path / "one.tar", shop.signing)
            take_in(other.store, tmp_path / "one.tar", other.signing, unsigned=True)
        release(other.store, Stage.CANARY, members(shop)[0], made, share=0.5)
        said = over_http(other, texts)
        assert other.store.verify() == []
    own = [k for k, row in enumerate(said) if row.version == made.id]
    assert len(own) > 20
    assert {said[k].version for k in range(len(texts)) if k not in own} == {members(shop)[0].id}
    assert [said[k].reply for k in own] == [wanted[k].text for k in own]
    assert [said[k].confidence for k in own] == pytest.approx([wanted[k].confidence for k in own], abs=1e-4)


def over_http(shop: Workshop, texts: list[str]) -> list[Interaction]:
    """The rows that a project's gateway keeps of these requests, each of an episode of its own."""
    answerer = Answerer(LocalBackend(shop.config.model.base), shop.store, shop.config)
    try:
        with served(answerer, answerer.gateway) as url, OpenAI(base_url=f"{url}/v1", api_key="none") as client:
            got = [
                client.chat.completions.create(
                    model="routing", user=f"user {k}", messages=[{"role": "user", "content": text}]
                )
                for k, text in enumerate(texts)
            ]
    finally:
        answerer.close()
    return [shop.store.interactions.get(one.id) for one in got]


def test_who_goes_on_from_it_goes_on_from_its_first_member(domains_shop: Workshop) -> None:
    """With the labels of that one, whose codes are the first of all."""
    made = assemble(domains_shop, members(domains_shop))
    start = start_of(domains_shop, made)
    assert (start.kind, start.labels) == ("lora", DOMAINS["parcels"])
    assert start.folder is not None
    assert start.folder.name == "0"


def test_it_has_learned_what_its_members_have(domains_shop: Workshop) -> None:
    """Rows erased of one member's dataset are rows that it has learned from."""
    made = assemble(domains_shop, members(domains_shop))
    of = members(domains_shop)[1].dataset
    assert learned_from_erased(domains_shop.store, also={of})[made.id]


@pytest.mark.slow
def test_it_is_taught_to_one(domains_shop: Workshop, school: list[Version], shown: Shown) -> None:
    """A single model that has learned what the ensemble says of requests, without any label, tells more unseen rows
    right than a member does on average.
    """
    shop = domains_shop
    made, task = assemble(shop, school), shop.config.task("routing")
    wish = Wish(task=task, base=shop.config.model.base, teachers=(made.id,), recipe=named("student", shop.config.train))
    with shop.loaded(made) as backend:
        student = distill(shop, wish, Loaded(backend, [made]))
    texts, target = unseen(tiny.LABELS, each=60)
    alone = np.mean([right(shop, one, texts, target) for one in school], axis=0)
    of = "share of unseen rows told right by one model, more than by a member on average"
    shown.within(of, paired(right(shop, student, texts, target), alone))


def test_what_cannot_be_assembled(domains_shop: Workshop) -> None:
    """Another way, versions of two tasks, and an ensemble inside an ensemble."""
    shop = domains_shop
    with pytest.raises(UnknownPlugin):
        assemble(shop, members(shop), "roted")
    noise = shop.store.versions.get("ver_noise")
    unknown = replace(noise, id="ver_routing_noise", task="routing", dataset="")
    with pytest.raises(NothingToTrainOn, match="ver_routing_noise learned 0 new rows"):
        assemble(shop, [members(shop)[0], unknown], "routed")
    with pytest.raises(NotReleasable):
        assemble(shop, [members(shop)[0], shop.store.versions.get("ver_machines")])
    with pytest.raises(UnsuitedModel):
        assemble(shop, [members(shop)[0], assemble(shop, members(shop))])

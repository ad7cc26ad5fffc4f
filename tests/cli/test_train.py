"""Training by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import closing
from itertools import cycle
from pathlib import Path

import numpy as np
import openai
import pytest
import torch

import tiny
from cli.conftest import Run
from cli.scenes import START, stream
from homeostat.config.load import load
from homeostat.curate.snapshot import examples
from homeostat.errors import NotFound, NothingToTrainOn, UnknownPlugin, UnsuitedModel
from homeostat.gateway.server import served
from homeostat.llm.adapters import stand
from homeostat.llm.backend import Request
from homeostat.llm.forward import predict
from homeostat.llm.local import LocalBackend
from homeostat.llm.render import Renderer
from homeostat.llm.spelled import spelled
from homeostat.loop.workshop import Workshop
from homeostat.serve.answer import Answerer
from homeostat.train.head import kept
from homeostat.train.head.ridge import RidgeHead
from homeostat.train.head.solve import SUMS
from homeostat.types.interaction import Interaction
from homeostat.types.version import State, Version
from waiting import eventually


def test_two_sources_are_one_too_many(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """Both of `--dataset` and `--stream` are an error of use; neither is the log, which may have been told nothing."""
    file = stream(tmp_path / "s.jsonl")
    ran = homeostat("train", "--config", shop)
    assert ran.code == NothingToTrainOn.exit
    assert "the log has been told nothing new" in ran.err
    assert homeostat("train", "--config", shop, "--stream", file, "--dataset", "dst_a").code == 2


def test_an_unknown_recipe_names_the_nearest(homeostat: Run, shop: Path, tmp_path: Path) -> None:
    """An error that lists the recipes there are, and says who named it: the command line or the configuration."""
    asked = ("train", "--config", shop, "--stream", stream(tmp_path / "s.jsonl"), "--recipe", "carefull")
    ran = homeostat(*asked)
    assert ran.code == UnknownPlugin.exit
    assert "unknown recipe 'carefull'  (--recipe)" in ran.err
    assert "did you mean 'careful'?" in ran.err
    with shop.open("a") as file:
        file.write("train: {attempts: [thorogh]}\n")
    assert "unknown recipe 'thorogh'  (train.attempts)" in homeostat(*asked).err


def test_rows_come_by_what_the_champion_says(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """A recipe whose order asks a teacher has none for a first version, and is told so; then it has the champion, and
    what it makes can be made again.
    """
    text = small.read_text().replace(
        "held_out: 0.2}",
        "held_out: 0.2, recipes: {anew: {like: joint, order: {curriculum: {difficulty: {loss: {teacher: true}}}}}}}",
    )
    small.write_text(text)
    file = stream(tmp_path / "s.jsonl", 60)
    given = ("train", "routing", "--stream", file, "--recipe", "anew", "--config", small, "--json")
    early = homeostat(*given)
    assert (early.code, json.loads(early.err.splitlines()[-1])["error"]["where"]) == (
        UnsuitedModel.exit,
        "recipe.order",
    )
    homeostat("import", file, "--task", "routing", "--config", small)
    made = homeostat(*given)
    assert made.code == 0, made.err
    assert homeostat("reproduce", made.json["version"], "--config", small, "--json").json["same"]


@pytest.mark.parametrize(
    ("recipe", "says"),
    [("domain", "homeostat pretrain"), ("student", "homeostat distill"), ("repair", "only in a turn that mends")],
)
def test_recipes_that_are_for_something_else(
    homeostat: Run, shop: Path, tmp_path: Path, recipe: str, says: str
) -> None:
    """Made for one command, or for a step of a turn: refused before anything is read, as one's own like them is."""
    with shop.open("a") as file:
        file.write(f"train: {{recipes: {{own: {{like: {recipe}}}}}}}\n")
    file = stream(tmp_path / "s.jsonl")
    for command in (("train", "--stream", file), ("rates", file), ("sweep", file), ("borrow", "routing", file)):
        for name in (recipe, "own"):
            ran = homeostat(*command, "--recipe", name, "--config", shop)
            assert ran.code == UnsuitedModel.exit
            assert f"recipe '{name}'" in ran.err
            assert says in ran.err


def test_a_dataset_that_is_not_there(homeostat: Run, shop: Path) -> None:
    """An error."""
    assert homeostat("train", "--config", shop, "--dataset", "dst_nothing").code == NotFound.exit


def test_a_dry_run_says_what_training_then_takes(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Rows, steps and operations at most, and nothing written; training registers a candidate and releases nothing."""
    file = stream(tmp_path / "s.jsonl", 40)
    homeostat("import", file, "--task", "routing", "--config", small)
    given = ("train", "routing", "--stream", file, "--config", small, "--json")
    told = homeostat(*given, "--dry-run").json
    shop = Workshop.open(load(small))
    assert len(shop.store.versions.list()) == 1
    assert len(shop.store.datasets.list()) == 1
    ran = homeostat(*given)
    assert ran.code == 0, ran.err
    done = ran.json
    assert 0 < done["steps"] <= told["steps"]
    assert 0 < done["flops"] <= told["flops"] * 1.2
    candidate = shop.store.versions.get(done["version"])
    champion = shop.store.aliases.get("routing", "champion")
    assert candidate.state is State.CANDIDATE
    assert candidate.parent == champion != candidate.id
    assert candidate.recipe["name"] == "careful"
    assert shop.store.datasets.get(done["dataset"]).parents == (shop.store.versions.get(champion).dataset,)
    assert homeostat(*given).json["version"] == candidate.id
    again = homeostat(*given[:2], "--dataset", done["dataset"], *given[4:]).json
    assert again["version"] == candidate.id
    assert shop.store.verify() == []
    shop.close()


def test_a_dry_run_says_where_from_how_and_at_what_price(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Without a champion a careful run begins at the bare base, and that is said; there is no training to reckon time
    by. With one, its rows by what they are to the run, the rate, the budget, and the time and the money that the
    champion's training took by the operation.
    """
    budget = "train: {recipes: {bound: {like: naive, budget: {seconds: 9}}}, "
    prices = "decide: {price_per_cpu_hour: 3600, price_per_gpu_hour: 0}\n"
    small.write_text(small.read_text().replace("train: {", budget) + prices)
    file, new = stream(tmp_path / "s.jsonl", 40), tmp_path / "new.jsonl"
    given = ("train", "routing", "--stream", file, "--config", small, "--dry-run")
    first = homeostat(*given, "--json").json
    assert (first["from"], first["parent"]) == ("the bare base", "")
    assert first["why"] == "recipe 'careful' goes on from a champion, and task 'routing' has no champion yet"
    assert not {"cpu_seconds_about", "money_about"} & first.keys()
    homeostat("import", file, "--task", "routing", "--config", small)
    lines = [{"text": f"water leaks from pump {k}", "label": "leak", "time": START + 9e4 + k} for k in range(10)]
    new.write_text("".join(json.dumps(line | {"split": "live"}) + "\n" for line in lines))
    given = ("train", "routing", "--stream", new, "--config", small, "--dry-run", "--recipe")
    with closing(Workshop.open(load(small))) as shop:
        champion = shop.champion("routing")
    told = {recipe: homeostat(*given, recipe, "--json").json for recipe in ("careful", "joint", "bound", "head")}
    assert [told[recipe]["from"] for recipe in told] == [champion.id, "the bare base", champion.id, "the bare base"]
    assert {one["parent"] for one in told.values()} == {champion.id}
    assert (told["careful"]["new"], told["careful"]["replayed"]) == (10, 10)
    assert (told["joint"]["new"], told["joint"]["replayed"], told["joint"]["recalled"]) == (42, 0, 0)
    assert told["bound"]["budget"] == {"seconds": 9.0}
    assert (told["bound"]["lr"], told["bound"]["epochs"], "lr" in told["head"]) == (2e-3, 2.0, False)
    pace = champion.cost["cpu_seconds"] / champion.cost["flops"]
    assert told["joint"]["cpu_seconds_about"] == pytest.approx(told["joint"]["flops"] * pace)
    assert told["joint"]["money_about"] == pytest.approx(told["joint"]["cpu_seconds_about"])
    assert (told["joint"]["at_the_pace_of"], "at_the_pace_of" in told["head"]) == (champion.id, False)
    said = homeostat(*given, "bound").out
    assert all(words in said for words in ("kept aside", champion.id, "seconds 9", "money_about", "replayed"))


def test_from_the_bare_base_everything_is_learned(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """`joint` from a stream, and a recipe of one's own like it, learn what the champion knows too, as new rows; the
    champion's labels keep their codes.
    """
    small.write_text(small.read_text().replace("train: {", "train: {recipes: {slow: {like: joint, lr: 1e-4}}, "))
    homeostat("import", stream(tmp_path / "s.jsonl", 40), "--task", "routing", "--config", small)
    new = tmp_path / "new.jsonl"
    rows = [{"text": f"water leaks from pump {k}", "label": "leak", "time": START + 9e4 + k} for k in range(10)]
    new.write_text("".join(json.dumps({**row, "split": "live"}) + "\n" for row in rows))
    given = ("train", "routing", "--stream", new, "--config", small, "--json", "--recipe")
    with closing(Workshop.open(load(small))) as shop:
        champion = shop.champion("routing")
        known = {row.text for row in examples(shop.store, champion.dataset)}
        for recipe in ("joint", "slow"):
            told, done = homeostat(*given, recipe, "--dry-run").json, homeostat(*given, recipe).json
            learned = examples(shop.store, done["dataset"])
            assert {row.text for row in learned} == known | {row["text"] for row in rows}
            assert {row.origin for row in learned} == {"new"}
            assert told["rows"] + told["held_out"] == len(learned)
            assert shop.store.datasets.get(done["dataset"]).labels == (*champion.labels, "leak")


def test_a_candidate_is_not_older_than_who_answers(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Made of rows from before the champion's it is as old as its making, and asked the whole suite beside it; where
    traffic is replayed and there is none yet, it is as old as the champion at least.
    """
    homeostat("import", stream(tmp_path / "s.jsonl", 40), "--task", "routing", "--config", small)
    old = tmp_path / "old.jsonl"
    lines = [{"text": f"water leaks from pump {k}", "label": "leak", "time": START - 9e4 + k} for k in range(10)]
    old.write_text("".join(json.dumps(line) + "\n" for line in lines))
    given = ("train", "routing", "--stream", old, "--config", small, "--json", "--recipe")
    began = time.time()
    with closing(Workshop.open(load(small))) as shop:
        champion, suite = shop.champion("routing"), shop.suite("routing")
        for made in (homeostat(*given, "naive").json, homeostat("few", "routing", *given[2:-1]).json):
            assert began < shop.store.versions.get(made["version"]).time < time.time()
            assert shop.store.datasets.get(made["dataset"]).time < champion.time
            asked = homeostat("eval", made["version"], "--config", small, "--json").json
            assert asked["report"]["difference"]["n"] == len(suite) == 8
        small.write_text(small.read_text() + "gateway: {trust_client_time: true}\n")
        replayed = shop.store.versions.get(homeostat(*given, "joint").json["version"])
        assert replayed.time == champion.time


def test_from_the_bare_base_without_a_champion(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """A task that nobody answers yet can be taught; the candidate has no parent. A text task learns replies."""
    file = stream(tmp_path / "s.jsonl", 40, reply="We are sorry.")
    ran = homeostat("train", "replies", "--stream", file, "--recipe", "joint", "--config", small)
    assert ran.code == 0, ran.err
    assert "trained" in ran.out
    shop = Workshop.open(load(small))
    [made] = shop.store.versions.list("replies")
    assert (made.parent, made.labels, made.kind) == ("", (), "lora")
    shop.close()


def own_words(shop: Workshop, version: Version, texts: Sequence[str]) -> list[str]:
    """What a head's sums say of texts, apart from everything that serves it."""
    features, head = kept.load(shop.store.blobs.folder(version.blob) / SUMS)
    assert isinstance(head, RidgeHead)
    requests = [Request(task=shop.config.task("routing"), text=text, version="") for text in texts]
    states = LocalBackend(version.base).embed(requests).astype(np.float64)
    return head.predict(features.of(states, texts))


def test_from_the_log_to_a_head_that_answers_and_back(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """Requests that an adapter answers are labeled by users with a label it does not know, and learned by a head,
    which is promoted and answers the same requests with what it says itself, the new label among it; what is told then
    is all that the next head reads; rolled back, the adapter answers again.
    """
    small.write_text(small.read_text().replace("project: small\n", "project: small\nrelease: {poll_s: 0.05}\n"))
    homeostat("import", stream(tmp_path / "s.jsonl", 40), "--task", "routing", "--config", small)
    shop = Workshop.open(load(small))
    adapter = shop.champion("routing")
    backend = LocalBackend(shop.config.model.base)
    answerer = Answerer(backend, shop.store, shop.config)
    leaks = [f"water is leaking from the {what}, the floor is wet" for what in ("box", "pump", "tank", "pipe", "tray")]
    texts = [*leaks, "I want my money back", "where is my parcel"]

    def learned() -> dict[str, object]:
        ran = homeostat("train", "routing", "--recipe", "head", "--config", small, "--json")
        assert ran.code == 0, ran.err
        done: dict[str, object] = ran.json
        return done

    with served(answerer, answerer.gateway) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="none") as client:

        def ask(text: str) -> object:
            return client.chat.completions.create(model="routing", messages=[{"role": "user", "content": text}])

        def answered_by(version: str) -> bool:
            return ask("hello").homeostat["version"] == version  # type: ignore[attr-defined]

        def label(text: str, value: str) -> None:
            said = {"interaction": ask(text).id, "kind": "label", "value": value}  # type: ignore[attr-defined]
            assert client.post("/feedback", body=said, cast_to=object)

        for text in leaks:
            label(text, "leak")
        first = learned()
        head = shop.store.versions.get(str(first["version"]))
        assert (head.kind, head.parent, head.recipe["name"]) == ("head", adapter.id, "head")
        assert set(head.labels) == {*adapter.labels, "leak"}
        assert homeostat("promote", head.id, "--config", small).code == 0
        assert eventually(lambda: answered_by(head.id))
        replies = [ask(text) for text in texts]
        rows = [shop.store.interactions.get(reply.id) for reply in replies]  # type: ignore[attr-defined]
        said = [reply.choices[0].message.content for reply in replies]  # type: ignore[attr-defined]
        assert said == [row.reply for row in rows] == own_words(shop, head, texts)
        assert said[:5] == ["leak"] * 5
        assert all(0.3 < row.confidence < 1.0 and row.entropy > 0.0 and row.embedding for row in rows)

        label("the hose drips on the carpet", "leak")
        second = learned()
        assert (second["rows"], second["added"], second["removed"]) == (first["rows"] + 1, 1, 0)  # type: ignore[operator]
        assert homeostat("rollback", "routing", "--config", small).code == 0
        assert eventually(lambda: answered_by(adapter.id))
    listed = homeostat("versions", "routing", "--config", small)
    assert "head" in listed.out
    assert "head on" in homeostat("why", head.id, "--config", small).out
    answerer.close()
    shop.close()


def test_a_number_behind_the_gateway(homeostat: Run, small: Path, tmp_path: Path) -> None:
    """A task whose replies are numbers: a head learns them from a stream, is promoted, and answers over HTTP with a
    number; corrections are learned by the next one, from all rows.
    """
    settings = small.read_text().replace("project: small\n", "project: small\nrelease: {poll_s: 0.05}\n")
    small.write_text(settings.replace("epochs: 2", "lr: 1e-2, epochs: 12"))
    minutes, rows = {"refund": "10", "delivery": "80"}, []
    for line in stream(tmp_path / "s.jsonl", 90).read_text().splitlines():
        row = json.loads(line)
        split = "test" if len(rows) % 9 == 8 else "history"
        rows.append({**row, "reply": minutes[row["label"]], "split": split})
    file = tmp_path / "minutes.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = homeostat("train", "replies", "--recipe", "estimator", "--stream", file, "--config", small, "--json")
    assert ran.code == 0, ran.err
    shop = Workshop.open(load(small))
    head = shop.store.versions.get(ran.json["version"])
    assert (head.kind, head.labels, head.recipe["name"]) == ("head", (), "estimator")
    assert homeostat("promote", head.id, "--config", small).code == 0
    answerer = Answerer(LocalBackend(shop.config.model.base), shop.store, shop.config)
    texts = {"I want my money back 5 xyz": 10.0, "where is my parcel 12": 80.0}
    with served(answerer, answerer.gateway) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        for text, wanted in texts.items():
            reply = client.chat.completions.create(model="replies", messages=[{"role": "user", "content": text}])
            said = str(reply.choices[0].message.content)
            assert abs(float(json.loads(said)) - wanted) < 20
            row = shop.store.interactions.get(reply.id)
            assert (row.reply, row.version, bool(row.embedding)) == (said, head.id, True)
            told = {"interaction": reply.id, "kind": "correction", "value": str(wanted + 1)}
            assert client.post("/feedback", body=told, cast_to=object)
    again = homeostat("train", "replies", "--recipe", "estimator", "--config", small, "--json")
    assert again.code == 0, again.err
    first, second = (examples(shop.store, shop.store.versions.get(r.json["version"]).dataset) for r in (ran, again))
    assert {row.text for row in second} == {row.text for row in first} | set(texts)
    answerer.close()
    shop.close()


LIKED, DISLIKED = "We are sorry, it ships today.", "We are sorry, it never ships."
CAROL = "carol@example.org"
RECIPES = "train: {recipes: {thumbs: {like: joint, objective: kto}, degrees: {like: joint, objective: rated}}, "


def rated_replies(shop: Workshop, values: Sequence[str]) -> None:
    """Requests that were answered by turns in two ways, and what users said of the replies over HTTP."""
    texts = [text for label in tiny.LABELS for text in tiny.texts(label, 12, seed=1)]
    tags = [{"user": CAROL} if k == 1 else {} for k in range(len(texts))]
    rows = [
        Interaction(id=f"int_{k}", task="replies", time=k + 1.0, text=text, reply=reply, version="ver_1", tags=own)
        for k, (text, reply, own) in enumerate(zip(texts, cycle((LIKED, DISLIKED)), tags, strict=False))
    ]
    shop.store.interactions.add(rows)
    answerer = Answerer(LocalBackend(shop.config.model.base), shop.store, shop.config)
    with served(answerer, answerer.gateway) as url, openai.OpenAI(base_url=f"{url}/v1", api_key="none") as client:
        told = [
            {"interaction": row.id, "kind": "rating", "value": value}
            for row, value in zip(rows, cycle(values), strict=False)
        ]
        assert client.post("/feedback", body=told, cast_to=object)  # type: ignore[arg-type]
    answerer.close()


@torch.no_grad()
def likely(shop: Workshop, version: Version | None, reply: str) -> float:
    """The mean log-probability of a reply to requests that nobody has asked yet, in nats."""
    folder = shop.store.blobs.folder(version.blob) if version else None
    opened = stand(shop.config.model.base, version.kind if version else "base", folder, "asked")
    renderer, task = Renderer(opened.tokenizer), shop.config.task("replies")
    texts = [text for label in tiny.LABELS for text in tiny.texts(label, 8, seed=5)]
    rows = [renderer.example(task, text, renderer.target(reply)) for text in texts]
    said = spelled(predict(opened, rows), [row.completion for row in rows])
    return float(np.mean([one.logs.sum() for one in said]))


def test_a_disliked_reply_becomes_less_likely(homeostat: Run, small: Path) -> None:
    """Ratings that users send are learned: by `kto` the liked reply becomes likelier and the disliked one less likely,
    which fine-tuning on the liked ones makes likelier, for they begin alike; nobody else is shown bad replies, not even
    by naming that dataset; and erasing a user takes a bad reply out of it as any other row.
    """
    small.write_text(small.read_text().replace("train: {epochs: 2", f"{RECIPES}lr: 1e-2, epochs: 12"))
    shop = Workshop.open(load(small))
    rated_replies(shop, ("1", "0"))
    given = ("train", "replies", "--config", small, "--json", "--recipe")
    ran = {recipe: homeostat(*given, recipe) for recipe in ("joint", "thumbs", "degrees")}
    assert [one.code for one in ran.values()] == [0, 0, 0], ran
    made = {recipe: shop.store.versions.get(one.json["version"]) for recipe, one in ran.items()}
    values = {recipe: [row.value for row in examples(shop.store, one.dataset)] for recipe, one in made.items()}
    assert values == {"joint": [1.0] * 18, "thumbs": [1.0, 0.0] * 18, "degrees": [1.0, 0.0] * 18}

    before, plain, thumbs = (likely(shop, one, DISLIKED) for one in (None, made["joint"], made["thumbs"]))
    assert thumbs < before - 0.3 < before + 1.0 < plain
    assert likely(shop, made["thumbs"], LIKED) > likely(shop, None, LIKED) + 1.0
    apart = [likely(shop, made[name], LIKED) - likely(shop, made[name], DISLIKED) for name in ("thumbs", "joint")]
    assert apart[0] > apart[1] + 1.0

    named = homeostat(*given, "joint", "--dataset", made["thumbs"].dataset)
    assert likely(shop, shop.store.versions.get(named.json["version"]), DISLIKED) == pytest.approx(plain, abs=1e-4)
    assert homeostat("erase", "--user", CAROL, "--config", small, "--yes").code == 0
    left = [row.interaction for row in examples(shop.store, made["thumbs"].dataset)]
    assert left == [f"int_{k}" for k in range(36) if k != 1]
    shop.close()


def test_ratings_that_teach_nothing_are_told_before_anything_is_written(homeostat: Run, small: Path) -> None:
    """Where nothing was disliked, or all was rated alike, what is missing and how to mend it is said; a dry run too."""
    small.write_text(small.read_text().replace("train: {", RECIPES))
    shop = Workshop.open(load(small))
    rated_replies(shop, ("1",))
    for recipe, what in (("thumbs", "none of 36 replies was rated 0.5 or less"), ("degrees", "all 36 replies")):
        for more in ((), ("--dry-run",)):
            ran = homeostat("train", "replies", "--recipe", recipe, "--config", small, "--json", *more)
            assert ran.code == NothingToTrainOn.exit
            said = json.loads(ran.err)["error"]
            assert what in said["what"]
            assert "kind: rating" in said["fix"]
    assert shop.store.datasets.list() == []
    shop.close()

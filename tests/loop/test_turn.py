"""A whole turn, in a worker of its own: what it leaves, where it may end, and that killing it changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from mortal import Worker, steps, through
from small_project import NEW, TASK, Gateway

from homeostat.config.schema import Config, Evaluate
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import rollback
from homeostat.store.lineage import lines, why
from homeostat.types.decision import Action
from homeostat.types.release import Stage
from homeostat.types.report import Outcome
from homeostat.types.version import State

RECIPES = ("naive", "careful")
QUICK = ["training:66"]
"""Killed in the fast suite: in the middle of training."""
SLOW = [
    *(f"begin:{step}" for step in steps(RECIPES) if step not in {"stage", "advance"}),
    *(f"begin:{step}.{move}" for step in ("stage", "advance") for move in (0, 1)),
    "begin:stage.2",
    *(f"done:{step}" for step in steps(RECIPES)),
    *(f"noted:{step}" for step in steps(RECIPES)),
    *(f"row:{stage}" for stage in ("shadow", "canary", "full")),
    *(f"training:{step}" for step in (1, 37, 60, 72)),
]


def test_a_turn_takes_traffic_to_a_better_champion(undisturbed: dict[str, Any]) -> None:
    """Signals, a decision, a refused candidate and a better one, released by stages: every step leaves its noun."""
    turn, versions = undisturbed["turn"], {v["id"]: v for v in undisturbed["versions"]}
    diary = turn["diary"]

    assert list(diary) == steps(RECIPES)
    assert turn["state"] == diary["end"] == "release"
    assert diary["watch"].split() == [s["id"] for s in undisturbed["signals"]]
    assert [d["action"] for d in undisturbed["decisions"]] == [Action.RETRAIN]
    assert [d["id"] for d in undisturbed["datasets"][1:]] == [diary["curate.naive"], diary["curate.careful"]]
    assert [r["id"] for r in undisturbed["reports"]] == [diary["evaluate.naive"], diary["evaluate.careful"]]
    assert [v["outcome"] for v in undisturbed["verdicts"]] == [Outcome.FAIL, Outcome.PASS]
    assert versions[diary["train.naive"]]["state"] is State.REFUSED
    assert versions[diary["train.careful"]]["state"] is State.LIVE
    assert [row[1] for row in undisturbed["releases"]] == ["full", "shadow", "canary", "full"]
    assert undisturbed["aliases"]["champion"] == diary["train.careful"]
    assert undisturbed["problems"] == []


def test_the_refusal_is_earned(undisturbed: dict[str, Any]) -> None:
    """The candidate trained on new rows alone learned the new labels and forgot the old; with replay it did not."""
    naive, careful = undisturbed["reports"]
    assert naive["groups"]["new labels"]["mean"] > 0.5
    assert naive["groups"]["known labels"]["high"] < -0.05
    assert careful["groups"]["new labels"]["mean"] > 0.5
    assert careful["groups"]["known labels"]["mean"] > -0.1 > naive["groups"]["known labels"]["mean"]


def test_why_walks_from_the_champion_to_the_requests_that_taught_it(turned: tuple[Config, dict[str, Any]]) -> None:
    """The lineage of the new champion reaches its dataset, the interactions in it and what was said of them."""
    shop = Workshop.open(turned[0])
    champion = shop.champion(TASK)

    told = "\n".join(lines(why(shop.store, champion.id)))

    assert set(NEW) <= set(champion.labels)
    assert champion.dataset in told
    assert "100 interactions" in told
    assert "int_live0050" in told
    assert "100 feedback" in told
    shop.close()


@pytest.mark.parametrize("death", QUICK)
def test_a_killed_turn_ends_as_if_nothing_had_happened(
    project: Config, undisturbed: dict[str, Any], death: str
) -> None:
    """After SIGKILL and a restart: the same ids, weights, verdicts and release, and no row twice."""
    assert through(project, [death]) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("death", SLOW)
def test_a_turn_killed_anywhere_ends_as_if_nothing_had_happened(
    project: Config, undisturbed: dict[str, Any], death: str
) -> None:
    """At every step: as it begins, when its work is done, when the diary knows of it; and all along training."""
    assert through(project, [death]) == undisturbed


@pytest.mark.slow
def test_a_turn_survives_many_deaths(project: Config, undisturbed: dict[str, Any]) -> None:
    """Killed nine times over, twice of them at the same place."""
    deaths = ["begin:watch", "done:decide", "training:16", "training:40", "training:40", "done:train.careful"]
    assert through(project, [*deaths, "noted:gate.careful", "row:canary", "done:end"]) == undisturbed


@pytest.mark.slow
def test_a_turn_survives_the_loss_of_its_queue(
    project: Config, undisturbed: dict[str, Any], workers: Callable[..., Worker]
) -> None:
    """With the database of DBOS gone, the steps are done again and leave what they left before."""
    first = workers(death="row:shadow")
    shop = Workshop.open(project)
    Gateway(shop).serve(lambda: not first.alive)
    assert first.killed
    shop.close()
    for file in Path(project.folder).glob("turns.db*"):
        file.unlink()
    assert through(project) == undisturbed


def test_a_turn_ends_where_retraining_does_not_pay(project: Config) -> None:
    """With a price that nothing can pay, the turn ends at the decision and says so; nothing is trained."""
    dear = replace(project, decide=replace(project.decide, price_per_cpu_hour=float("inf")))

    left = through(dear)

    assert left["turn"]["state"] == "decide"
    assert "price is infinite" in _because(dear)
    assert list(left["turn"]["diary"]) == ["watch", "decide", "act", "end"]
    assert len(left["versions"]) == 1


def test_a_turn_ends_at_the_gate_when_every_candidate_is_refused(project: Config) -> None:
    """With the naive recipe alone, the turn ends at the gate with the verdict's sentence, and the champion stays."""
    naive = replace(project, train=replace(project.train, attempts=("naive",), mend=False))

    left = through(naive)

    assert left["turn"]["state"] == "gate"
    assert "it forgot" in _because(naive)
    tried = [left["turn"]["diary"][step] for step in ("undecided", "train.between", "train.repair")]
    assert tried == ["", "", ""]
    assert [row[1] for row in left["releases"]] == ["full"]
    assert left["aliases"]["champion"] == left["versions"][0]["id"]


WILD = {"wild": {"like": "naive", "lr": 1e6, "back_offs": 0}}
"""A recipe that runs away at once."""


@pytest.mark.parametrize(
    ("attempts", "end"), [(("wild",), "train"), pytest.param(("wild", "careful"), "release", marks=pytest.mark.slow)]
)
def test_an_attempt_that_runs_away_costs_that_attempt_alone(
    project: Config, attempts: tuple[str, ...], end: str
) -> None:
    """The next one is made; where there is none the turn ends and says why, and the champion stays."""
    wild = replace(project, train=replace(project.train, attempts=attempts, recipes=WILD, mend=False))

    left = through(wild)

    diary = left["turn"]["diary"]
    assert (left["turn"]["state"], diary["train.wild"], "gate.wild" in diary) == (end, "", False)
    if end == "train":
        assert "wild: the " in _because(wild)
        assert len(left["versions"]) == 1
    else:
        assert left["aliases"]["champion"] == diary["train.careful"]


@pytest.mark.slow
def test_a_candidate_that_forgot_is_mended(project: Config) -> None:
    """With the naive recipe alone and a line to the champion, a version before the refused one passes and is released;
    killed while it looks, the turn finds the same version.
    """
    naive = replace(project, train=replace(project.train, attempts=("naive",)))

    left = through(naive, ["done:train.between"])

    diary, (first, second) = left["turn"]["diary"], left["verdicts"]
    assert left["turn"]["state"] == "release"
    assert (first["outcome"], second["outcome"]) == (Outcome.FAIL, Outcome.PASS)
    assert diary["judge.naive"] == ""
    assert diary["judge.between"] == diary["train.between"] == left["aliases"]["champion"]
    (mended,) = [v for v in left["versions"] if v["id"] == diary["train.between"]]
    assert mended["recipe"]["candidate"] == diary["train.naive"]
    assert 0.0 < mended["recipe"]["share"] <= 1.0


@pytest.mark.slow
def test_a_candidate_that_no_line_mends_is_repaired(project: Config) -> None:
    """Where the labels' rows are not fitted and the old is forgotten altogether, no version on the line will do. The
    champion teaches the candidate, and what comes of that passes; killed in the middle of it, and as the diary has just
    been told of it, the turn finds the same version.
    """
    plain = replace(project, train=replace(project.train, attempts=("naive",), refit=False))

    left = through(plain, ["training:100", "noted:train.repair"])

    diary, verdicts = left["turn"]["diary"], left["verdicts"]
    assert left["turn"]["state"] == "release"
    assert (verdicts[0]["outcome"], verdicts[-1]["outcome"]) == (Outcome.FAIL, Outcome.PASS)
    assert diary["judge.repair"] == diary["train.repair"] == left["aliases"]["champion"]
    assert not diary.get("judge.between")
    (repaired,) = [v for v in left["versions"] if v["id"] == diary["train.repair"]]
    assert (repaired["recipe"]["name"], repaired["parent"]) == ("repair", left["versions"][0]["id"])
    assert repaired["cost"]["kl_new"] > 0
    assert left["problems"] == []


@pytest.mark.slow
def test_an_unsure_verdict_goes_on_in_shadow(project: Config) -> None:
    """A candidate that the rows do not decide about is tried on live pairs, and they decide."""
    unsure = replace(project, evaluate=Evaluate(min_gain=0.19), train=replace(project.train, attempts=("careful",)))

    left = through(unsure)

    assert [v["outcome"] for v in left["verdicts"]] == [Outcome.UNSURE]
    assert left["turn"]["diary"]["undecided"] == left["versions"][-1]["id"]
    assert [row[1] for row in left["releases"]] == ["full", "shadow", "canary", "full"]
    assert left["turn"]["state"] == "release"


@pytest.mark.slow
def test_a_person_may_end_the_release_of_a_turn(project: Config, workers: Callable[..., Worker]) -> None:
    """After a rollback by hand the turn ends with the person's reason, and the champion has never changed."""
    careful = replace(project, train=replace(project.train, attempts=("careful",)))
    shop = Workshop.open(careful)
    champion = shop.champion(TASK).id
    workers(careful)
    gateway, store = Gateway(shop), shop.store
    assert gateway.serve(lambda: store.releases.list(TASK)[-1].stage is Stage.SHADOW)

    rollback(store, TASK, "not on a Friday", now=1.0)

    assert gateway.serve(lambda: store.turns.list(TASK)[0].state != "open")
    assert store.turns.list(TASK)[0].because == "not on a Friday"
    assert store.aliases.get(TASK, "champion") == champion
    shop.close()


def _because(config: Config) -> str:
    """Why the first turn ended."""
    shop = Workshop.open(config)
    because = shop.store.turns.list(TASK)[0].because
    shop.close()
    return because

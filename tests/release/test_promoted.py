"""What the promotions of a task rest on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from homeostat.release.promoted import REBUILDS, Way, passed, promoted
from homeostat.release.registry import promote, rollback
from homeostat.types.release import Release, Stage
from homeostat.types.report import Outcome, Spent
from release.rehearsal import TASK, add_verdict, add_version, open_store


def test_every_champion_and_what_was_shown_of_it(tmp_path: Path) -> None:
    """By a person, by the account, by live pairs, by a gate of old; a way back is no promotion."""
    with open_store(tmp_path) as store:
        promote(store, TASK, add_version(store, "first"), "the first", now=0.0)
        said = {"better": Outcome.PASS, "unsure": Outcome.UNSURE, "early": Outcome.PASS}
        for k, (name, outcome) in enumerate(said.items()):
            add_version(store, name)
            add_verdict(store, f"ver_{name}", outcome)
            tried = Release(
                id=f"rel_{k}a", task=TASK, time=k + 1.0, stage=Stage.CANARY, champion="", candidate=f"ver_{name}"
            )
            store.releases.put(replace(tried, champion=store.releases.list(TASK)[-1].champion))
            full = replace(tried, id=f"rel_{k}b", stage=Stage.FULL, champion=f"ver_{name}", candidate="")
            store.releases.put(full)
        spent = Spent(place=1, found=0, alpha=0.05, level=0.01, p=0.001)
        store.verdicts.put(replace(store.verdicts.get("vdt_ver_better"), spent=spent))
        rollback(store, TASK, "back", to="ver_first", now=9.0)
        promote(store, TASK, add_version(store, "mine"), "I know it", now=10.0)
        assert promoted(store, TASK) == {
            "ver_first": Way.BY_HAND,
            "ver_better": Way.BETTER,
            "ver_unsure": Way.NOT_WORSE,
            "ver_early": Way.EARLIER,
            "ver_mine": Way.BY_HAND,
        }


def test_who_was_made_again_was_decided_by_nobody(tmp_path: Path) -> None:
    """It came through its trial for a champion that had to go; promoted without one, a person has decided."""
    with open_store(tmp_path) as store:
        promote(store, TASK, add_version(store, "first"), "the first", now=0.0)
        for name in ("tried", "taken"):
            store.lineage.link(add_version(store, name), "ver_first", REBUILDS)
        canary = Release(
            id="rel_a", task=TASK, time=1.0, stage=Stage.CANARY, champion="ver_first", candidate="ver_tried"
        )
        store.releases.put(canary)
        store.releases.put(replace(canary, id="rel_b", stage=Stage.FULL, champion="ver_tried", candidate=""))
        promote(store, TASK, "ver_taken", "I know it", now=9.0)
        assert promoted(store, TASK) == {
            "ver_first": Way.BY_HAND,
            "ver_tried": Way.AGAIN,
            "ver_taken": Way.BY_HAND,
        }


def test_a_pass_is_a_pass_of_these_very_files(tmp_path: Path) -> None:
    """The newest verdict, and of what answers: of other files nothing was shown."""
    with open_store(tmp_path) as store:
        name = add_version(store, "new")
        assert not passed(store, TASK, name)
        add_verdict(store, name, Outcome.PASS)
        assert passed(store, TASK, name)
        other = replace(store.verdicts.get(f"vdt_{name}"), id="vdt_other", time=1.0, artifact="0" * 64)
        store.verdicts.put(other)
        assert not passed(store, TASK, name)
        store.versions.put(replace(store.versions.get(name), id="ver_other", blob="0" * 64))
        store.verdicts.put(replace(other, id="vdt_its", candidate="ver_other"))
        assert passed(store, TASK, "ver_other")
        store.verdicts.put(replace(other, id="vdt_later", candidate="ver_other", time=2.0, outcome=Outcome.UNSURE))
        assert not passed(store, TASK, "ver_other")

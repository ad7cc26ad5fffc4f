"""Candidate beside champion: measured on the rows that the world has shown, and put before the gate."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from small_project import START, TASK

from homeostat.config.schema import Model
from homeostat.curate.snapshot import examples
from homeostat.errors import OtherBase
from homeostat.evaluate.guarded import CALIBRATION, MACRO_F1
from homeostat.llm.content import bytes_of
from homeostat.loop import steps
from homeostat.loop.proving import judging
from homeostat.loop.proving.suites import keep
from homeostat.loop.steps import once
from homeostat.loop.workshop import Workshop
from homeostat.release.promoted import passed
from homeostat.release.registry import register
from homeostat.store import describe
from homeostat.types.report import Outcome
from homeostat.types.suite import Case, Suite
from homeostat.types.version import State
from loop.bystander import NOW, candidate, fair


def test_the_gate_refuses_a_copy_that_gains_nothing(shop: Workshop) -> None:
    """The champion measured beside itself: no difference on any row, so the rows do not decide."""
    copy = candidate(shop)
    report = judging.evaluate(shop, NOW, copy)
    verdict = judging.gate(shop, NOW, report, copy)
    found = shop.store.reports.get(report)
    assert (found.difference.mean, found.candidate_score.n) == (0.0, 220)
    parts = {judging.KNOWN: 160, judging.NEW: 60, MACRO_F1: 160, CALIBRATION: 160}
    assert {name: score.n for name, score in found.groups.items()} == parts
    assert shop.store.verdicts.get(verdict).outcome is Outcome.UNSURE
    assert judging.passes(shop, NOW, verdict) == ""
    once(NOW, "gate.careful", lambda *_: verdict)
    assert judging.undecided(shop, NOW) == copy
    again = judging.gate(shop, NOW, report, copy)  # the step was cut off and is run again
    assert [one.spent.place for one in shop.store.verdicts.list(TASK) if one.spent] == [1]
    assert again == verdict


def test_a_verdict_names_the_labels_without_test_rows(shop: Workshop) -> None:
    """Those of the candidate that the suite has not shown by then, new ones first."""
    copy = candidate(shop)
    champion, version = shop.champion(TASK), shop.store.versions.get(copy)
    assert judging.untested(shop, NOW, version, champion) == []
    shop.put_suite(TASK, [row for row in shop.suite(TASK) if row.target != champion.labels[1]])
    grown = replace(version, labels=(*version.labels, "hologram"))
    assert judging.untested(shop, NOW, grown, champion) == ["hologram", champion.labels[1]]
    verdict = judging.gate(shop, NOW, judging.evaluate(shop, NOW, copy), copy)
    assert shop.store.verdicts.get(verdict).because.endswith(f"; no test rows of: {champion.labels[1]}")


def test_a_turn_asks_the_suites(shop: Workshop) -> None:
    """A candidate that mistakes what all must get right is refused for it; what a suite asks is never learned."""
    new = examples(shop.store, steps.curate(shop, NOW, "naive"))
    right = [exam for exam in shop.suite_at(TASK, NOW.until) if exam.target in shop.champion(TASK).labels][:20]
    cases = (*(Case(text=exam.text, expect=exam.target) for exam in right), Case(text=new[0].text, expect="x"))
    keep(shop.store, Suite(name="golden", task=TASK, check="equals", cases=cases, at_least=0.9))
    champion = shop.champion(TASK)
    mistaken = replace(champion, id="ver_3", labels=(*champion.labels[1:], champion.labels[0]), state=State.CANDIDATE)
    id = register(shop.store, mistaken, None).id
    verdict = shop.store.verdicts.get(judging.gate(shop, NOW, judging.evaluate(shop, NOW, id), id))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.because.startswith("refused: suite golden demands 90.0 % and gets 0.0 %")
    assert shop.store.versions.get(id).state is State.REFUSED
    left = examples(shop.store, steps.curate(shop, replace(NOW, turn="trn_2"), "naive"))
    assert new[0].text not in {row.text for row in left}


def test_rows_that_are_not_shown_yet_are_not_measured_on(shop: Workshop) -> None:
    """Before the new labels appear, the suite is the old one."""
    report = judging.evaluate(shop, replace(NOW, until=START + 300.0), candidate(shop))
    assert shop.store.reports.get(report).candidate_score.n == 160


def test_rows_of_a_report_carry_the_tags_that_are_demanded(shop: Workshop) -> None:
    """Those alone, with the right reply and what both said; without a demand nothing is added."""
    suite = [replace(row, tags={"plan": "ab"[k % 2], "account": "SECRET"}) for k, row in enumerate(shop.suite(TASK))]
    shop.put_suite(TASK, suite)
    copy, champion = shop.store.versions.get(candidate(shop)), shop.champion(TASK)
    plain = judging.paired_rows(shop, NOW, copy, champion, suite)
    assert all(not row.tags for row in plain)
    fair(shop, plan=0.1)
    rows = judging.paired_rows(shop, NOW, copy, champion, suite)
    assert [row.tags for row in rows[:2]] == [{"plan": "a"}, {"plan": "b"}]
    assert all(row.said[0] == row.said[1] and row.candidate == float(row.said[0] == row.target) for row in rows)
    report = judging.evaluate(shop, NOW, copy.id)
    assert "SECRET" not in shop.store.blobs.text(shop.store.reports.get(report).rows)
    verdict = shop.store.verdicts.get(judging.gate(shop, NOW, report, copy.id))
    assert "by plan" in verdict.because


def test_slices_of_a_turn_are_common_tags_and_labels(shop: Workshop) -> None:
    """A version that takes two labels for each other is refused by their names; what names a person is not kept."""
    suite = [
        replace(row, tags={"plan": "ab"[k % 2], "account": f"SECRET {k}"}) for k, row in enumerate(shop.suite(TASK))
    ]
    shop.put_suite(TASK, suite)
    champion = shop.champion(TASK)
    one, two, *others = champion.labels
    swapped = replace(champion, id="ver_3", labels=(two, one, *others), state=State.CANDIDATE)
    id = register(shop.store, swapped, None).id
    report = judging.evaluate(shop, NOW, id)
    verdict = shop.store.verdicts.get(judging.gate(shop, NOW, report, id))
    assert verdict.outcome is Outcome.FAIL
    assert f"label {one} -" in verdict.because
    assert f"label {two} -" in verdict.because
    kept = shop.store.blobs.text(shop.store.reports.get(report).rows)
    assert '"plan=a"' in kept
    assert "SECRET" not in kept


def test_a_verdict_names_the_bytes_of_the_base(shop: Workshop, tmp_path: Path) -> None:
    """Those that the worker has open. Where a byte of them is changed in its place nothing more is measured over it,
    and what was proven is no pass, until the old ones are back.
    """
    shop.config = replace(shop.config, model=Model(base=str(shutil.copytree(shop.config.model.base, tmp_path / "own"))))
    base, copy = Path(shop.config.model.base), candidate(shop)
    report = judging.evaluate(shop, NOW, copy)
    verdict = shop.store.verdicts.get(judging.gate(shop, NOW, report, copy))
    assert verdict.base == shop.store.reports.get(report).base == bytes_of(shop.store, str(base))
    assert f"over {base}, sha256 " in describe.verdict(shop.store, verdict.id)
    shop.store.verdicts.put(replace(verdict, outcome=Outcome.PASS))
    assert passed(shop.store, TASK, copy, str(base))
    weights, old = base / "model.safetensors", (base / "model.safetensors").read_bytes()
    weights.write_bytes(old[:-1] + bytes([old[-1] ^ 1]))
    with pytest.raises(OtherBase, match="start again"):
        judging.evaluate(shop, replace(NOW, turn="trn_2", until=NOW.until + 1), register_again(shop, "ver_5"))
    assert not passed(shop.store, TASK, copy, str(base))
    weights.write_bytes(old)
    assert passed(shop.store, TASK, copy, str(base))
    assert judging.evaluate(shop, replace(NOW, turn="trn_2"), "ver_5")


def register_again(shop: Workshop, id: str) -> str:
    """The champion once more, that nothing has been said by yet."""
    return register(shop.store, replace(shop.champion(TASK), id=id, state=State.CANDIDATE), None).id

"""General abilities in a turn: a suite's benchmarks, asked of candidate and champion by the real harness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_project import TASK
from transformers import AutoConfig, LlamaForCausalLM

from harness import write_read, write_task
from homeostat.errors import MissingExtra, NotFound, NotText, Tampered, WrongType
from homeostat.loop.proving import benchmarks, general, judging
from homeostat.loop.proving.benchmarks import Values, measured
from homeostat.loop.proving.examining import scored
from homeostat.loop.proving.general import fastened, parts
from homeostat.loop.proving.suites import drop, keep
from homeostat.loop.workshop import Workshop
from homeostat.release.registry import register
from homeostat.types.report import Outcome
from homeostat.types.suite import Suite, Terms
from homeostat.types.version import ENSEMBLE, HEAD, State, Version
from loop.bystander import NOW, candidate

PAIRS, PART = 60, "suite general on pairs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A task of pairs of which nobody knows what is right."""
    pytest.importorskip("lm_eval")
    write_task(tmp_path / "tasks", "pairs", drawn())
    return tmp_path / "tasks"


def drawn() -> list[tuple[str, str]]:
    rng = np.random.default_rng(0)
    words = ["refund", "parcel", "account", "invoice", "water", "phone", "order", "week", "street", "paper"]
    return [(" ".join(rng.permutation(words)), " ".join(rng.permutation(words))) for _ in range(PAIRS)]


def suite(folder: Path, **more: object) -> Suite:
    return replace(Suite(name="general", task=TASK, check="equals", benchmarks=str(folder)), **more)  # type: ignore[arg-type]


def as_known(shop: Workshop, folder: Path) -> None:
    """Write the task anew, so that in each pair what the champion finds likelier is right."""
    _, said = measured(shop, shop.champion(TASK), folder, ["pairs"], None)["pairs"]
    write_task(folder, "pairs", [(a, b) if said[k] else (b, a) for k, (a, b) in enumerate(drawn())])


def another(shop: Workshop, folder: Path) -> str:
    """A candidate that knows nothing of what the champion knows: weights of its own, from another seed."""
    torch.manual_seed(1)
    LlamaForCausalLM(AutoConfig.from_pretrained(shop.config.model.base)).save_pretrained(folder)
    made = replace(shop.champion(TASK), id="ver_other", kind="full", blob="", state=State.CANDIDATE)
    return register(shop.store, made, folder).id


def test_a_candidate_that_forgot_in_general_is_refused_by_name(shop: Workshop, folder: Path, tmp_path: Path) -> None:
    """What the champion has right and a stranger has by chance: a loss, paired by document. A copy has lost nothing."""
    as_known(shop, folder)
    keep(shop.store, fastened(suite(folder)))
    same = shop.store.reports.get(judging.evaluate(shop, NOW, candidate(shop)))
    trial = same.suites[PART]
    assert (trial.champion.mean, trial.difference.mean, trial.difference.n) == (1.0, 0.0, PAIRS)
    assert (trial.margin, trial.gated) == (shop.config.evaluate.small_margin, False)  # as of any group of 60
    said = shop.store.verdicts.get(judging.gate(shop, NOW, same.id, same.candidate))
    assert (said.outcome, PART in said.tests) == (Outcome.UNSURE, False)  # for want of a gain, and of no proof there
    now = replace(NOW, turn="trn_2")
    report = judging.evaluate(shop, now, another(shop, tmp_path / "other"))
    trial = shop.store.reports.get(report).suites[PART]
    assert (trial.champion.mean, trial.difference.n) == (1.0, PAIRS)
    assert trial.difference.high < -0.2  # by chance half of them would be right
    verdict = shop.store.verdicts.get(judging.gate(shop, now, report, "ver_other"))
    assert verdict.outcome is Outcome.FAIL
    assert PART in verdict.because


def test_the_champion_is_asked_once(shop: Workshop, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a version scores is kept, until the suite asks something else; `homeostat eval` reads it too."""
    asked = list[str]()

    def counted(shop: Workshop, version: Version, *more: object) -> dict[str, Values]:
        asked.append(version.id)
        return measured(shop, version, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(general, "measured", counted)
    keep(shop.store, fastened(suite(folder, documents=8)))
    champion, first = shop.champion(TASK), candidate(shop)
    assert general.before(shop, champion) == {}
    judging.evaluate(shop, NOW, first)
    copy = replace(champion, id="ver_3", state=State.CANDIDATE)
    judging.evaluate(shop, replace(NOW, turn="trn_2"), register(shop.store, copy, None).id)
    assert asked == [first, champion.id, "ver_3"]
    assert general.before(shop, champion) == {PART: (8, Terms())}
    assert scored(shop, champion, NOW.until)["suites"][PART].n == 8
    assert len(asked) == 3
    keep(shop.store, fastened(suite(folder, documents=4)))
    assert scored(shop, champion, NOW.until)["suites"][PART].n == 4
    assert asked[3:] == [champion.id]


def test_what_cannot_be_asked_lets_nobody_pass(shop: Workshop, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are other ones, no folder, no harness: the step ends with an error, and there is no report."""
    keep(shop.store, fastened(suite(folder, documents=2)))
    copy, file = candidate(shop), folder / "pairs.jsonl"
    before = file.read_text()
    file.write_text(before + before)
    with pytest.raises(Tampered, match="not those that were added") as told:
        judging.evaluate(shop, NOW, copy)
    assert "homeostat suites add" in told.value.fix
    file.write_text(before)
    with monkeypatch.context() as patch:
        patch.setattr(benchmarks, "require", missing)
        with pytest.raises(MissingExtra, match=r"homeostat\[eval\]"):
            judging.evaluate(shop, NOW, copy)
    folder.rename(folder.parent / "gone")
    with pytest.raises(NotText, match="no folder") as told:
        judging.evaluate(shop, NOW, copy)
    assert ("'general'" in told.value.fix, "--tasks" in told.value.fix) == (True, False)
    assert shop.store.reports.list(TASK) == []
    drop(shop.store, TASK, "general")
    assert judging.evaluate(shop, NOW, copy)


def missing(package: str, reason: str, *, extra: str) -> None:
    raise MissingExtra(f"{package} is needed {reason}", fix=f"pip install 'homeostat[{extra}]'")


@pytest.mark.parametrize("kind", [HEAD, ENSEMBLE])
def test_of_what_writes_nothing_nothing_is_asked_and_that_is_told(shop: Workshop, folder: Path, kind: str) -> None:
    """In the verdict, by name; a head leaves what is below it as it was."""
    keep(shop.store, fastened(suite(folder, documents=2)))
    champion = shop.champion(TASK)
    found = general.beside(shop, replace(champion, id="ver_mute", kind=kind), champion)
    assert (found.rows, found.unasked) == ([], ("benchmarks of suite general not asked: ver_mute writes nothing",))
    assert general.alone(shop, replace(champion, kind=kind)) == {}
    report = shop.store.reports.get(judging.evaluate(shop, NOW, candidate(shop)))
    rows = judging.from_lines(shop.store.blobs.text(report.rows))
    said = judging.judged(shop, NOW, replace(report, unasked=found.unasked), rows)
    assert said.because.endswith("; benchmarks of suite general not asked: ver_mute writes nothing")


def test_texts_that_are_read_are_told_by_how_likely_a_byte_is(shop: Workshop, folder: Path) -> None:
    """In [0, 1], the higher the better, as all that a gate holds to."""
    write_read(folder)
    known = fastened(suite(folder, margin=0.1, at_least=0.2))
    assert parts(known) == {f"suite general on {name}": Terms(margin=0.1, at_least=0.2) for name in ("pairs", "read")}
    keep(shop.store, known)
    values = general.alone(shop, shop.champion(TASK))["suite general on read"]
    assert set(values) == {str(k) for k in range(6)}
    assert all(0.0 < value < 1.0 for value in values.values())
    _, bits = measured(shop, shop.champion(TASK), folder, ["read"], None)["read"]
    assert [values[str(k)] for k in range(6)] == pytest.approx([2.0 ** -bits[k] for k in range(6)])


def test_a_measure_that_is_no_share_is_told() -> None:
    """With its task; and what is a share is taken as it is."""
    assert general._shares("t", ("acc", {0: 1.0, 3: 0.0})) == {"0": 1.0, "3": 0.0}
    with pytest.raises(WrongType, match=r"chrf says 37\.2 of a document"):
        general._shares("t", ("chrf", {0: 37.2}))


def test_a_suite_is_fastened_to_its_files(folder: Path, tmp_path: Path) -> None:
    """By name and content; hidden files do not count. A folder without a task is none."""
    plain = Suite(name="s", task=TASK)
    assert fastened(plain) is plain
    first = fastened(suite(folder))
    (folder / ".DS_Store").write_text("x")
    assert fastened(suite(folder)) == first
    (folder / "more.txt").write_text("x")
    assert fastened(suite(folder)).files != first.files
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="no task of lm-evaluation-harness") as told:
        fastened(suite(tmp_path / "empty"))
    assert ("`benchmarks` of suite 'general'" in told.value.fix, "--tasks" in told.value.fix) == (True, False)


def test_rows_of_benchmarks_wear_no_test_rows(shop: Workshop, folder: Path) -> None:
    """They stand in the report as rows of suites do, each document once."""
    keep(shop.store, fastened(suite(folder, documents=3)))
    report = shop.store.reports.get(judging.evaluate(shop, NOW, candidate(shop)))
    rows: Sequence[judging.PairedRow] = judging.from_lines(shop.store.blobs.text(report.rows))
    assert [row.id for row in rows if row.group == PART] == [f"{PART}.{k}" for k in range(3)]
    assert report.candidate_score.n == sum(row.group not in report.suites for row in rows)

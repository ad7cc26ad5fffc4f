"""The gate holds candidates to treat groups alike, at the level it says, and says what it found."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import pytest

from homeostat.config.schema import Evaluate
from homeostat.errors import UnknownKey, WrongType
from homeostat.evaluate.fair import Demand, Measure, demands_of, fair_findings, rows_needed, sizes_of
from homeostat.evaluate.gate import compare, gate
from homeostat.evaluate.score import PairedRow, fingerprint, from_lines, to_lines
from homeostat.evaluate.suites.beside import beside
from homeostat.types.report import Outcome, Verdict
from homeostat.types.suite import Terms
from homeostat.types.task import Kind, Task

SETTINGS = Evaluate()
TASK = Task(name="desk")
OPPORTUNITY = Demand(tag="sender", measure=Measure.EQUAL_OPPORTUNITY, margin=0.1)


def rows(recalls: dict[tuple[str, str], float], n: int, seed: int, before: float = 0.7) -> list[PairedRow]:
    """Rows of two labels and some groups; (group, label) -> how often the candidate gives the label where it is right.
    The champion is right in a share of `before`, whatever the group.
    """
    rng, made = np.random.default_rng(seed), []
    for (group, label), recall in recalls.items():
        other = "no" if label == "yes" else "yes"
        for _ in range(n):
            said = tuple(label if rng.random() < rate else other for rate in (recall, before))
            mine, theirs = (float(reply == label) for reply in said)
            tags = {"sender": group}
            made.append(PairedRow(candidate=mine, champion=theirs, tags=tags, target=label, said=(said[0], said[1])))
    return made


def even(recall: float, groups: str = "mf") -> dict[tuple[str, str], float]:
    return {(group, label): recall for group in groups for label in ("yes", "no")}


BIASED = {("m", "yes"): 0.95, ("m", "no"): 0.6, ("f", "yes"): 0.6, ("f", "no"): 0.95}
"""As often right of either group, and by 35 points unlike in who gets which label."""


def judge(given: list[PairedRow], *demands: Demand, settings: Evaluate = SETTINGS) -> Verdict:
    report = compare(TASK, "ver_new", "ver_old", given, settings, now=7.0)
    return gate(report, given, settings, fair=demands)


def test_a_better_candidate_that_treats_groups_unlike_is_refused() -> None:
    """It gains eight points, is as often right of either group, and passes where nothing is demanded."""
    given = rows(BIASED, 300, seed=1)
    assert judge(given).outcome is Outcome.PASS
    told = judge(given, OPPORTUNITY)
    assert told.outcome is Outcome.FAIL
    assert told.because.startswith("refused: it treats groups unlike — recall of '")
    assert "recall of 'yes' by sender, m over f: 28.3 points apart (21.6 to 33.2, n=600)" in told.because
    assert "where at most 10.0 are allowed; +9.1 points" in told.because
    by_accuracy = replace(OPPORTUNITY, measure=Measure.ACCURACY)
    assert judge(given, by_accuracy).outcome is Outcome.PASS  # accuracy alone would not have told


def test_one_that_treats_them_alike_passes_and_it_is_said() -> None:
    """With rows enough for a proof, the sentence names both labels and the p-values stand in the verdict."""
    told = judge(rows(even(0.85), 500, seed=2), OPPORTUNITY)
    assert told.outcome is Outcome.PASS
    assert "groups are treated alike: recall of '" in told.because
    assert sum("recall of" in name for name in told.tests) == 2


@pytest.mark.slow
def test_at_the_margin_it_passes_at_most_alpha() -> None:
    """Candidates whose recall differs by exactly the margin get through in at most 5 % of draws, those that are alike
    in 80 % or so at the least number of rows.
    """
    one = replace(OPPORTUNITY, label="yes")
    at, alike, runs = 0, 0, 250
    n = ceil(rows_needed(0.1, SETTINGS.alpha))
    for seed in range(runs):
        edge = rows({("m", "yes"): 0.95, ("f", "yes"): 0.85}, n, seed)
        at += all(f.shown for f in fair_findings(edge, [one], SETTINGS))
        same = rows({("m", "yes"): 0.9, ("f", "yes"): 0.9}, n, seed)
        alike += all(f.shown for f in fair_findings(same, [one], SETTINGS))
    assert at / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)
    assert alike / runs >= 0.7


@pytest.mark.slow
def test_one_that_is_alike_is_refused_at_most_alpha_however_many_groups() -> None:
    """Eight groups that are treated alike, two labels: no more than 5 % of draws are refused."""
    runs = 60
    refused = sum(
        any(f.refuted for f in fair_findings(rows(even(0.8, "abcdefgh"), 40, seed), [OPPORTUNITY], SETTINGS))
        for seed in range(runs)
    )
    assert refused / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_few_rows_are_told_and_ask_for_no_proof() -> None:
    """With 60 rows of each a gap of ten points can hardly be excluded: it is said, and the candidate may pass; a gap
    beyond doubt fails it all the same.
    """
    told = judge(rows(even(0.95), 60, seed=3), OPPORTUNITY)
    assert told.outcome is Outcome.PASS
    assert "too few rows to say that groups are treated alike: recall of" in told.because
    apart = {("m", "yes"): 1.0, ("m", "no"): 0.9, ("f", "yes"): 0.4, ("f", "no"): 0.9}
    assert judge(rows(apart, 60, seed=3), OPPORTUNITY).outcome is Outcome.FAIL


def test_a_gap_that_grew_fails_although_the_margin_is_wide() -> None:
    """The champion treated both alike; 30 points, where 50 are allowed, are refused for having grown."""
    given = rows(BIASED, 300, seed=4)
    told = judge(given, replace(OPPORTUNITY, margin=0.5))
    assert told.outcome is Outcome.FAIL
    assert "wider than the champion's gap" in told.because
    same = [replace(row, champion=row.candidate, said=(row.said[0], row.said[0])) for row in given]
    assert not any(f.refuted for f in fair_findings(same, [replace(OPPORTUNITY, margin=0.5)], SETTINGS))


@pytest.mark.parametrize(
    ("measure", "label", "apart"),
    [
        (Measure.DEMOGRAPHIC_PARITY, "yes", True),
        (Measure.EQUALIZED_ODDS, "yes", True),
        (Measure.EQUAL_OPPORTUNITY, "no", False),
        (Measure.ACCURACY, "", True),
    ],
)
def test_each_measure_sees_what_it_is_about(measure: Measure, label: str, apart: bool) -> None:
    """Men's `yes` is recognized and women's is not, `no` is of either: seen by whatever looks at `yes`."""
    given = rows({("m", "yes"): 0.95, ("m", "no"): 0.9, ("f", "yes"): 0.5, ("f", "no"): 0.9}, 300, seed=5)
    found = fair_findings(given, [Demand(tag="sender", measure=measure, margin=0.1, label=label)], SETTINGS)
    assert any(f.refuted for f in found) is apart


def test_a_tag_that_no_row_carries_is_named() -> None:
    """Nothing can be said of it, and nothing is demanded."""
    told = judge(rows(even(0.85), 300, seed=6), replace(OPPORTUNITY, tag="language"))
    assert told.outcome is Outcome.PASS
    assert "equal opportunity by language (no two groups with rows)" in told.because


def test_rows_are_kept_with_their_tags_and_without_them_as_ever() -> None:
    """What the verdict rests on can be read again; rows without tags are the very lines they were."""
    given = rows(even(0.8), 3, seed=7)
    assert list(from_lines(to_lines(given))) == given
    plain = PairedRow(id="1", group="a", candidate=1.0, champion=0.0)
    assert to_lines([plain]) == '{"id": "1", "group": "a", "candidate": 1.0, "champion": 0.0}\n'
    assert fingerprint([given[0]]) != fingerprint([replace(given[0], tags={"sender": "x"})])


def test_what_a_configuration_can_say() -> None:
    """A margin alone asks for accuracy and equal opportunity; measures by name for themselves, of one label or all."""
    assert [d.measure for d in demands_of({"a": 0.1}, Kind.LABEL, "fair")] == ["accuracy", "equal_opportunity"]
    assert [d.measure for d in demands_of({"a": 0.1}, Kind.TEXT, "fair")] == ["accuracy"]
    said = {"a": {"demographic_parity": 0.2, "equalized_odds": 0.1, "label": "yes"}}
    assert [(d.measure, d.margin, d.label) for d in demands_of(said, Kind.LABEL, "fair")] == [
        ("demographic_parity", 0.2, "yes"),
        ("equalized_odds", 0.1, "yes"),
    ]


@pytest.mark.parametrize(
    ("said", "kind", "error", "where"),
    [
        ({"a": "much"}, Kind.LABEL, WrongType, "tasks.x.fair.a"),
        ({"a": 10}, Kind.LABEL, WrongType, "tasks.x.fair.a"),
        ({"a": True}, Kind.LABEL, WrongType, "tasks.x.fair.a"),
        ({"a": {"acuracy": 0.1}}, Kind.LABEL, UnknownKey, "tasks.x.fair.a.acuracy"),
        ({"a": {"equal_opportunity": 0.1}}, Kind.TEXT, WrongType, "tasks.x.fair.a.equal_opportunity"),
        ({"a": {"accuracy": 0.1, "label": 3}}, Kind.LABEL, WrongType, "tasks.x.fair.a.label"),
    ],
)
def test_what_it_cannot_say(said: dict[str, object], kind: Kind, error: type[Exception], where: str) -> None:
    """An error that names the place."""
    with pytest.raises(error) as caught:
        demands_of(said, kind, "tasks.x.fair")
    assert caught.value.where == where  # type: ignore[attr-defined]


def test_rows_of_suites_are_not_the_groups_rows() -> None:
    """What a suite asks says nothing of the traffic: groups are compared on test rows alone."""
    given = rows(even(0.85), 400, seed=8)
    report = compare(TASK, "ver_new", "ver_old", given, SETTINGS, now=7.0)
    asked = [
        PairedRow(id=f"suite.{k}", group="golden", candidate=1.0, champion=1.0, tags={"sender": "m"}, target="yes",
                  said=("no", "no"))
        for k in range(400)
    ]  # fmt: skip
    report = beside(report, given, asked, {"golden": Terms(margin=0.05)}, SETTINGS)
    assert gate(report, [*given, *asked], SETTINGS, fair=[OPPORTUNITY]).outcome is Outcome.PASS


def test_three_groups_of_which_one_is_small() -> None:
    """Two that have rows enough are held to a proof, and the third is told beside them."""
    many, few = rows(even(0.85, "mf"), 400, seed=9), rows(even(0.85, "x"), 40, seed=10)
    found = fair_findings([*many, *few], [replace(OPPORTUNITY, label="yes")], SETTINGS)
    assert [(f.required, f.score.n) for f in found] == [(True, 800), (False, 840)]
    tiny = rows(even(0.85, "y"), 5, seed=11)
    again = fair_findings([*many, *tiny], [replace(OPPORTUNITY, label="yes")], SETTINGS)
    assert [f.score.n for f in again] == [800]  # five rows say nothing


def test_a_task_of_text_is_held_to_how_right_replies_are() -> None:
    """Values between 0 and 1, of two languages, one of which is served worse by a third."""
    rng = np.random.default_rng(12)
    given = [
        PairedRow(
            candidate=float(np.clip(rng.normal(0.8 if k % 2 else 0.5, 0.1), 0, 1)),
            champion=float(np.clip(rng.normal(0.4, 0.1), 0, 1)),
            tags={"language": "de" if k % 2 else "en"},
            target="a reply",
            said=("x", "y"),
        )
        for k in range(400)
    ]
    demands = demands_of({"language": 0.1}, Kind.TEXT, "fair")
    told = judge(given, *demands)
    assert told.outcome is Outcome.FAIL
    assert "accuracy by language, de over en: 29.4 points apart (26.7 to 31.6, n=400)" in told.because
    alike = [replace(row, candidate=0.8 + 0.01 * (k % 7)) for k, row in enumerate(given)]
    assert judge(alike, *demands).outcome is Outcome.PASS


def test_users_count_once_where_groups_are_compared() -> None:
    """Two groups of 300 rows each are asked for a proof as 300 users, and not as the 30 that they are of."""
    demand = Demand(tag="sender", measure=Measure.ACCURACY, margin=0.1)
    given = rows(even(0.9), 150, seed=3)
    users = [replace(row, cluster=f"user {row.tags['sender']} {k % 30}") for k, row in enumerate(given)]
    alone, of_users = (fair_findings(each, [demand], SETTINGS)[0] for each in (given, users))
    assert (alone.required, of_users.required) == (True, False)
    assert of_users.score.n == alone.score.n
    assert of_users.score.low < alone.score.low
    assert dict(sizes_of(demand, given)) == {"accuracy by sender": {"f": (300, 300), "m": (300, 300)}}

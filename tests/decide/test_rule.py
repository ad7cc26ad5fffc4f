"""Policies of the configuration: how they are read, and when their triggers ask for a decision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decide.trigger.sights import DAY, NEW_YEAR, sight, signal
from homeostat.config.load import load
from homeostat.config.schema import Config, Policy, Tasks
from homeostat.decide.budget import Given
from homeostat.decide.replay.policies import POLICIES
from homeostat.decide.rule import Memory, Rule, asked, bounds, deciding, drilling, hold, read, rule_of
from homeostat.decide.trigger.sight import Fall
from homeostat.errors import HomeostatError, TakenName, UnknownKey, UnknownPlugin, WrongType
from homeostat.types.report import Score

FIVE_LINES = """\
tasks: {routing: {kind: label, policy: steady}}
policies:
  steady:
    any: {schedule: every 3 months, labels: 500, drift: any}
    cool_down: 7d
"""


DRILLS: dict[str, Any] = {"any": {"schedule": "0 10 * * 2"}, "action": "drill"}


def rule(**policy: Any) -> Rule:
    return read("steady", Policy(**policy))


def fallen(points: float) -> dict[str, Fall]:
    """Quality that has certainly fallen by so much, or risen."""
    scores = [Score(mean=m, low=m - 1e-9, high=m + 1e-9, n=200) for m in (0.9, 0.9 - points)]
    return {"measured": Fall(before=scores[0], now=scores[1])}


def test_five_lines_are_a_policy(tmp_path: Any) -> None:
    """Read from a file, with everything else as it is by default."""
    (tmp_path / "homeostat.yaml").write_text(FIVE_LINES)
    config = load(tmp_path, environ={})
    hold(config, POLICIES)
    found = rule_of(config, "routing")
    assert list(found.triggers) == ["any.schedule", "any.labels", "any.drift"]
    assert (found.name, found.strategy, found.action, found.cool_s) == ("steady", "value", "retrain", 7 * DAY)
    assert asked(found, sight(labels=500), Memory()).due
    assert not asked(found, sight(labels=499), Memory()).due


def test_without_a_policy() -> None:
    """Labels after a signal, ten times as many without one: the built-in rule, also of a policy without triggers."""
    config = Config(tasks={"routing": Tasks()}, policies={"capped": Policy(budget={"retrainings": 1})})
    built_in, capped = rule_of(config, "routing"), read("capped", config.policies["capped"])
    for one in (built_in, capped):
        assert asked(one, sight(labels=30, min_labels=30, signals=(signal(),)), Memory()).due
        assert not asked(one, sight(labels=299, min_labels=30), Memory()).due
        assert asked(one, sight(labels=300, min_labels=30), Memory()).due
    assert (built_in.name, built_in.look_s) == ("", 0.0)


def test_any_and_all() -> None:
    """One of `any` is enough; `all` must hold besides; a person who asks is always heard."""
    both = rule(any={"drift": "any", "schedule": "every year"}, all={"labels": 50})
    assert not asked(both, sight(labels=50), Memory()).due
    assert not asked(both, sight(labels=49, signals=(signal(),)), Memory()).due
    assert asked(both, sight(labels=50, signals=(signal(),)), Memory()).due
    assert asked(both, sight(manual=True), Memory()).due
    assert asked(rule(all={"labels": 50}), sight(labels=50), Memory()).due
    assert not asked(rule(any={"manual": True}), sight(labels=10**6), Memory()).due


def test_it_says_what_did_not_fire_and_by_how_much() -> None:
    """Of every trigger that did not; of those that did, where one is due."""
    three = rule(any={"labels": 200, "drift": "any"}, all={"requests": 10})
    idle = asked(three, sight(labels=140, requests=12.0), Memory())
    assert idle.because == "labels: 140 of 200 new labels; drift: no signal"
    assert asked(three, sight(labels=200, requests=12.0), Memory()).because == (
        "labels: 200 of 200 new labels; requests: 12 of 10 new requests"
    )


def test_a_list_is_a_trigger_for_each() -> None:
    """Two schedules in one policy."""
    two = rule(any={"schedule": ["0 2 * * 1", "every 3 months"]})
    assert list(two.triggers) == ["any.schedule[0]", "any.schedule[1]"]


def test_it_must_hold_for_some_looks() -> None:
    """With `hold: 3` the third look in a row is the first that asks; one in between that does not hold begins anew."""
    patient, memory, due = rule(any={"drop": 0.05}, hold=3), Memory(), []
    for points in (0.1, 0.1, 0.0, 0.1, 0.1, 0.1, 0.1):
        found = asked(patient, sight(falls=fallen(points)), memory)
        memory = found.memory
        due.append(found.due)
    assert due == [False, False, False, False, False, True, True]
    assert "for 1 of 3 looks" in asked(patient, sight(falls=fallen(0.1)), Memory()).because


@given(st.lists(st.floats(0.0, 0.2), min_size=1, max_size=60), st.floats(0.1, 1.0))
def test_it_does_not_flap(course: list[float], rearm: float) -> None:
    """Between two times that something is done about a fall it has been below its lower line."""
    one, memory, acted, below = rule(any={"drop": 0.1}, rearm=rearm), Memory(), 0, True
    for points in course:
        found = asked(one, sight(falls=fallen(points), acted=f"dec_{acted}"), memory)
        below = below or points < rearm * 0.1 - 1e-6
        if found.due:
            assert below
            memory, acted, below = found.opened, acted + 1, False
        else:
            memory = found.memory
    fires = [points for points in course if points > 0.1 + 1e-6]
    assert acted >= bool(fires)


def test_another_version_arms_it_again() -> None:
    """After something was done the same fall asks nobody again; the fall of a new version does."""
    one = rule(any={"drop": 0.1})
    first = asked(one, sight(falls=fallen(0.2), acted=""), Memory())
    assert first.due
    second = asked(one, sight(falls=fallen(0.2), acted="dec_1"), first.opened)
    assert not second.due
    assert "something was done about it already" in second.because
    assert asked(one, sight(falls=fallen(0.2), acted="dec_1", champion="ver_2"), second.memory).due


def test_who_decided_to_wait_is_asked_again() -> None:
    """A fall about which nothing was done goes on asking."""
    one = rule(any={"drop": 0.1})
    found = asked(one, sight(falls=fallen(0.2)), Memory())
    assert asked(one, sight(falls=fallen(0.2)), found.opened).due


def test_a_schedule_asks_once() -> None:
    """At the first look after its moment, and not at the looks that follow."""
    nightly, memory, due = rule(any={"schedule": "0 2 * * *"}), Memory(), []
    for hour in range(72):
        found = asked(nightly, sight(time=NEW_YEAR + 3600.0 * hour), memory)
        memory = found.opened if found.due else found.memory
        due += [hour] if found.due else []
    assert due == [2, 26, 50]


def test_what_holds_a_policy_back() -> None:
    """Quiet hours, the cool-down after its last retraining, and what is left of its budget."""
    one = rule(quiet=("00:00-06:00",), cool_down="7d", budget={"retrainings": 1, "labels": 50})
    around = bounds(one, at=NEW_YEAR + 3600, retrained=NEW_YEAR, labels=lambda since: Given(20, 0.0))
    assert (around.quiet_until, around.cool_until) == (NEW_YEAR + 6 * 3600, NEW_YEAR + 7 * DAY)
    assert around.left == {"retrainings": 1.0, "labels": 30.0}
    assert around.renews == NEW_YEAR + 31 * DAY
    assert bounds(one, at=NEW_YEAR + 3600, retrained=None).cool_until == 0.0


@pytest.mark.parametrize(
    ("policy", "kind", "where", "told"),
    [
        ({"any": {"lables": 5}}, UnknownPlugin, "homeostat.triggers", "did you mean 'labels'"),
        ({"any": {"drop": 5}}, WrongType, "policies.p.any.drop", "drop must be a number above 0"),
        ({"all": {"schedule": ["bad"]}}, WrongType, "policies.p.all.schedule[0]", "every 3 months"),
        ({"strategy": "valeu"}, UnknownPlugin, "homeostat.strategies", "did you mean 'value'"),
        ({"look": "soon"}, WrongType, "policies.p.look", "not a span of time: 'soon'"),
        ({"quiet": ("night",)}, WrongType, "policies.p.quiet", "Mon-Fri"),
        ({"quiet": ("Mon-Sun",)}, WrongType, "policies.p.quiet", "always"),
        ({"budget": {"mony": 3}}, WrongType, "policies.p.budget", "did you mean 'money'"),
        ({"zone": "Berlin"}, WrongType, "policies.p.zone", "Europe/Berlin"),
        ({"action": "drill"}, WrongType, "policies.p.any", "drills go by the clock alone"),
        ({**DRILLS, "any": {"schedule": "0 1 * * *", "labels": 5}}, WrongType, "policies.p.any", "by the clock alone"),
        ({**DRILLS, "any": {"schedule": "every 3 to 6 months"}}, WrongType, "policies.p.any", "at one distance"),
        ({**DRILLS, "budget": {"money": 3}}, WrongType, "policies.p.budget", "a drill goes by no `budget`"),
        ({**DRILLS, "all": {"requests": 9}}, WrongType, "policies.p.all", "a drill goes by no `all`"),
    ],
)
def test_errors_say_what_where_and_how(
    policy: dict[str, Any], kind: type[HomeostatError], where: str, told: str
) -> None:
    """Every mistake is told with its place and what was probably meant."""
    with pytest.raises(kind) as problem:
        hold(Config(policies={"p": Policy(**policy)}), POLICIES)
    assert where in problem.value.where
    assert told in str(problem.value)


def test_policies_that_drill_stand_apart() -> None:
    """They decide nothing, so no task names one; they come in the order of the file, with their hours and zone."""
    tuesdays = Policy(**DRILLS, quiet=("Fri",), zone="Europe/Berlin")
    config = Config(tasks={"routing": Tasks(policy="steady")}, policies={"tuesdays": tuesdays, "steady": Policy()})
    hold(config, POLICIES)
    assert list(deciding(config)) == ["steady"]
    (found,) = drilling(config)
    assert (found.name, list(found.triggers), str(found.zone)) == ("tuesdays", ["any.schedule"], "Europe/Berlin")
    assert len(found.quiet) == 1
    with pytest.raises(WrongType, match="drills and decides nothing") as named:
        hold(replace(config, tasks={"routing": Tasks(policy="tuesdays")}), POLICIES)
    assert named.value.where == "tasks.routing.policy"


def test_names_that_do_not_fit() -> None:
    """A policy that there is not, one called as a built-in one, and an objective that the task does not have."""
    tasks = {"routing": Tasks(policy="stedy")}
    with pytest.raises(UnknownKey, match="unknown policy 'stedy'") as unknown:
        hold(Config(tasks=tasks, policies={"steady": Policy()}), POLICIES)
    assert (unknown.value.where, "did you mean 'steady'" in unknown.value.fix) == ("tasks.routing.policy", True)
    with pytest.raises(TakenName, match="'monthly' is the name of a built-in policy"):
        hold(Config(policies={"monthly": Policy()}), POLICIES)
    missing = Config(tasks={"routing": Tasks(policy="p")}, policies={"p": Policy(any={"objective": True})})
    with pytest.raises(WrongType, match="'routing' has no objective to miss"):
        hold(missing, POLICIES)
    hold(replace(missing, tasks={"routing": Tasks(policy="p", objective_at_least=0.9)}), POLICIES)
    rated = {"routing": Tasks(policy="p", objectives={"rating": 0.9})}
    hold(replace(missing, tasks=rated), POLICIES)
    named = replace(missing, tasks=rated, policies={"p": Policy(any={"objective": "ratings"})})
    with pytest.raises(UnknownKey, match="'routing' has no objective 'ratings'") as told:
        hold(named, POLICIES)
    assert "did you mean 'rating'" in told.value.fix

"""What became of earlier turns: what was expected of each when it was decided, and what users got."""

from __future__ import annotations

from homeostat.decide.outcome import Outcome
from homeostat.decide.record import evidence_of
from homeostat.decide.value import shadow_gain
from homeostat.store import Store
from homeostat.types.release import Stage
from homeostat.types.report import Report, Score
from homeostat.types.turn import Turn

MOST = 60
"""Turns that are read, the newest ones."""


def outcomes(store: Store, task: str, until: float) -> tuple[Outcome, ...]:
    """The newest turns of a task that ended before `until` with a candidate, oldest first.

    A turn that broke off, or that a person said no to, says nothing about gains and is left out.
    """
    ended = [turn for turn in store.turns.list(task) if turn.time < until and _ended(turn)]
    found = [one for one in (_outcome(store, turn) for turn in ended[-MOST:]) if one is not None]
    return tuple(found)


def _ended(turn: Turn) -> bool:
    return turn.story == "turn" and not turn.under_way and turn.state in ("gate", "release") and "decide" in turn.diary


def _outcome(store: Store, turn: Turn) -> Outcome | None:
    decision = store.decisions.get(turn.diary["decide"])
    evidence = evidence_of(store, decision)
    if not decision.action.makes or evidence is None:
        return None
    reports = [store.reports.get(id) for step, id in turn.diary.items() if step.startswith("evaluate.") and id]
    if not reports:
        return None
    option = next((one for one in evidence.options if one.name == decision.chosen), None)
    # What was measured of the way that was taken, before anything was made of earlier turns.
    expected = shadow_gain(evidence) if option is None else option.probed or option.gain
    way = decision.chosen if option is None else option.way
    return Outcome(turn=turn.id, expected=expected, gained=_gained(store, turn, reports), way=way)


def _gained(store: Store, turn: Turn, reports: list[Report]) -> Score:
    """By the report of the version that came to answer everybody; 0, as sure as the last report, where none did."""
    released = store.releases.get(turn.diary["release"]).candidate if "release" in turn.diary else ""
    own = next((report for report in reports if report.candidate == released), None)
    if own is not None and turn.diary.get("stage") == Stage.FULL:
        return own.difference
    error = (reports[-1].difference.high - reports[-1].difference.low) / 2
    return Score(mean=0.0, low=-error, high=error, n=reports[-1].difference.n)

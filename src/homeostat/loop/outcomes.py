"""What became of earlier turns: what was expected of each when it was decided, and what users got."""

from __future__ import annotations

from homeostat.decide.outcome import NEWEST, Outcome
from homeostat.decide.record import evidence_of
from homeostat.decide.value import shadow_gain
from homeostat.store import Store
from homeostat.types.decision import Action
from homeostat.types.release import Stage
from homeostat.types.report import Report, Score
from homeostat.types.turn import Turn


def outcomes(store: Store, task: str, until: float) -> tuple[Outcome, ...]:
    """The newest turns of a task that ended before `until` and that the cheap head's gain decided, oldest first.

    A turn that went another way (other words, a probed recipe), that broke off, or that a person said no to, says
    nothing about that gain and is left out.
    """
    ended = [turn for turn in store.turns.list(task) if turn.time < until and _ended(turn)]
    found = [one for one in (_outcome(store, turn) for turn in ended[-NEWEST:]) if one is not None]
    return tuple(found)


def _ended(turn: Turn) -> bool:
    return turn.story == "turn" and not turn.under_way and turn.state in ("gate", "release") and "decide" in turn.diary


def _outcome(store: Store, turn: Turn) -> Outcome | None:
    decision = store.decisions.get(turn.diary["decide"])
    evidence = evidence_of(store, decision)
    if decision.action is not Action.RETRAIN or decision.chosen or evidence is None:
        return None
    reports = [store.reports.get(id) for step, id in turn.diary.items() if step.startswith("evaluate.") and id]
    if not reports:
        return None
    return Outcome(turn=turn.id, expected=shadow_gain(evidence), gained=_gained(store, turn, reports))


def _gained(store: Store, turn: Turn, reports: list[Report]) -> Score:
    """By the report of the version that came to answer everybody; 0, as sure as the last report, where none did."""
    released = store.releases.get(turn.diary["release"]).candidate if "release" in turn.diary else ""
    own = next((report for report in reports if report.candidate == released), None)
    if own is not None and turn.diary.get("stage") == Stage.FULL:
        return own.difference
    error = (reports[-1].difference.high - reports[-1].difference.low) / 2
    return Score(mean=0.0, low=-error, high=error, n=reports[-1].difference.n)
